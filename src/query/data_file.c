/* Data files that are not what the table's metadata says: gone, cut, replaced, damaged, or in a
 * store that does not let them be read.
 *
 * Idea: data files are never rewritten, so their size tells most of what others may have done to
 * them. It is compared before a file is read; where footers are read anyway that is done with them.
 * When the engine fails while it reads, its message names a file: the file's store is asked
 * what is the matter, since it knows more (keys that expired, a bucket that is gone), and the
 * table is named. A file of the same size that is whole but another cannot be told: Iceberg keeps
 * no checksum of data files.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "query/data_file_private.h"
#include "store/s3.h"

/* ---- before a file is read --------------------------------------------------------------- */

static bool advise(TarnTableName name, int64_t snapshot_id, TarnError *error) {
    return tarn_base_error_hint(error, "bring it back from a backup or from an older version in "
                                       "the bucket; without it: tarn table rollback %s.%s to a "
                                       "snapshot before %" PRId64,
                                name.ns, name.name, snapshot_id);
}

bool tarn_query__data_file_judge(TarnTableName name, const TarnScanTask *task,
                                 const TarnStoreObject *object, TarnError *error) {
    if (!object->exists) {
        tarn_base_error_set(error, TARN_E_OBJECT_NOT_FOUND,
                            "the data file \"%s\" of the table \"%s.%s\" is gone; snapshot %" PRId64
                            " added it", object->location, name.ns, name.name, task->snapshot_id);
        return advise(name, task->snapshot_id, error);
    }
    if (object->size == (uint64_t)task->file->file_size) return true;
    tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                        "the data file \"%s\" of the table \"%s.%s\" has %" PRIu64
                        " bytes, but snapshot %" PRId64 " added it with %" PRId64
                        ": it was cut or overwritten", object->location, name.ns, name.name,
                        object->size, task->snapshot_id, task->file->file_size);
    return advise(name, task->snapshot_id, error);
}

/* Where a bucket is gone, all its objects are: only an answer with a body says which. */
static bool is_bucket_gone(TarnStore *store, const char *location, TarnError *error) {
    TarnStoreObject object;
    TarnText byte;
    TarnArena arena;
    TarnError told;
    if (!tarn_store_is_s3(tarn_base_text(store->root))) return false;
    tarn_base_error_clear(&told);
    tarn_base_arena_init(&arena, TARN_MIB);
    bool gone = !tarn_store_get(store, location, (TarnStoreRange){0, 1}, TARN_KIB, &arena, &byte,
                                &object, &told) &&
                tarn_base_text_starts(tarn_base_text(told.message), "the bucket ");
    tarn_base_arena_dispose(&arena);
    if (gone) *error = told;
    return gone;
}

typedef struct Checking {
    const TarnScanWriter *scan;
    const size_t *tasks;
    const char **locations;
} Checking;

static bool check_file(void *state, size_t index, TarnError *error) {
    const Checking *checking = state;
    const TarnTable *table = checking->scan->table;
    const char *location = checking->locations[index];
    TarnStoreObject object;
    if (!tarn_store_stat(table->store, location, &object, error) ||
        (!object.exists && is_bucket_gone(table->store, location, error))) {
        return tarn_base_error_context(error, "while looking at a data file of \"%s.%s\"",
                                       table->name.ns, table->name.name);
    }
    return tarn_query__data_file_judge(table->name,
                                       &checking->scan->plan->tasks[checking->tasks[index]],
                                       &object, error);
}

bool tarn_query__data_files_check(const TarnScanWriter *scan, const size_t *tasks, size_t count) {
    Checking checking = {.scan = scan, .tasks = tasks,
                         .locations = TARN_NEW_ARRAY(scan->arena, count + 1, const char *)};
    if (checking.locations == NULL) return tarn_base_arena_check(scan->arena, scan->error);
    for (size_t i = 0; i < count; i++) {
        checking.locations[i] =
            tarn_base_text_string(scan->arena, scan->plan->tasks[tasks[i]].file->path);
    }
    bool far = tarn_store_is_s3(tarn_base_text(scan->table->store->root));
    return tarn_base_arena_check(scan->arena, scan->error) &&
           tarn_os_parallel(far ? TARN_LIMIT_SCAN_STAT_THREADS : 0, count, check_file, &checking,
                            scan->error);
}

