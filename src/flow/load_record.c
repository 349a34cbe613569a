/* What the metadata database remembers of loads: which files a table has, and the CSV dialect
 * that was found once and holds from then on.
 */
#include <stdio.h>
#include <string.h>

#include "flow/load_private.h"
#include "table/snapshot_ref.h"

const char tarn_flow_schema_sql[] =
    "create table tarn_loaded_file ("
    "  ns text not null, name text not null, sha256 text not null,"
    "  path text not null, size bigint not null, original text,"
    "  batch text not null, rows_in bigint not null, rows_refused bigint not null,"
    "  loaded_at_ms bigint not null,"
    "  primary key (ns, name, sha256));"
    "create table tarn_dialect ("
    "  ns text not null, name text not null, dialect text not null,"
    "  primary key (ns, name));"
    /* Runs of pipelines and checks; ids sort by time. */
    "create table tarn_run ("
    "  id text primary key, kind text not null, status text not null, user_name text,"
    "  started_at_ms bigint not null, ended_at_ms bigint);"
    "create table tarn_run_model ("
    "  run_id text not null, name text not null, status text not null, rows bigint,"
    "  seconds double precision, snapshot_id bigint, inputs text, hash text, error text,"
    "  updated_at_ms bigint not null,"
    "  primary key (run_id, name));"
    "create index tarn_run_model_name on tarn_run_model (name, run_id);"
    "create table tarn_check_result ("
    "  run_id text not null, table_name text not null, position bigint not null,"
    "  name text not null, status text not null, severity text not null, value text,"
    "  expected text, failing_rows bigint, error text, checked_at_ms bigint not null,"
    "  primary key (run_id, table_name, position));"
    "create index tarn_check_result_table on tarn_check_result (table_name, run_id);";

/* Files loaded onto a branch other than main, with the snapshot they came in. */
const char tarn_flow_branch_schema_sql[] =
    "create table tarn_loaded_branch ("
    "  ns text not null, name text not null, branch text not null, sha256 text not null,"
    "  path text not null, size bigint not null, original text,"
    "  batch text not null, rows_in bigint not null, rows_refused bigint not null,"
    "  loaded_at_ms bigint not null, snapshot_id bigint not null,"
    "  primary key (ns, name, branch, sha256));";

/* --- which files a table has --- */

/* Does the branch have the snapshot that a file came in to another one? One that the metadata no
 * longer has may have been published before it expired: a file too few is told, one too many is
 * not. */
static bool has_snapshot(const TarnTableMetadata *metadata, const char *branch, int64_t id) {
    char text[24];
    int64_t at = tarn_table_metadata_current_snapshot(metadata) != NULL
                     ? metadata->current_snapshot_id
                     : TARN_ABSENT;
    const TarnSnapshotRef *ref = branch != NULL ? tarn_table_metadata_ref(metadata, branch) : NULL;
    if (ref != NULL) at = ref->snapshot_id;
    if (tarn_table_metadata_snapshot(metadata, id) == NULL) return true;
    (void)snprintf(text, sizeof(text), "%lld", (long long)id);
    for (size_t i = 0; i <= metadata->snapshot_count && at != TARN_ABSENT; i++) {
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(metadata, at);
        if (at == id || snapshot == NULL) return at == id;
        for (size_t p = 0; p < snapshot->summary_count; p++) {
            const TarnProperty *property = &snapshot->summary[p];
            if (strcmp(property->key, "source-snapshot-id") == 0 &&
                strcmp(property->value, text) == 0) {
                return true; /* cherry-picked */
            }
        }
        at = snapshot->parent_id;
    }
    return false;
}

