/* What completion offers in the shell: SQL's words, the lake's names, and the columns of the
 * tables that the statement names already.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/map.h"
#include "cli/line_private.h"

static const char *const keywords[] = {
    "all",       "alter table", "and",      "as",         "asc",         "at",        "avg(",
    "between",   "by",          "case",     "cast(",      "coalesce(",   "column",    "count(",
    "create",    "create or replace view",  "create schema", "create table", "create view",
    "cross join", "date_trunc(", "desc",    "describe",   "distinct",    "drop",      "drop table",
    "drop view", "else",        "end",      "except",     "exists",      "explain",   "extract(",
    "false",     "filter",      "from",     "full join",  "group by",    "having",    "ilike",
    "in",        "inner join",  "insert into", "intersect", "interval",  "is not null", "is null",
    "join",      "lateral",     "left join", "like",      "limit",       "max(",      "min(",
    "not",       "null",        "offset",   "on",         "or",          "order by",  "over",
    "partition by", "qualify",  "rename to", "right join", "row_number(", "select",   "set",
    "show tables", "sum(",      "table",    "then",       "timestamp",   "true",      "union",
    "union all", "unnest(",     "using",    "values",     "view",        "when",      "where",
    "with",
};

typedef struct Offer {
    TarnText word;
    TarnArena *arena;
    TarnMap seen;
    const char **items;
    size_t count;
    size_t capacity;
} Offer;

static void offer(Offer *list, const char *candidate) {
    if (candidate == NULL || strncasecmp(candidate, list->word.data, list->word.size) != 0) return;
    if (tarn_base_map_has(&list->seen, tarn_base_text(candidate))) return;
    tarn_base_map_put(&list->seen, tarn_base_text(candidate), list);
    const char **item = TARN_PUSH(list->arena, list);
    if (item != NULL) *item = candidate;
}

static int by_text(const void *a, const void *b) {
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_word(char c) { return isalnum((unsigned char)c) || strchr("_$.\"", c) != NULL; }

/* Whether `name` stands in `text` as a word of its own. */
static bool mentions(TarnText text, const char *name) {
    size_t size = strlen(name);
    for (size_t i = 0; i + size <= text.size; i++) {
        if (strncasecmp(text.data + i, name, size) == 0 &&
            (i == 0 || !is_word(text.data[i - 1])) &&
            (i + size == text.size || !is_word(text.data[i + size]))) {
            return true;
        }
    }
    return false;
}

static void offer_columns(TarnCliLake *lake, TarnTableName name, Offer *list) {
    const TarnTable *table;
    TarnError ignored;
    if (!tarn_catalog_table_load(lake->catalog, name, &table, &ignored)) return;
    const TarnSchema *schema = tarn_table_metadata_current_schema(table->metadata);
    for (size_t i = 0; schema != NULL && i < schema->field_count; i++) {
        offer(list, tarn_base_arena_string(list->arena, schema->fields[i].name));
    }
    tarn_catalog_table_release(table);
}

bool tarn_cli__line_words(TarnCliLake *lake, TarnText text, TarnText word, TarnArena *arena,
                          const char ***words, size_t *count, TarnError *error) {
    Offer list = {.word = word, .arena = arena};
    TarnRelation *relations;
    size_t relation_count;
    const char **names;
    size_t name_count;
    tarn_base_map_init(&list.seen, arena);
    if (!tarn_catalog_list(lake->catalog, NULL, arena, &relations, &relation_count, error) ||
        !tarn_catalog_namespace_list(lake->catalog, arena, &names, &name_count, error)) {
        return false;
    }
    for (size_t i = 0; i < relation_count; i++) {
        const char *name = tarn_catalog_name_text(relations[i].name, arena);
        offer(&list, name);
        if (name != NULL && relations[i].kind == TARN_RELATION_TABLE && mentions(text, name)) {
            offer_columns(lake, relations[i].name, &list);
        }
    }
    for (size_t i = 0; i < name_count; i++) {
        offer(&list, tarn_base_arena_printf(arena, "%s.", names[i]));
    }
    for (size_t i = 0; word.size > 0 && i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        offer(&list, keywords[i]);
    }
    if (!tarn_base_arena_check(arena, error)) return false;
    if (list.count > 1) qsort(list.items, list.count, sizeof(*list.items), by_text);
    *words = list.items;
    *count = list.count;
    return true;
}
