/* Rows deleted by equality: a join with what the delete files hold.
 *
 * An equality delete deletes the rows of older data files of its partition (of all, if its spec
 * has no fields) whose columns equal its own, null being equal to null. For each set of columns
 * the delete files are read once and reduced to the newest sequence number of each key; a row is
 * dead if its key's number is greater than its file's. So the cost is one hash join a set, however
 * many delete files there are.
 *
 * Columns that the table has dropped since still count: they are read under a hidden name.
 *
 * Source: Iceberg table specification, "Equality Delete Files", "Scan Planning".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/scan_private.h"

/* Delete files that compare the same columns. */
typedef struct KeySet {
    int32_t *ids; /* ascending */
    size_t id_count;
    bool is_global; /* of specs without fields */
    struct {
        TarnListedFile *items;
        size_t count;
        size_t capacity;
    } files;
    struct {
        const TarnDataFile **items;
        size_t count;
        size_t capacity;
    } data;
} KeySet;

typedef struct Equality {
    TarnScanWriter *scan;
    struct {
        KeySet *items;
        size_t count;
        size_t capacity;
    } sets;
    TarnMap files;      /* path of a delete file -> anything */
    TarnMap partitions; /* key of a partition -> &numbers */
    int64_t next_partition;
} Equality;

/* --- columns --- */

static const TarnField *find_top(const TarnSchema *schema, int32_t id) {
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].id == id) return &schema->fields[i];
    }
    return NULL;
}

static const TarnField *known_column(const TarnScanWriter *scan, int32_t id) {
    for (size_t i = 0; i < scan->column_count; i++) {
        if (scan->columns[i]->id == id) return scan->columns[i];
    }
    return NULL;
}

/* A dropped column, as the newest schema that has it says. */
static bool add_hidden(TarnScanWriter *scan, int32_t id) {
    const TarnTableMetadata *metadata = scan->table->metadata;
    const TarnField *found = NULL;
    for (size_t i = metadata->schema_count; found == NULL && i > 0; i--) {
        found = find_top(&metadata->schemas[i - 1], id);
    }
    if (found == NULL) {
        return tarn_base_error_set(scan->error, TARN_E_SQL_UNSUPPORTED,
                                   "an equality delete of \"%s.%s\" compares the field %" PRId32
                                   ", which is no column of the table or lies within one",
                                   scan->table->name.ns, scan->table->name.name, id);
    }
    TarnField *field = tarn_base_arena_copy(scan->arena, found, sizeof(*found));
    const TarnField **columns = TARN_NEW_ARRAY(scan->arena, scan->column_count + 1,
                                               const TarnField *);
    if (!tarn_base_arena_check(scan->arena, scan->error)) return false;
    field->name = tarn_base_arena_printf(scan->arena, "__tarn_equality_%" PRId32, id);
    memcpy(columns, scan->columns, scan->column_count * sizeof(const TarnField *));
    columns[scan->column_count++] = field;
    scan->columns = columns;
    return tarn_base_arena_check(scan->arena, scan->error);
}

/* --- collecting --- */

static bool number_partition(Equality *equality, const TarnDataFile *file, int64_t *number) {
    TarnScanWriter *scan = equality->scan;
    TarnBuffer key;
    tarn_base_buffer_init(&key, TARN_LIMIT_FIELD_BYTES);
    bool ok = tarn_table_partition_key(file->spec_id, file->partition, file->partition_count, &key,
                                       scan->error);
    const int64_t *known = ok ? tarn_base_map_get(&equality->partitions,
                                                  tarn_base_buffer_view(&key))
                              : NULL;
    if (ok && known == NULL) {
        TarnText copy = {tarn_base_arena_copy(scan->arena, key.data, key.size), key.size};
        int64_t *made = TARN_NEW(scan->arena, int64_t);
        ok = tarn_base_arena_check(scan->arena, scan->error);
        if (ok) {
            *made = equality->next_partition++;
            tarn_base_map_put(&equality->partitions, copy, made);
            known = made;
        }
    }
    tarn_base_buffer_dispose(&key);
    if (ok) *number = *known;
    return ok;
}

static bool is_global(const TarnScanWriter *scan, const TarnDataFile *file) {
    const TarnPartitionSpec *spec = tarn_table_metadata_spec(scan->table->metadata, file->spec_id);
    return spec == NULL || tarn_table_spec_is_unpartitioned(spec);
}

