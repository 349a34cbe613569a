/* Metadata tables: "t$snapshots", "t$history", "t$refs", "t$manifests", "t$files", "t$entries",
 * "t$partitions", "t$statistics", as tables of the engine filled from what the table core tells.
 *
 * Columns are named as in the other implementations' metadata tables.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/time.h"
#include "query/statistics_private.h"
#include "table/scan_inspect.h"

typedef struct Fill {
    TarnQuery *query;
    const TarnTable *table;
    const TarnSnapshot *snapshot;
    TarnEngineAppender *rows;
    TarnArena arena; /* per row */
    TarnError *error;
} Fill;

static void put_int(Fill *fill, int64_t value) {
    TarnEngineParam param = value == TARN_ABSENT ? tarn_engine_param_null()
                                                 : tarn_engine_param_int64(value);
    tarn_engine_appender_put(fill->rows, &param);
}

static void put_text(Fill *fill, TarnText text) {
    TarnEngineParam param = text.data == NULL ? tarn_engine_param_null()
                                              : tarn_engine_param_text(text);
    tarn_engine_appender_put(fill->rows, &param);
}

static void put_time(Fill *fill, int64_t ms) {
    /* The appender casts text to the column's type. */
    char text[TARN_TIME_TEXT_BYTES];
    if (ms == TARN_ABSENT) {
        put_text(fill, (TarnText){NULL, 0});
    } else {
        tarn_base_time_format_ms(ms, text);
        put_text(fill, tarn_base_text(text));
    }
}

static void put_bool(Fill *fill, bool value) {
    TarnEngineParam param = tarn_engine_param_bool(value);
    tarn_engine_appender_put(fill->rows, &param);
}

static bool end_row(Fill *fill) {
    tarn_base_arena_reset(&fill->arena);
    return tarn_engine_appender_end_row(fill->rows, fill->error);
}

/* "{month=2026-11, carrier=AA}" */
static void put_partition(Fill *fill, const TarnPartitionSpec *spec, const TarnLiteral *values,
                          size_t count) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    if (spec != NULL && count == spec->field_count) {
        tarn_table_partition_path(spec, tarn_table_metadata_current_schema(fill->table->metadata),
                                  values, &text);
    }
    put_text(fill, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
}

/* --- one function a table --- */

static bool fill_snapshots(Fill *fill) {
    const TarnTableMetadata *metadata = fill->table->metadata;
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        const TarnSnapshot *snapshot = &metadata->snapshots[i];
        TarnBuffer summary;
        TarnJsonWriter writer;
        tarn_base_buffer_init(&summary, TARN_MIB);
        tarn_base_json_writer_init(&writer, &summary, 0);
        tarn_base_json_object_begin(&writer);
        for (size_t p = 0; p < snapshot->summary_count; p++) {
            tarn_base_json_key(&writer, snapshot->summary[p].key);
            tarn_base_json_put_string(&writer, snapshot->summary[p].value);
        }
        tarn_base_json_object_end(&writer);
        put_time(fill, snapshot->timestamp_ms);
        put_int(fill, snapshot->id);
        put_int(fill, snapshot->parent_id);
        put_int(fill, snapshot->sequence_number);
        put_text(fill, tarn_base_text(snapshot->operation));
        put_text(fill, tarn_base_text(snapshot->manifest_list));
        put_text(fill, tarn_base_buffer_view(&summary));
        tarn_base_buffer_dispose(&summary);
        if (!end_row(fill)) return false;
    }
    return true;
}

