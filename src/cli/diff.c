/* tarn diff: what differs between two snapshots of a table. The metadata tells columns and totals,
 * the manifests how many rows were written and removed, and --rows reads which ones, by the
 * table's changes.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/map.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "cli/sql_private.h"
#include "cli/summary_private.h"
#include "table/changelog.h"
#include "table/snapshot_producer.h"

/* --- by the metadata --- */

typedef struct Diff {
    TarnCli *cli;
    TarnCliRows rows;
} Diff;

static void put_change(Diff *diff, const char *what, const char *name, TarnCliCell before,
                       TarnCliCell after) {
    const TarnCliCell cells[] = {tarn_cli__cell_text(what), tarn_cli__cell_text(name), before,
                                 after};
    tarn_cli__rows_put(&diff->rows, cells);
}

static TarnCliCell type_cell(TarnCli *cli, const TarnField *field) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_table_type_to_sql(&field->type, &text);
    if (field->required) tarn_base_buffer_string(&text, " NOT NULL");
    const char *copy = tarn_base_buffer_keep(&text, &cli->arena);
    tarn_base_buffer_dispose(&text);
    return tarn_cli__cell_text(copy);
}

static const TarnField *field_of(const TarnSchema *schema, int32_t id) {
    for (size_t i = 0; schema != NULL && i < schema->field_count; i++) {
        if (schema->fields[i].id == id) return &schema->fields[i];
    }
    return NULL;
}

static void diff_columns(Diff *diff, const TarnSchema *a, const TarnSchema *b) {
    for (size_t i = 0; a != NULL && i < a->field_count; i++) {
        const TarnField *before = &a->fields[i];
        const TarnField *after = field_of(b, before->id);
        if (after == NULL) {
            put_change(diff, "column removed", before->name, type_cell(diff->cli, before),
                       tarn_cli__cell_null());
            continue;
        }
        if (strcmp(before->name, after->name) != 0) {
            put_change(diff, "column renamed", after->name, tarn_cli__cell_text(before->name),
                       tarn_cli__cell_text(after->name));
        }
        if (!tarn_table_type_equal(&before->type, &after->type) ||
            before->required != after->required) {
            put_change(diff, "column changed", after->name, type_cell(diff->cli, before),
                       type_cell(diff->cli, after));
        }
    }
    for (size_t i = 0; b != NULL && i < b->field_count; i++) {
        if (field_of(a, b->fields[i].id) != NULL) continue;
        put_change(diff, "column added", b->fields[i].name, tarn_cli__cell_null(),
                   type_cell(diff->cli, &b->fields[i]));
    }
}

static const TarnSchema *schema_of(const TarnTableMetadata *metadata,
                                   const TarnSnapshot *snapshot) {
    const TarnSchema *schema = tarn_table_metadata_schema(metadata, snapshot->schema_id);
    return schema != NULL ? schema : tarn_table_metadata_current_schema(metadata);
}

/* --- by the manifests --- */

/* Rows in files that came and went, as the manifests count them. */
typedef struct RowCounts {
    int64_t added;
    int64_t deleted;
} RowCounts;

/* Counts each delete file of the tasks that is not in `seen` once. */
static void count_deletes(const TarnScanTask *task, TarnMap *seen, TarnArena *arena,
                          int64_t *rows) {
    for (size_t i = 0; task->file != NULL && i < task->delete_count; i++) {
        const TarnDataFile *file = task->deletes[i].file;
        if (file->content != TARN_CONTENT_POSITION_DELETES) continue;
        const char *key = tarn_base_arena_printf(arena, "%lld %.*s",
                                                 (long long)file->content_offset,
                                                 TARN_TEXT_ARG(file->path));
        if (key == NULL || tarn_base_map_has(seen, tarn_base_text(key))) continue;
        tarn_base_map_put(seen, tarn_base_text(key), seen);
        *rows += file->record_count;
    }
}