static int compare_ids(const void *a, const void *b) {
    const int32_t *x = a;
    const int32_t *y = b;
    return (*x > *y) - (*x < *y);
}

static KeySet *set_of(Equality *equality, const TarnDataFile *file) {
    TarnScanWriter *scan = equality->scan;
    KeySet wanted = {.id_count = file->equality_id_count, .is_global = is_global(scan, file)};
    wanted.ids = tarn_base_arena_copy(scan->arena, file->equality_ids,
                                      file->equality_id_count * sizeof(int32_t));
    if (!tarn_base_arena_check(scan->arena, scan->error)) return NULL;
    qsort(wanted.ids, wanted.id_count, sizeof(int32_t), compare_ids);
    for (size_t i = 0; i < equality->sets.count; i++) {
        KeySet *set = &equality->sets.items[i];
        if (set->is_global == wanted.is_global && set->id_count == wanted.id_count &&
            memcmp(set->ids, wanted.ids, wanted.id_count * sizeof(int32_t)) == 0) {
            return set;
        }
    }
    for (size_t i = 0; i < wanted.id_count; i++) {
        if (known_column(scan, wanted.ids[i]) == NULL && !add_hidden(scan, wanted.ids[i])) {
            return NULL;
        }
    }
    KeySet *set = TARN_PUSH(scan->arena, &equality->sets);
    if (set != NULL) *set = wanted;
    return tarn_base_arena_check(scan->arena, scan->error) ? set : NULL;
}

static bool check_file(const TarnScanWriter *scan, const TarnDataFile *file) {
    if (file->equality_id_count > 0) return true;
    return tarn_base_error_set(scan->error, TARN_E_METADATA_INVALID,
                               "the equality delete file \"%.*s\" names no columns",
                               TARN_TEXT_ARG(file->path));
}