/* Loaded onto a branch whose snapshot the one loaded onto has. */
static bool known_by_branch(const TarnLoad *load, const TarnTable *table, TarnLoadFile *file) {
    TarnTableName name = load->options->table;
    TarnDbRows *rows = NULL;
    bool more = false;
    bool ok = tarn_db_query(tarn_catalog_options(load->options->catalog)->db,
                            "select snapshot_id from tarn_loaded_branch where ns = $1 and name ="
                            " $2 and sha256 = $3",
                            TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name),
                                           tarn_db_string(file->sha256)),
                            &rows, load->error);
    while (ok && !file->done_before && (ok = tarn_db_next(rows, &more, load->error)) && more) {
        file->done_before = has_snapshot(table->metadata, load->options->branch,
                                         tarn_db_column_int64(rows, 0));
    }
    tarn_db_rows_close(rows);
    return ok;
}

bool tarn_flow__load_known(const TarnLoad *load, TarnLoadFile *file) {
    TarnTableName name = load->options->table;
    const TarnTable *table = NULL;
    int64_t one;
    if (!tarn_db_query_int64(tarn_catalog_options(load->options->catalog)->db,
                             "select 1 from tarn_loaded_file where ns = $1 and name = $2 and"
                             " sha256 = $3",
                             TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name),
                                            tarn_db_string(file->sha256)),
                             &one, &file->done_before, load->error)) {
        return false;
    }
    if (file->done_before) return true;
    if (!tarn_catalog_table_find(load->options->catalog, name, &table, load->error)) return false;
    bool ok = table == NULL || known_by_branch(load, table, file);
    tarn_catalog_table_release(table);
    return ok;
}

bool tarn_flow__load_forget(const TarnLoad *load, TarnDb *db, TarnError *error) {
    TarnTableName name = load->options->table;
    if (load->options->branch != NULL) {
        return tarn_db_execute(db,
                               "delete from tarn_loaded_branch where ns = $1 and name = $2 and"
                               " branch = $3",
                               TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name),
                                              tarn_db_string(load->options->branch)),
                               NULL, error);
    }
    return tarn_db_execute(db, "delete from tarn_loaded_file where ns = $1 and name = $2",
                           TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name)),
                           NULL, error);
}

static bool record_on_branch(const TarnLoad *load, TarnDb *db, const TarnLoadFile *file,
                             TarnError *error) {
    TarnTableName name = load->options->table;
    return tarn_db_execute(
        db,
        "insert into tarn_loaded_branch (ns, name, branch, sha256, path, size, original, batch,"
        " rows_in, rows_refused, loaded_at_ms, snapshot_id) values ($1, $2, $3, $4, $5, $6, $7,"
        " $8, $9, $10, $11, $12) on conflict (ns, name, branch, sha256) do update set batch = $8,"
        " snapshot_id = $12",
        TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name),
                       tarn_db_string(load->options->branch), tarn_db_string(file->sha256),
                       tarn_db_string(file->path), tarn_db_int64((int64_t)file->size),
                       tarn_db_string(file->original), tarn_db_string(load->intent.id),
                       tarn_db_int64((int64_t)file->rows), tarn_db_int64((int64_t)file->rejects),
                       tarn_db_int64(load->started_us / 1000),
                       tarn_db_int64(tarn_table_snapshot_producer_id(load->target.producer))),
        NULL, error);
}

bool tarn_flow__load_record(const TarnLoad *load, TarnDb *db, const TarnLoadFile *file,
                            TarnError *error) {
    TarnTableName name = load->options->table;
    if (load->options->branch != NULL) return record_on_branch(load, db, file, error);
    return tarn_db_execute(
        db,
        "insert into tarn_loaded_file (ns, name, sha256, path, size, original, batch, rows_in,"
        " rows_refused, loaded_at_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict (ns, name, sha256) do nothing",
        TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name),
                       tarn_db_string(file->sha256), tarn_db_string(file->path),
                       tarn_db_int64((int64_t)file->size), tarn_db_string(file->original),
                       tarn_db_string(load->intent.id), tarn_db_int64((int64_t)file->rows),
                       tarn_db_int64((int64_t)file->rejects),
                       tarn_db_int64(load->started_us / 1000)),
        NULL, error);
}

static const char *const kept_by_name[] = {"tarn_loaded_file", "tarn_loaded_branch",
                                           "tarn_dialect"};
#define KEPT_BY_NAME (sizeof(kept_by_name) / sizeof(kept_by_name[0]))

