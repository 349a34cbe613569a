/* Partition and sort expressions of statements, against a schema.
 */
#include <string.h>
#include <strings.h>

#include "query/query_private.h"

static bool place_error(const TarnParsed *parsed, TarnText text, TarnError *error) {
    TarnError told = *error;
    bool inside = text.data >= parsed->tokens.source.data &&
                  text.data < parsed->tokens.source.data + parsed->tokens.source.size;
    if (!inside || told.line > 0) return false;
    tarn_query__error_at(parsed->tokens.source, (size_t)(text.data - parsed->tokens.source.data),
                         told.code, error, "%s", told.message);
    return tarn_base_error_hint(error, "%s", told.hint);
}

bool tarn_query__partition_spec(const TarnParsed *parsed, const TarnSchema *schema,
                                const TarnTableMetadata *base, TarnArena *arena,
                                TarnPartitionSpec *spec, TarnError *error) {
    size_t count = parsed->partitions.count;
    int32_t last_id = base != NULL ? base->last_partition_id : TARN_PARTITION_FIRST_FIELD_ID - 1;
    TarnPartitionField *fields = TARN_NEW_ARRAY(arena, count + 1, TarnPartitionField);
    if (fields == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        TarnText text = parsed->partitions.items[i];
        if (!tarn_table_partition_parse(schema, text, arena, &fields[i], error)) {
            return place_error(parsed, text, error);
        }
    }
    return tarn_table_partition_spec_build(schema, fields, count,
                                           base != NULL ? base->specs : NULL,
                                           base != NULL ? base->spec_count : 0, &last_id, arena,
                                           spec, error);
}

/* Cuts a trailing word off, without case. */
static bool cut_word(TarnText *text, const char *word) {
    size_t size = strlen(word);
    TarnText trimmed = tarn_base_text_trim(*text);
    if (trimmed.size <= size) return false;
    const char *end = trimmed.data + trimmed.size - size;
    if (strncasecmp(end, word, size) != 0 || (end[-1] != ' ' && end[-1] != '\n')) return false;
    *text = tarn_base_text_trim((TarnText){trimmed.data, trimmed.size - size});
    return true;
}

bool tarn_query__sort_order(const TarnParsed *parsed, const TarnSchema *schema, TarnArena *arena,
                            TarnSortOrder *order, TarnError *error) {
    size_t count = parsed->sort.count;
    *order = (TarnSortOrder){.id = count > 0 ? 1 : 0, .field_count = count};
    order->fields = TARN_NEW_ARRAY(arena, count + 1, TarnSortField);
    if (order->fields == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < count; i++) {
        TarnText text = parsed->sort.items[i];
        TarnPartitionField field;
        bool first = cut_word(&text, "NULLS FIRST");
        bool last = !first && cut_word(&text, "NULLS LAST");
        bool descending = cut_word(&text, "DESC");
        if (!descending) cut_word(&text, "ASC");
        if (!tarn_table_partition_parse(schema, text, arena, &field, error)) {
            return place_error(parsed, text, error);
        }
        /* Without a word Iceberg's habit rules: nulls first when ascending. */
        order->fields[i] = (TarnSortField){.source_id = field.source_id,
                                           .transform = field.transform,
                                           .descending = descending,
                                           .nulls_last = last || (!first && descending)};
    }
    return true;
}