static bool collect_file(Equality *equality, const TarnScanDelete *item) {
    TarnScanWriter *scan = equality->scan;
    const TarnDataFile *file = item->file;
    if (file->content != TARN_CONTENT_EQUALITY_DELETES ||
        tarn_base_map_has(&equality->files, file->path)) {
        return true;
    }
    tarn_base_map_put(&equality->files, file->path, equality);
    KeySet *set = check_file(scan, file) ? set_of(equality, file) : NULL;
    if (set == NULL) return false;
    TarnListedFile *listed = TARN_PUSH(scan->arena, &set->files);
    const TarnDataFile **data = TARN_PUSH(scan->arena, &set->data);
    if (listed == NULL || data == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    *data = file;
    listed->facts[TARN_FILE_SEQUENCE] = item->sequence_number;
    return set->is_global || number_partition(equality, file, &listed->facts[TARN_FILE_PARTITION]);
}

static bool collect(Equality *equality, const size_t *tasks, size_t count) {
    TarnScanWriter *scan = equality->scan;
    tarn_base_map_init(&equality->files, scan->arena);
    tarn_base_map_init(&equality->partitions, scan->arena);
    scan->partitions = TARN_NEW_ARRAY(scan->arena, scan->plan->task_count + 1, int64_t);
    if (scan->partitions == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    for (size_t i = 0; i < count; i++) {
        const TarnScanTask *task = &scan->plan->tasks[tasks[i]];
        if (!number_partition(equality, task->file, &scan->partitions[tasks[i]])) return false;
        for (size_t d = 0; d < task->delete_count; d++) {
            if (!collect_file(equality, &task->deletes[d])) return false;
        }
    }
    return true;
}

/* --- SQL --- */

static bool write_delete_files(const Equality *equality, const KeySet *set) {
    TarnScanWriter *scan = equality->scan;
    tarn_base_buffer_string(scan->out, " FROM read_parquet([");
    for (size_t i = 0; i < set->data.count; i++) {
        const char *path = NULL;
        if (!tarn_query__scan_path(scan->table->store, set->data.items[i], scan->arena, &path,
                                   scan->error)) {
            return false;
        }
        if (i > 0) tarn_base_buffer_byte(scan->out, ',');
        tarn_base_buffer_literal(scan->out, tarn_base_text(path));
    }
    tarn_base_buffer_string(scan->out, "], hive_partitioning = false, schema = MAP {");
    for (size_t i = 0; i < set->id_count; i++) {
        TarnBuffer type;
        tarn_base_buffer_init(&type, TARN_MIB);
        tarn_table_type_to_sql(&known_column(scan, set->ids[i])->type, &type);
        tarn_base_buffer_printf(scan->out, "%s%" PRId32 ": {'name': '__tarn_key_%zu', 'type': ",
                                i > 0 ? ", " : "", set->ids[i], i);
        tarn_base_buffer_literal(scan->out, tarn_base_buffer_view(&type));
        tarn_base_buffer_string(scan->out, ", 'default_value': NULL}");
        tarn_base_buffer_dispose(&type);
    }
    tarn_base_buffer_string(scan->out, "})");
    return true;
}

static bool write_join(const Equality *equality, size_t number) {
    TarnScanWriter *scan = equality->scan;
    const KeySet *set = &equality->sets.items[number];
    int64_t id = -1;
    if (!tarn_query__file_lists_add(scan->query->file_lists, set->files.items, set->files.count,
                                    &id, scan->error)) {
        return false;
    }
    tarn_base_buffer_string(scan->out, " LEFT JOIN (SELECT ");
    for (size_t i = 0; i < set->id_count; i++) {
        tarn_base_buffer_printf(scan->out, "__tarn_key_%zu, ", i);
    }
    if (!set->is_global) {
        tarn_base_buffer_printf(scan->out,
                                "tarn_file_fact(%" PRId64 ", %d, file_index) AS __tarn_in, ", id,
                                TARN_FILE_PARTITION);
    }
    tarn_base_buffer_printf(scan->out,
                            "max(tarn_file_fact(%" PRId64 ", %d, file_index)) AS __tarn_since", id,
                            TARN_FILE_SEQUENCE);
    if (!write_delete_files(equality, set)) return false;
    tarn_base_buffer_printf(scan->out, " GROUP BY ALL) AS __tarn_e%zu ON ", number);
    for (size_t i = 0; i < set->id_count; i++) {
        if (i > 0) tarn_base_buffer_string(scan->out, " AND ");
        tarn_base_buffer_string(scan->out, "__tarn_d.");
        tarn_base_buffer_identifier(scan->out,
                                    tarn_base_text(known_column(scan, set->ids[i])->name));
        tarn_base_buffer_printf(scan->out, " IS NOT DISTINCT FROM __tarn_e%zu.__tarn_key_%zu",
                                number, i);
    }
    if (!set->is_global) {
        tarn_base_buffer_printf(
            scan->out, " AND __tarn_d." TARN_SCAN_PARTITION " = __tarn_e%zu.__tarn_in", number);
    }
    return true;
}

static void write_outputs(const TarnScanWriter *scan) {
    const TarnSchema *schema = scan->options->schema;
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_base_buffer_string(scan->out, i > 0 ? ", __tarn_d." : "__tarn_d.");
        tarn_base_buffer_identifier(scan->out, tarn_base_text(schema->fields[i].name));
    }
    if (scan->options->places) {
        tarn_base_buffer_string(scan->out, ", " TARN_SCAN_FILE ", " TARN_SCAN_POSITION);
    }
    if (scan->options->lineage) {
        tarn_base_buffer_string(scan->out, ", __tarn_d.\"" TARN_SCAN_ROW_ID
                                           "\", __tarn_d.\"" TARN_SCAN_LAST_UPDATED "\"");
    }
}

bool tarn_query__scan_equality(TarnScanWriter *scan, const size_t *tasks, size_t count) {
    Equality equality = {.scan = scan};
    const TarnField **columns = scan->columns;
    size_t column_count = scan->column_count;
    if (!collect(&equality, tasks, count)) return false;
    scan->wants_sequence = true;
    tarn_base_buffer_string(scan->out, "SELECT ");
    write_outputs(scan);
    tarn_base_buffer_string(scan->out, " FROM (");
    bool ok = tarn_query__scan_part(scan, tasks, count);
    tarn_base_buffer_string(scan->out, ") AS __tarn_d");
    for (size_t i = 0; ok && i < equality.sets.count; i++) ok = write_join(&equality, i);
    for (size_t i = 0; i < equality.sets.count; i++) {
        tarn_base_buffer_printf(scan->out,
                                "%s(__tarn_e%zu.__tarn_since IS NULL OR __tarn_e%zu.__tarn_since "
                                "<= __tarn_d." TARN_SCAN_SEQUENCE ")",
                                i > 0 ? " AND " : " WHERE ", i, i);
    }
    scan->wants_sequence = false;
    scan->columns = columns;
    scan->column_count = column_count;
    return ok;
}