static void count_step(const TarnChangelogStep *step, TarnArena *arena, RowCounts *counts) {
    int64_t deleted[2] = {0, 0};
    TarnMap seen[2];
    for (int side = 0; side < 2; side++) tarn_base_map_init(&seen[side], arena);
    for (size_t i = 0; i < step->file_count; i++) {
        const TarnChangelogFile *file = &step->files[i];
        if (file->kind == TARN_CHANGELOG_ADDED) counts->added += file->after.file->record_count;
        if (file->kind == TARN_CHANGELOG_REMOVED) {
            counts->deleted += file->before.file->record_count;
        }
        count_deletes(&file->before, &seen[0], arena, &deleted[0]);
        count_deletes(&file->after, &seen[1], arena, &deleted[1]);
    }
    counts->deleted += deleted[1] - deleted[0];
}

/* *known false: the second snapshot was not made from the first. */
static bool count_rows(TarnCliLake *lake, const TarnTable *table, const TarnSnapshot *a,
                       const TarnSnapshot *b, RowCounts *counts, bool *known, TarnError *error) {
    TarnArena *arena = &lake->cli->arena;
    TarnChangelog *changelog = NULL;
    TarnChangelogRange range = {.from = a, .to = b};
    TarnScanOptions options = {.store = table->store,
                               .cache = tarn_catalog_manifest_cache(lake->catalog),
                               .metadata = table->metadata};
    *counts = (RowCounts){0};
    *known = tarn_table_snapshot_is_ancestor(table->metadata, b->id, a->id);
    if (!*known) return true;
    if (!tarn_table_changelog_plan(&options, &range,
                                   tarn_table_predicate_constant(TARN_PREDICATE_TRUE), arena,
                                   &changelog, error)) {
        return false;
    }
    for (size_t i = 0; i < changelog->step_count; i++) {
        count_step(&changelog->steps[i], arena, counts);
    }
    return tarn_base_arena_check(arena, error);
}

static void put_diff(TarnCli *cli, const TarnTableMetadata *metadata, const TarnSnapshot *a,
                     const TarnSnapshot *b, const RowCounts *counts) {
    static const TarnCliColumn columns[] = {{.name = "change"}, {.name = "name"},
                                            {.name = "before"}, {.name = "after"}};
    static const struct {
        const char *key;
        const char *name;
        bool bytes;
    } totals[] = {{"total-records", "rows", false},
                  {"total-data-files", "data files", false},
                  {"total-files-size", "bytes", true},
                  {"total-delete-files", "delete files", false}};
    TarnArena *arena = &cli->arena;
    Diff diff = {.cli = cli};
    tarn_cli__rows_begin(cli, columns, 4, TARN_CLI_MANY, &diff.rows);
    put_change(&diff, "snapshot", "id", tarn_cli__cell_id(arena, a->id),
               tarn_cli__cell_id(arena, b->id));
    put_change(&diff, "snapshot", "committed_at", tarn_cli__cell_time_ms(arena, a->timestamp_ms),
               tarn_cli__cell_time_ms(arena, b->timestamp_ms));
    diff_columns(&diff, schema_of(metadata, a), schema_of(metadata, b));
    for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        int64_t before = tarn_cli__summary_number(a, totals[i].key, -1);
        int64_t after = tarn_cli__summary_number(b, totals[i].key, -1);
        if (before == after) continue;
        put_change(&diff, "total", totals[i].name,
                   totals[i].bytes ? tarn_cli__cell_bytes(arena, before)
                                   : tarn_cli__cell_count(arena, before),
                   totals[i].bytes ? tarn_cli__cell_bytes(arena, after)
                                   : tarn_cli__cell_count(arena, after));
    }
    if (counts != NULL) {
        put_change(&diff, "rows", "added", tarn_cli__cell_null(),
                   tarn_cli__cell_count(arena, counts->added));
        put_change(&diff, "rows", "deleted", tarn_cli__cell_null(),
                   tarn_cli__cell_count(arena, counts->deleted));
    }
    tarn_cli__rows_end(&diff.rows, 0, false);
}

/* --- by the rows --- */

