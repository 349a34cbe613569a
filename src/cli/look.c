/* tarn ls, history and status: what the catalog and the metadata know, without the engine.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "catalog/dropped.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/look_private.h"
#include "cli/rows_private.h"
#include "cli/summary_private.h"

/* --- ls --- */

static const char *kind_name(TarnRelationKind kind) {
    return kind == TARN_RELATION_VIEW ? "view" : "table";
}

static void put_relations(TarnCli *cli, const TarnRelation *relations, size_t count) {
    static const TarnCliColumn columns[] = {
        {.name = "name"},
        {.name = "kind"},
        {.name = "zone", .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "rows", .right = true},
        {.name = "bytes", .right = true},
        {.name = "files", .right = true},
        {.name = "updated_at"},
        {.name = "tags", .audience = TARN_CLI_FOR_PROGRAMS},
    };
    TarnCliRows rows;
    TarnArena arena; /* of a few rows */
    tarn_base_arena_init(&arena, TARN_MIB);
    tarn_cli__rows_begin(cli, columns, 8, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < count; i++) {
        const TarnRelation *relation = &relations[i];
        int64_t updated_at = relation->updated_at_ms > 0 ? relation->updated_at_ms : TARN_ABSENT;
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(tarn_catalog_name_text(relation->name, &arena)),
            tarn_cli__cell_text(kind_name(relation->kind)),
            tarn_cli__cell_of(tarn_catalog_name_zone(relation->name)),
            tarn_cli__cell_count(&arena, relation->rows),
            tarn_cli__cell_bytes(&arena, relation->bytes),
            tarn_cli__cell_count(&arena, relation->files),
            tarn_cli__cell_time_ms(&arena, updated_at),
            tarn_cli__cell_json(TARN_TEXT("[]")),
        };
        tarn_cli__rows_put(&rows, cells);
        if (i % 32 == 31) tarn_base_arena_reset(&arena);
    }
    tarn_cli__rows_end(&rows, 0, false);
    tarn_base_arena_dispose(&arena);
}

static bool check_namespace(TarnCliLake *lake, const char *name, TarnError *error) {
    const char **names;
    size_t count;
    if (!tarn_catalog_namespace_list(lake->catalog, &lake->cli->arena, &names, &count, error)) {
        return false;
    }
    TarnTableName table;
    TarnError ignored;
    bool full = tarn_catalog_name_parse(tarn_base_text(name), &lake->cli->arena, &table, &ignored);
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0) return true;
        const TarnTable *nothing = NULL;
        if (full && strcasecmp(names[i], table.ns) == 0 &&
            !tarn_catalog_table_load(lake->catalog, table, &nothing, error)) {
            return false; /* it names the nearest table */
        }
        tarn_catalog_table_release(nothing);
    }
    tarn_base_error_set(error, TARN_E_NAMESPACE_NOT_FOUND,
                        "there is no zone, namespace or table \"%s\"", name);
    const char *nearest = tarn_base_text_nearest(name, names, count);
    if (nearest != NULL) {
        return tarn_base_error_hint(error, "did you mean \"%s\"? (tarn ls %s)", nearest, nearest);
    }
    return tarn_base_error_hint(error, "tarn ls lists everything");
}