bool tarn_query__data_file_explain(const TarnScanWriter *scan, const TarnScanTask *task,
                                   const char *location) {
    TarnTableName name = scan->table->name;
    TarnStoreObject object;
    TarnError ignored;
    TarnError found;
    tarn_base_error_clear(&found);
    if (tarn_store_stat(scan->table->store, location, &object, &ignored) &&
        !tarn_query__data_file_judge(name, task, &object, &found)) {
        *scan->error = found;
        return false;
    }
    return tarn_base_error_context(scan->error, "while reading a data file of the table \"%s.%s\"",
                                   name.ns, name.name);
}

/* ---- when the engine has failed ---------------------------------------------------------- */

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Back from the form of a URL, in place. */
static void decode(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        int high = *from == '%' ? hex_digit(from[1]) : -1;
        int low = high >= 0 ? hex_digit(from[2]) : -1;
        *to++ = low >= 0 ? (char)(high * 16 + low) : *from;
        if (low >= 0) from += 2;
    }
    *to = '\0';
}

/* The location of the message that `found` is inside of: in quotes, or up to a colon. */
static TarnText word_around(const char *message, const char *found) {
    const char *start = found;
    while (start > message && strchr("'\" (\n", start[-1]) == NULL) start--;
    bool quoted = start > message && (start[-1] == '\'' || start[-1] == '"');
    const char *colon = quoted ? NULL : strstr(found, ": ");
    size_t rest = strcspn(found, "'\"?\n");
    if (colon != NULL && (size_t)(colon - found) < rest) rest = (size_t)(colon - found);
    return (TarnText){start, (size_t)(found - start) + rest};
}

/* A location below the store's root, as the engine's message has it: a path, s3://bucket/key, or
 * the URL of a request. NULL = the message names none. */
static const char *find_location(const TarnStore *store, const char *message, TarnArena *arena) {
    bool far = tarn_store_is_s3(tarn_base_text(store->root));
    TarnText root;
    if (!tarn_store_resolve(tarn_base_text(store->root), &root, NULL)) return NULL;
    const char *below = root.data; /* the text that is looked for, up to the root's end */
    if (far) below = strchr(strstr(root.data, "://") + 3, '/');
    if (below == NULL || below[1] == '\0') return NULL; /* a whole bucket: any URL would do */
    const char *wanted = tarn_base_arena_printf(arena, "%s/", below);
    const char *found = wanted != NULL ? strstr(message, wanted) : NULL;
    if (found == NULL) return NULL;
    TarnText word = word_around(message, found);
    if (!far) return tarn_base_text_string(arena, word);
    TarnText key = {found, word.size - (size_t)(found - word.data)};
    char *text = tarn_base_arena_string_n(arena, key.data, key.size);
    if (text == NULL) return NULL;
    if (tarn_base_text_starts(word, "http")) decode(text);
    return tarn_base_arena_printf(arena, "%.*s%s", (int)(below - root.data), root.data, text);
}

static const char *table_of(TarnCatalog *catalog, const char *location, TarnArena *arena) {
    const char *end = strstr(location, "/data/");
    const char *name = NULL;
    TarnError ignored;
    if (catalog == NULL) return NULL;
    const char *folder = tarn_base_text_string(arena,
                                               (TarnText){location, (size_t)(end - location)});
    TarnTableName nobody = {"", ""};
    if (folder == NULL ||
        !tarn_catalog_location_shared(catalog, nobody, folder, arena, &name, &ignored)) {
        return NULL;
    }
    return name;
}

#define WHILE_WRITING "while writing a data file"

static bool is_about_files(const TarnError *error) {
    if (strstr(error->message, "(" WHILE_WRITING) != NULL) return false; /* told already */
    switch (error->code) {
    case TARN_E_IO:
    case TARN_E_ENGINE:
    case TARN_E_SOURCE_NOT_FOUND: return strstr(error->message, "HTTP 5") == NULL;
    /* "No magic bytes found", "TProtocolException": DuckDB's Invalid Input */
    case TARN_E_SQL_EXECUTION:
        return strncmp(error->message, "could not convert", 17) != 0;
    default: return false;
    }
}

/* The file can be read, so its content is what the engine cannot read; or what was wrong passes. */
static void blame_content(const char *location, TarnError *error) {
    TarnError engine = *error;
    if (engine.retryable) {
        tarn_base_error_hint(error, "the store answers again: run the statement again");
        return;
    }
    tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT, "the data file \"%s\" is damaged: %s",
                        location, engine.message);
    tarn_base_error_hint(error, "it was overwritten, or its disk has lost bytes: bring it back "
                                "from a backup, or roll the table back (tarn table rollback)");
}