/* As git does: what went is red, what came is green. */
static const char *colour_of(const TarnCliCell *cells) {
    TarnText type = cells[0].text;
    bool went = tarn_base_text_is(type, "DELETE") || tarn_base_text_is(type, "UPDATE_BEFORE");
    return went ? TARN_CLI_RED : TARN_CLI_GREEN;
}

/* The two rows of an update stand together if the first column is a key. */
static bool can_sort(const TarnSchema *schema) {
    if (schema == NULL || schema->field_count == 0) return false;
    TarnTypeKind kind = schema->fields[0].type.primitive.kind;
    return !tarn_format_kind_is_nested(kind) && kind != TARN_TYPE_VARIANT &&
           kind != TARN_TYPE_GEOMETRY;
}

static bool write_rows(TarnCliLake *lake, const TarnTable *table, const TarnSnapshot *b,
                       TarnError *error) {
    TarnCli *cli = lake->cli;
    const char **operands = cli->arguments.operands;
    const TarnCliValue *limit = tarn_cli__value(&cli->arguments, "limit");
    const TarnTableName changes = {
        table->name.ns, tarn_base_arena_printf(&cli->arena, "%s$changes", table->name.name)};
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_base_buffer_string(&sql, "select _change_type, * exclude (_change_type, _change_ordinal) "
                                  "from ");
    tarn_base_buffer_string(&sql, tarn_catalog_name_text(changes, &cli->arena));
    tarn_base_buffer_string(&sql, " for version from ");
    tarn_base_buffer_literal(&sql, tarn_base_text(operands[1]));
    tarn_base_buffer_string(&sql, " to ");
    tarn_base_buffer_literal(&sql, tarn_base_text(operands[2]));
    tarn_base_buffer_printf(&sql, " order by _change_ordinal%s, _change_type in ('INSERT', "
                                  "'UPDATE_AFTER')",
                            can_sort(schema_of(table->metadata, b)) ? ", 2" : "");
    if (limit->given) tarn_base_buffer_printf(&sql, " limit %lld", (long long)limit->integer);
    cli->row_colour = colour_of;
    if (limit->given) cli->rows_max = 0; /* how many was said already */
    const TarnRunOptions options = {0};
    bool ok = tarn_base_arena_check(&cli->arena, error) && tarn_base_buffer_check(&sql, error) &&
              tarn_cli__sql_run(lake, tarn_base_buffer_view(&sql), &options, error);
    tarn_base_buffer_dispose(&sql);
    cli->row_colour = NULL;
    if (!ok && error->file[0] == '\0') { /* the text is ours: its place would only puzzle */
        error->line = error->column = 0;
        error->detail[0] = '\0';
    }
    return ok;
}

bool tarn_cli__diff(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    const TarnTable *table = NULL;
    const TarnSnapshot *a;
    const TarnSnapshot *b;
    const char **operands = cli->arguments.operands;
    bool rows = tarn_cli__is_set(&cli->arguments, "rows");
    if (!rows && tarn_cli__value(&cli->arguments, "limit")->given) {
        return tarn_base_error_set(error, TARN_E_USAGE, "--limit is of --rows");
    }
    bool ok = tarn_cli__lake_open(cli, rows ? TARN_CLI_LAKE_WRITE : TARN_CLI_LAKE_READ, &lake,
                                  error) &&
              tarn_cli__lake_table(&lake, operands[0], &table, error) &&
              tarn_table_metadata_snapshot_named(table->metadata, tarn_base_text(operands[1]), &a,
                                                 error) &&
              tarn_table_metadata_snapshot_named(table->metadata, tarn_base_text(operands[2]), &b,
                                                 error);
    if (ok && rows) ok = write_rows(&lake, table, b, error);
    if (ok && !rows) {
        RowCounts counts;
        bool known = false;
        ok = count_rows(&lake, table, a, b, &counts, &known, error);
        if (ok) put_diff(cli, table->metadata, a, b, known ? &counts : NULL);
    }
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}