/* One table or view by its full name; *one NULL if there is none. */
static bool find_relation(TarnCliLake *lake, const char *text, const TarnRelation **one,
                          TarnError *error) {
    TarnTableName name;
    TarnRelation *relations;
    size_t count;
    *one = NULL;
    TarnError ignored;
    if (!tarn_catalog_name_parse(tarn_base_text(text), &lake->cli->arena, &name, &ignored)) {
        return true; /* a bare zone */
    }
    if (!tarn_catalog_list(lake->catalog, name.ns, &lake->cli->arena, &relations, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (tarn_catalog_name_equal(relations[i].name, name)) *one = &relations[i];
    }
    return true;
}

bool tarn_cli__look_list(TarnCliLake *lake, const char *prefix, TarnError *error) {
    TarnCli *cli = lake->cli;
    TarnRelation *relations;
    size_t count;
    const TarnRelation *one = NULL;
    if (prefix != NULL && !find_relation(lake, prefix, &one, error)) return false;
    if (one != NULL) {
        put_relations(cli, one, 1);
        return true;
    }
    if (!tarn_catalog_list(lake->catalog, prefix, &cli->arena, &relations, &count, error)) {
        return false;
    }
    if (prefix != NULL && count == 0 && !check_namespace(lake, prefix, error)) return false;
    if (count == 0 && cli->format == TARN_CLI_TABLE) {
        tarn_cli__say(cli, "no tables yet%s%s (tarn load FILE raw.TABLE makes one)",
                      prefix != NULL ? " in " : "", prefix != NULL ? prefix : "");
        return true;
    }
    put_relations(cli, relations, count);
    return true;
}

static bool list_dropped(TarnCliLake *lake, const char *prefix, TarnError *error) {
    static const TarnCliColumn columns[] = {
        {.name = "name"},
        {.name = "dropped_at"},
        {.name = "dropped_by"},
        {.name = "uuid", .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "metadata_location", .audience = TARN_CLI_FOR_PROGRAMS},
    };
    TarnCli *cli = lake->cli;
    TarnArena *arena = &cli->arena;
    TarnDropped *dropped = NULL;
    size_t count = 0;
    TarnCliRows rows;
    if (!tarn_catalog_dropped_list(lake->catalog, prefix, arena, &dropped, &count, error)) {
        return false;
    }
    if (count == 0 && cli->format == TARN_CLI_TABLE) {
        tarn_cli__say(cli, "no dropped tables are on record");
        return true;
    }
    tarn_cli__rows_begin(cli, columns, 5, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < count; i++) {
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(tarn_catalog_name_text(dropped[i].name, arena)),
            tarn_cli__cell_time_ms(arena, dropped[i].dropped_at_ms),
            tarn_cli__cell_text(dropped[i].by),
            tarn_cli__cell_text(dropped[i].uuid),
            tarn_cli__cell_text(dropped[i].metadata_location),
        };
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
    return true;
}

bool tarn_cli__ls(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    bool dropped = tarn_cli__is_set(&cli->arguments, "dropped");
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, error);
    if (ok && dropped) {
        ok = list_dropped(&lake, tarn_cli__operand(&cli->arguments, 0), error);
    } else if (ok) {
        ok = tarn_cli__look_list(&lake, tarn_cli__operand(&cli->arguments, 0), error);
    }
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- history --- */

static int newest_first(const void *a, const void *b) {
    const TarnSnapshot *left = *(const TarnSnapshot *const *)a;
    const TarnSnapshot *right = *(const TarnSnapshot *const *)b;
    if (left->timestamp_ms != right->timestamp_ms) {
        return left->timestamp_ms < right->timestamp_ms ? 1 : -1;
    }
    if (left->sequence_number != right->sequence_number) {
        return left->sequence_number < right->sequence_number ? 1 : -1;
    }
    return 0;
}

static TarnCliCell summary_cell(TarnCli *cli, const TarnSnapshot *snapshot) {
    TarnBuffer json;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&json, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_writer_init(&writer, &json, 0);
    tarn_base_json_object_begin(&writer);
    for (size_t i = 0; i < snapshot->summary_count; i++) {
        tarn_base_json_key(&writer, snapshot->summary[i].key);
        tarn_base_json_put_string(&writer, snapshot->summary[i].value);
    }
    tarn_base_json_object_end(&writer);
    return tarn_cli__cell_buffer(&cli->arena, &json);
}

static void put_snapshot(TarnCliRows *rows, const TarnTableMetadata *metadata,
                         const TarnSnapshot *snapshot) {
    TarnArena *arena = &rows->cli->arena;
    bool current = snapshot->id == metadata->current_snapshot_id;
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(current ? "*" : ""),
        tarn_cli__cell_id(arena, snapshot->id),
        tarn_cli__cell_id(arena, snapshot->parent_id),
        tarn_cli__cell_id(arena, snapshot->sequence_number),
        tarn_cli__cell_time_ms(arena, snapshot->timestamp_ms),
        tarn_cli__cell_text(snapshot->operation),
        tarn_cli__cell_bool(current),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "added-records", -1)),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "deleted-records", -1)),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "total-records", -1)),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "total-data-files", -1)),
        summary_cell(rows->cli, snapshot),
    };
    tarn_cli__rows_put(rows, cells);
}