bool tarn_flow_load_forget(TarnDb *db, TarnTableName name, TarnError *error) {
    for (size_t i = 0; i < KEPT_BY_NAME; i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql),
                       "delete from %s where lower(ns) = lower($1) and lower(name) = lower($2)",
                       kept_by_name[i]);
        if (!tarn_db_execute(db, sql,
                             TARN_DB_VALUES(tarn_db_string(name.ns), tarn_db_string(name.name)),
                             NULL, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow_load_move(TarnDb *db, TarnTableName from, TarnTableName to, TarnError *error) {
    bool same = tarn_catalog_name_equal(from, to); /* only the case changes */
    if (!same && !tarn_flow_load_forget(db, to, error)) return false;
    for (size_t i = 0; i < KEPT_BY_NAME; i++) {
        char sql[160];
        (void)snprintf(sql, sizeof(sql),
                       "update %s set ns = $3, name = $4 where lower(ns) = lower($1) and"
                       " lower(name) = lower($2)",
                       kept_by_name[i]);
        if (!tarn_db_execute(db, sql,
                             TARN_DB_VALUES(tarn_db_string(from.ns), tarn_db_string(from.name),
                                            tarn_db_string(to.ns), tarn_db_string(to.name)),
                             NULL, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_flow_load_published(TarnDb *db, TarnTableName table, const char *branch,
                              const char *target, TarnError *error) {
    if (target != NULL && strcmp(target, TARN_TABLE_MAIN_BRANCH) != 0) {
        return tarn_db_execute(
            db,
            "insert into tarn_loaded_branch (ns, name, branch, sha256, path, size, original,"
            " batch, rows_in, rows_refused, loaded_at_ms, snapshot_id) select ns, name, $4, sha256,"
            " path, size, original, batch, rows_in, rows_refused, loaded_at_ms, snapshot_id from"
            " tarn_loaded_branch where ns = $1 and name = $2 and branch = $3"
            " on conflict (ns, name, branch, sha256) do nothing",
            TARN_DB_VALUES(tarn_db_string(table.ns), tarn_db_string(table.name),
                           tarn_db_string(branch), tarn_db_string(target)),
            NULL, error);
    }
    return tarn_db_execute(
               db,
               "insert into tarn_loaded_file (ns, name, sha256, path, size, original, batch,"
               " rows_in, rows_refused, loaded_at_ms) select ns, name, sha256, path, size,"
               " original, batch, rows_in, rows_refused, loaded_at_ms from tarn_loaded_branch"
               " where ns = $1 and name = $2 and branch = $3"
               " on conflict (ns, name, sha256) do nothing",
               TARN_DB_VALUES(tarn_db_string(table.ns), tarn_db_string(table.name),
                              tarn_db_string(branch)),
               NULL, error) &&
           tarn_db_execute(db,
                           "delete from tarn_loaded_branch where ns = $1 and name = $2 and"
                           " branch = $3",
                           TARN_DB_VALUES(tarn_db_string(table.ns), tarn_db_string(table.name),
                                          tarn_db_string(branch)),
                           NULL, error);
}

/* --- dialect as JSON --- */

static void put_char(TarnJsonWriter *writer, const char *key, char value) {
    tarn_base_json_key(writer, key);
    tarn_base_json_put_text(writer, (TarnText){&value, value != '\0'});
}

static void put_texts(TarnJsonWriter *writer, const char *key, const char *const *texts,
                      size_t count) {
    tarn_base_json_key(writer, key);
    tarn_base_json_array_begin(writer);
    for (size_t i = 0; i < count; i++) tarn_base_json_put_string(writer, texts[i]);
    tarn_base_json_array_end(writer);
}

bool tarn_flow__dialect_write(TarnDb *db, TarnTableName table, const TarnCsvDialect *dialect,
                              TarnError *error) {
    TarnBuffer text;
    TarnJsonWriter writer;
    tarn_base_buffer_init(&text, 65536);
    tarn_base_json_writer_init(&writer, &text, 0);
    tarn_base_json_object_begin(&writer);
    put_char(&writer, "delim", dialect->delimiter);
    put_char(&writer, "quote", dialect->quote);
    put_char(&writer, "escape", dialect->escape);
    tarn_base_json_key(&writer, "header");
    tarn_base_json_put_bool(&writer, dialect->header);
    tarn_base_json_key(&writer, "skip");
    tarn_base_json_put_int64(&writer, dialect->skip_lines);
    put_texts(&writer, "nullstr", dialect->null_texts, dialect->null_text_count);
    put_texts(&writer, "typed_nullstr", dialect->typed_null_texts,
              dialect->typed_null_text_count);
    tarn_base_json_key(&writer, "dateformat");
    tarn_base_json_put_string(&writer, dialect->date_format);
    tarn_base_json_key(&writer, "timestampformat");
    tarn_base_json_put_string(&writer, dialect->timestamp_format);
    tarn_base_json_object_end(&writer);
    bool ok = tarn_base_buffer_check(&text, error) &&
              tarn_db_execute(db,
                              "insert into tarn_dialect (ns, name, dialect) values ($1, $2, $3)"
                              " on conflict (ns, name) do nothing",
                              TARN_DB_VALUES(tarn_db_string(table.ns), tarn_db_string(table.name),
                                             tarn_db_text(tarn_base_buffer_view(&text))),
                              NULL, error);
    tarn_base_buffer_dispose(&text);
    return ok;
}

static char take_char(const TarnJson *root, const char *key) {
    TarnText text;
    return tarn_base_json_text(tarn_base_json_member(root, key), &text) && text.size == 1
               ? text.data[0]
               : '\0';
}

static void take_texts(const TarnJson *root, const char *key, TarnArena *arena,
                       const char *const **texts, size_t *count) {
    const TarnJson *list = tarn_base_json_member(root, key);
    const char **items = TARN_NEW_ARRAY(arena, (list != NULL ? list->count : 0) + 1, const char *);
    *count = 0;
    TARN_JSON_EACH(item, list) {
        if (items != NULL) items[(*count)++] = tarn_base_json_string(item, arena);
    }
    *texts = items;
}

bool tarn_flow__dialect_read(TarnDb *db, TarnTableName table, TarnArena *arena,
                             TarnCsvDialect *dialect, bool *found, TarnError *error) {
    TarnDbRows *rows = NULL;
    TarnJson *root = NULL;
    *found = false;
    bool ok = tarn_db_query(db, "select dialect from tarn_dialect where ns = $1 and name = $2",
                            TARN_DB_VALUES(tarn_db_string(table.ns), tarn_db_string(table.name)),
                            &rows, error) &&
              tarn_db_next(rows, found, error);
    const char *text = ok && *found ? tarn_db_column_string(rows, 0, arena) : NULL;
    tarn_db_rows_close(rows);
    if (!ok || text == NULL) return ok && tarn_base_arena_check(arena, error);
    if (!tarn_base_json_parse(tarn_base_text(text), "dialect", arena, &root, error)) return false;
    int64_t skip = 0;
    *dialect = (TarnCsvDialect){.delimiter = take_char(root, "delim"),
                                .quote = take_char(root, "quote"),
                                .escape = take_char(root, "escape")};
    dialect->header = true;
    if (!tarn_base_json_bool(tarn_base_json_member(root, "header"), &dialect->header)) {
        dialect->header = true;
    }
    if (tarn_base_json_int64(tarn_base_json_member(root, "skip"), &skip)) {
        dialect->skip_lines = (uint32_t)skip;
    }
    take_texts(root, "nullstr", arena, &dialect->null_texts, &dialect->null_text_count);
    take_texts(root, "typed_nullstr", arena, &dialect->typed_null_texts,
               &dialect->typed_null_text_count);
    dialect->date_format = tarn_base_json_string(tarn_base_json_member(root, "dateformat"), arena);
    dialect->timestamp_format =
        tarn_base_json_string(tarn_base_json_member(root, "timestampformat"), arena);
    return tarn_base_arena_check(arena, error);
}