/* A new file on S3: that there is none is no news. */
static void blame_writing(const char *location, const TarnError *told, TarnError *error) {
    TarnError engine = *error;
    bool denied = strstr(engine.message, "403") != NULL;
    if (told->code != TARN_OK && (told->code != TARN_E_OBJECT_NOT_FOUND ||
                                  tarn_base_text_starts(tarn_base_text(told->message),
                                                        "the bucket "))) {
        *error = *told;
        return;
    }
    tarn_base_error_set(error, denied ? TARN_E_DENIED_BY_STORE : TARN_E_UNAVAILABLE,
                        denied ? "the object store denies writing \"%s\""
                               : "the object store did not take \"%s\"", location);
    tarn_base_error_detail(error, "DuckDB says: %.300s", engine.message);
    tarn_base_error_hint(error, denied ? "the keys in use need rights to list, read, write and "
                                         "delete below the bucket's prefix"
                                       : "nothing was committed: run the statement again");
    error->retryable = !denied;
}

static void blame_reading(const char *location, const TarnError *told, TarnError *error) {
    if (told->code == TARN_OK) {
        blame_content(location, error);
        return;
    }
    *error = *told;
    if (told->code == TARN_E_OBJECT_NOT_FOUND && told->hint[0] == '\0') {
        tarn_base_error_hint(error, "bring it back from a backup, or roll the table back (tarn "
                                    "table rollback)");
    }
}

/* `written`: part of the names of files that the statement writes; NULL = it only reads. */
static bool explain(TarnStore *store, TarnCatalog *catalog, const char *written, TarnArena *arena,
                    TarnError *error) {
    TarnStoreObject object;
    TarnText byte;
    TarnError told;
    const char *location = find_location(store, error->message, arena);
    if (location == NULL || strstr(location, "/data/") == NULL) return false;
    bool writing = written != NULL && strstr(location, written) != NULL;
    if (written != NULL && !writing) return false; /* what was read tarn_query_failure() tells */
    const char *table = table_of(catalog, location, arena);
    tarn_base_error_clear(&told);
    /* Not a stat: only an answer with a body can say why not. */
    if (tarn_store_get(store, location, (TarnStoreRange){0, 1}, TARN_KIB, arena, &byte, &object,
                       &told)) {
        tarn_base_error_clear(&told);
    }
    bool far = tarn_store_is_s3(tarn_base_text(store->root));
    if (!writing) {
        blame_reading(location, &told, error);
    } else if (far) {
        blame_writing(location, &told, error);
    } else { /* the system's own words are enough */
        tarn_base_error_context(error, WHILE_WRITING);
    }
    if (table != NULL) {
        tarn_base_error_context(error, "while reading or writing the table \"%s\"", table);
    }
    return true;
}

void tarn_query__failure_below(TarnStore *store, const char *written, TarnError *error) {
    TarnArena arena;
    if (!is_about_files(error)) return;
    tarn_base_arena_init(&arena, TARN_MIB);
    (void)explain(store, NULL, written, &arena, error);
    tarn_base_arena_dispose(&arena);
}

/* What DuckDB's Parquet reader says without a name of a file. */
static bool blame_unnamed(TarnError *error) {
    static const char *const texts[] = {"don't know what type", "TProtocolException",
                                        "no more data to read", "invalid TType", NULL};
    TarnError engine = *error;
    for (size_t i = 0; texts[i] != NULL; i++) {
        if (strstr(engine.message, texts[i]) == NULL) continue;
        tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                            "a data file that the statement reads is damaged: %s", engine.message);
        tarn_base_error_hint(error, "read its tables one at a time, a partition at a time, to find "
                                    "out which; then bring the file back from a backup");
        return true;
    }
    return false;
}

void tarn_query_failure(TarnQuery *query, TarnError *error) {
    TarnArena arena;
    TarnError ignored;
    const char **roots = NULL;
    size_t count = 0;
    if (!is_about_files(error) || blame_unnamed(error)) return;
    tarn_base_arena_init(&arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    bool done = explain(tarn_catalog_store(query->catalog), query->catalog, NULL, &arena,
                        error);
    if (!done && !tarn_catalog_roots(query->catalog, &arena, &roots, &count, &ignored)) count = 0;
    for (size_t i = 0; !done && i < count; i++) {
        TarnStore *store = NULL;
        if (!tarn_catalog_root_store(query->catalog, roots[i], &store, &ignored)) continue;
        done = explain(store, query->catalog, NULL, &arena, error);
    }
    tarn_base_arena_dispose(&arena);
}