static bool put_history(TarnCli *cli, const TarnTableMetadata *metadata, TarnError *error) {
    static const TarnCliColumn columns[] = {
        {.name = "", .audience = TARN_CLI_FOR_PEOPLE},
        {.name = "snapshot_id"},
        {.name = "parent_id", .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "sequence_number", .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "committed_at"},
        {.name = "operation"},
        {.name = "current", .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "added rows", .right = true, .audience = TARN_CLI_FOR_PEOPLE},
        {.name = "deleted rows", .right = true, .audience = TARN_CLI_FOR_PEOPLE},
        {.name = "rows", .right = true, .audience = TARN_CLI_FOR_PEOPLE},
        {.name = "files", .right = true, .audience = TARN_CLI_FOR_PEOPLE},
        {.name = "summary", .audience = TARN_CLI_FOR_PROGRAMS},
    };
    size_t count = metadata->snapshot_count;
    const TarnSnapshot **sorted = TARN_NEW_ARRAY(&cli->arena, count + 1, const TarnSnapshot *);
    if (sorted == NULL) return tarn_base_arena_check(&cli->arena, error);
    for (size_t i = 0; i < count; i++) sorted[i] = &metadata->snapshots[i];
    qsort(sorted, count, sizeof(*sorted), newest_first);
    const TarnCliValue *limit = tarn_cli__value(&cli->arguments, "rows");
    if (limit->given && (uint64_t)limit->integer < count) count = (size_t)limit->integer;
    if (count == 0 && cli->format == TARN_CLI_TABLE) {
        tarn_cli__say(cli, "the table has no snapshots yet");
        return true;
    }
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, sizeof(columns) / sizeof(columns[0]), TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < count; i++) put_snapshot(&rows, metadata, sorted[i]);
    tarn_cli__rows_end(&rows, 0, false);
    return true;
}

bool tarn_cli__history(TarnCli *cli, TarnError *error) {
    TarnCliLake lake;
    const TarnTable *table = NULL;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, error) &&
              tarn_cli__lake_table(&lake, cli->arguments.operands[0], &table, error) &&
              put_history(cli, table->metadata, error);
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- status --- */

bool tarn_cli__status(TarnCli *cli, TarnError *error) {
    static const TarnCliColumn columns[] = {
        {.name = "name"},     {.name = "folder"}, {.name = "version"}, {.name = "catalog"},
        {.name = "warehouse"}, {.name = "tables"}, {.name = "views"},   {.name = "rows"},
        {.name = "bytes"},    {.name = "workers"}, {.name = "sessions"}, {.name = "jobs"},
    };
    TarnCliLake lake;
    TarnRelation *relations = NULL;
    size_t count = 0;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_READ, &lake, error) &&
              tarn_catalog_list(lake.catalog, NULL, &cli->arena, &relations, &count, error);
    if (ok) {
        int64_t tables = 0;
        int64_t total_rows = 0;
        int64_t bytes = 0;
        for (size_t i = 0; i < count; i++) {
            if (relations[i].kind == TARN_RELATION_TABLE) tables++;
            if (relations[i].rows > 0) total_rows += relations[i].rows;
            if (relations[i].bytes > 0) bytes += relations[i].bytes;
        }
        TarnArena *arena = &cli->arena;
        TarnCliRows rows;
        tarn_cli__rows_begin(cli, columns, 12, TARN_CLI_ONE, &rows);
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(lake.config->name),
            tarn_cli__cell_text(lake.config->folder),
            tarn_cli__cell_text(TARN_VERSION),
            tarn_cli__cell_text(lake.config->catalog),
            tarn_cli__cell_text(lake.config->warehouse),
            tarn_cli__cell_int64(arena, tables),
            tarn_cli__cell_int64(arena, (int64_t)count - tables),
            tarn_cli__cell_int64(arena, total_rows),
            tarn_cli__cell_bytes(arena, bytes),
            tarn_cli__cell_int64(arena, 0), /* a folder has no server: nothing runs in it */
            tarn_cli__cell_int64(arena, 0),
            tarn_cli__cell_int64(arena, 0),
        };
        tarn_cli__rows_put(&rows, cells);
        tarn_cli__rows_end(&rows, 0, false);
    }
    tarn_cli__lake_close(&lake);
    return ok;
}