static bool fill_history(Fill *fill) {
    TarnHistoryRow *rows = NULL;
    size_t count = 0;
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_table_history(fill->table->metadata, &arena, &rows, &count, fill->error);
    for (size_t i = 0; ok && i < count; i++) {
        put_time(fill, rows[i].made_current_at_ms);
        put_int(fill, rows[i].snapshot_id);
        put_int(fill, rows[i].parent_id);
        put_bool(fill, rows[i].is_current_ancestor);
        ok = end_row(fill);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool fill_refs(Fill *fill) {
    const TarnTableMetadata *metadata = fill->table->metadata;
    for (size_t i = 0; i < metadata->ref_count; i++) {
        const TarnSnapshotRef *ref = &metadata->refs[i];
        put_text(fill, tarn_base_text(ref->name));
        put_text(fill, ref->is_tag ? TARN_TEXT("TAG") : TARN_TEXT("BRANCH"));
        put_int(fill, ref->snapshot_id);
        put_int(fill, ref->max_ref_age_ms);
        put_int(fill, ref->min_snapshots_to_keep);
        put_int(fill, ref->max_snapshot_age_ms);
        if (!end_row(fill)) return false;
    }
    return true;
}

static bool fill_manifests(Fill *fill) {
    const TarnManifestListPin *pin = NULL;
    if (fill->snapshot == NULL || fill->snapshot->manifest_list == NULL) return true;
    if (!tarn_table_manifest_list_acquire(tarn_catalog_manifest_cache(fill->query->catalog),
                                          fill->table->store, fill->snapshot->manifest_list, &pin,
                                          fill->error)) {
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < pin->count; i++) {
        const TarnManifestFile *manifest = &pin->manifests[i];
        put_text(fill, manifest->is_deletes ? TARN_TEXT("DELETES") : TARN_TEXT("DATA"));
        put_text(fill, manifest->path);
        put_int(fill, manifest->length);
        put_int(fill, manifest->spec_id);
        put_int(fill, manifest->added_snapshot_id);
        put_int(fill, manifest->sequence_number);
        put_int(fill, manifest->added_files);
        put_int(fill, manifest->existing_files);
        put_int(fill, manifest->deleted_files);
        put_int(fill, manifest->added_rows);
        put_int(fill, manifest->existing_rows);
        put_int(fill, manifest->deleted_rows);
        ok = end_row(fill);
    }
    tarn_table_manifest_list_release(pin);
    return ok;
}

static const char *content_name(TarnFileContent content) {
    static const char *const names[] = {"DATA", "POSITION_DELETES", "EQUALITY_DELETES"};
    return names[content <= TARN_CONTENT_EQUALITY_DELETES ? content : 0];
}

static void put_entry(Fill *fill, const TarnEntryRow *row, bool with_status) {
    static const char *const statuses[] = {"EXISTING", "ADDED", "DELETED"};
    const TarnDataFile *file = &row->entry.file;
    if (with_status) put_text(fill, tarn_base_text(statuses[row->entry.status % 3]));
    put_text(fill, tarn_base_text(content_name(file->content)));
    put_text(fill, file->path);
    put_text(fill, file->format);
    put_int(fill, file->spec_id);
    put_partition(fill, row->spec, file->partition, file->partition_count);
    put_int(fill, file->record_count);
    put_int(fill, file->file_size);
    put_int(fill, row->entry.snapshot_id);
    put_int(fill, row->entry.sequence_number);
}

static bool fill_entries(Fill *fill, TarnEntriesKind kind) {
    TarnInspectOptions options = {.store = fill->table->store,
                                  .cache = tarn_catalog_manifest_cache(fill->query->catalog),
                                  .metadata = fill->table->metadata};
    TarnEntryCursor *cursor = NULL;
    const TarnEntryRow *row = NULL;
    if (fill->snapshot == NULL) return true;
    bool ok = tarn_table_entries_open(&options, fill->snapshot, kind, &cursor, fill->error);
    while (ok && (ok = tarn_table_entries_next(cursor, &row, fill->error)) && row != NULL) {
        put_entry(fill, row, kind == TARN_ENTRIES_ALL);
        ok = end_row(fill);
    }
    tarn_table_entries_close(cursor);
    return ok;
}

static bool fill_files(Fill *fill) { return fill_entries(fill, TARN_ENTRIES_FILES); }
static bool fill_all_entries(Fill *fill) { return fill_entries(fill, TARN_ENTRIES_ALL); }

static bool fill_partitions(Fill *fill) {
    TarnInspectOptions options = {.store = fill->table->store,
                                  .cache = tarn_catalog_manifest_cache(fill->query->catalog),
                                  .metadata = fill->table->metadata};
    TarnPartitionRow *rows = NULL;
    size_t count = 0;
    TarnArena arena;
    if (fill->snapshot == NULL) return true;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_table_partitions(&options, fill->snapshot, &arena, &rows, &count, fill->error);
    for (size_t i = 0; ok && i < count; i++) {
        put_partition(fill, rows[i].spec, rows[i].values, rows[i].value_count);
        put_int(fill, rows[i].spec != NULL ? rows[i].spec->id : 0);
        put_int(fill, rows[i].record_count);
        put_int(fill, rows[i].file_count);
        put_int(fill, rows[i].bytes);
        put_int(fill, rows[i].last_snapshot_id);
        put_time(fill, rows[i].last_updated_at_ms);
        ok = end_row(fill);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

static bool fill_statistics(Fill *fill) {
    TarnStatisticsRow *rows = NULL;
    size_t count = 0;
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool ok = tarn_query__statistics_rows(fill->table->metadata, &arena, &rows, &count,
                                          fill->error);
    for (size_t i = 0; ok && i < count; i++) {
        put_int(fill, rows[i].snapshot_id);
        put_text(fill, tarn_base_text(rows[i].column));
        put_int(fill, rows[i].field_id);
        put_text(fill, rows[i].type);
        put_int(fill, rows[i].ndv);
        put_text(fill, rows[i].path);
        ok = end_row(fill);
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

/* --- the list --- */

typedef struct MetadataTable {
    const char *kind;
    const char *columns;
    bool (*fill)(Fill *fill);
} MetadataTable;

#define FILE_COLUMNS                                                                               \
    "content VARCHAR, file_path VARCHAR, file_format VARCHAR, spec_id INTEGER, \"partition\" "     \
    "VARCHAR, record_count BIGINT, file_size_in_bytes BIGINT, snapshot_id BIGINT, "                \
    "sequence_number BIGINT"

static const MetadataTable metadata_tables[] = {
    {"snapshots",
     "committed_at TIMESTAMPTZ, snapshot_id BIGINT, parent_id BIGINT, sequence_number BIGINT, "
     "operation VARCHAR, manifest_list VARCHAR, summary VARCHAR",
     fill_snapshots},
    {"history",
     "made_current_at TIMESTAMPTZ, snapshot_id BIGINT, parent_id BIGINT, is_current_ancestor "
     "BOOLEAN",
     fill_history},
    {"refs",
     "name VARCHAR, type VARCHAR, snapshot_id BIGINT, max_reference_age_in_ms BIGINT, "
     "min_snapshots_to_keep BIGINT, max_snapshot_age_in_ms BIGINT",
     fill_refs},
    {"manifests",
     "content VARCHAR, path VARCHAR, length BIGINT, partition_spec_id INTEGER, "
     "added_snapshot_id BIGINT, sequence_number BIGINT, added_files_count BIGINT, "
     "existing_files_count BIGINT, deleted_files_count BIGINT, added_rows_count BIGINT, "
     "existing_rows_count BIGINT, deleted_rows_count BIGINT",
     fill_manifests},
    {"files", FILE_COLUMNS, fill_files},
    {"entries", "status VARCHAR, " FILE_COLUMNS, fill_all_entries},
    {"partitions",
     "\"partition\" VARCHAR, spec_id INTEGER, record_count BIGINT, file_count BIGINT, "
     "total_data_file_size_in_bytes BIGINT, last_updated_snapshot_id BIGINT, last_updated_at "
     "TIMESTAMPTZ",
     fill_partitions},
    {"statistics",
     "snapshot_id BIGINT, column_name VARCHAR, field_id INTEGER, blob_type VARCHAR, ndv BIGINT, "
     "statistics_path VARCHAR",
     fill_statistics},
};

/* Its rows are those of data files, so it is no table that is filled: see changes.c. */
const char tarn_query__changes_kind[] = "changes";

static const MetadataTable *find_kind(const char *kind) {
    for (size_t i = 0; i < sizeof(metadata_tables) / sizeof(metadata_tables[0]); i++) {
        if (strcasecmp(metadata_tables[i].kind, kind) == 0) return &metadata_tables[i];
    }
    return NULL;
}

bool tarn_query__metadata_name(const char *name, TarnArena *arena, const char **table,
                               const char **kind) {
    const char *dollar = strrchr(name, '$');
    if (dollar == NULL || dollar == name) return false;
    const MetadataTable *metadata = find_kind(dollar + 1);
    bool is_changes = strcasecmp(dollar + 1, tarn_query__changes_kind) == 0;
    if (metadata == NULL && !is_changes) return false;
    *kind = is_changes ? tarn_query__changes_kind : metadata->kind;
    *table = tarn_base_arena_string_n(arena, name, (size_t)(dollar - name));
    return *table != NULL;
}

bool tarn_query__metadata_fill(TarnQuery *query, const TarnReference *reference, const char *kind,
                               const TarnTable *table, const TarnSnapshot *snapshot,
                               TarnError *error) {
    const MetadataTable *metadata = find_kind(kind);
    Fill fill = {.query = query, .table = table, .snapshot = snapshot, .error = error};
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_MIB);
    /* The appender reaches only the session's own database: rows go through a temporary table. */
    tarn_base_buffer_string(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    tarn_base_buffer_identifier(&sql, tarn_base_text(reference->catalog));
    tarn_base_buffer_byte(&sql, '.');
    tarn_base_buffer_identifier(&sql, tarn_base_text(reference->schema));
    tarn_base_buffer_printf(&sql, "; CREATE OR REPLACE TABLE memory.main.tarn_metadata(%s)",
                            metadata->columns);
    bool ok = tarn_query__run_script(query, &sql, error);
    tarn_base_buffer_clear(&sql);
    if (ok) {
        tarn_base_arena_init(&fill.arena, 64 * TARN_MIB);
        ok = tarn_engine_appender_open(query->session, "main", "tarn_metadata", &fill.rows, error);
        if (ok) {
            bool filled = metadata->fill(&fill);
            TarnError ignored;
            ok = tarn_engine_appender_close(fill.rows, filled ? error : &ignored) && filled;
        }
        tarn_base_arena_dispose(&fill.arena);
    }
    tarn_base_buffer_string(&sql, "CREATE TABLE ");
    tarn_query__engine_name(reference, &sql);
    tarn_base_buffer_string(&sql, " AS SELECT * FROM memory.main.tarn_metadata");
    ok = ok && tarn_query__run_script(query, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return ok;
}
