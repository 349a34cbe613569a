/* Objects on S3 for the engine: DuckDB's httpfs extension and its secrets.
 *
 * Idea: the extension is a file beside libduckdb.so, loaded by its path when a lake needs it; the
 * engine checks its signature and that it is of the very same version. What opens a bucket's prefix
 * is a secret of the instance whose scope is that prefix, made before the engine is locked. Keys
 * pass through one statement that is never shown: its errors are replaced, since DuckDB's own would
 * quote it.
 *
 * Uploads go in parts as small as S3 allows and few at a time, since each file that is being
 * written holds them in memory.
 */
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "engine/engine_private.h"
#include "engine/library_private.h"

#define EXTENSION_FILE "httpfs.duckdb_extension"

static bool fail_missing(const char *path, TarnError *error) {
    tarn_base_error_set(error, TARN_E_ENGINE_MISSING,
                        "cannot open objects on S3: DuckDB's extension httpfs is not at \"%s\"",
                        path);
    return tarn_base_error_hint(error, "put " EXTENSION_FILE " 1.5.5 beside libduckdb.so (the "
                                       "package duckdb-extension-httpfs has it), or name it with "
                                       "TARN_DUCKDB_HTTPFS");
}

static bool find_extension(const TarnOs *os, TarnBuffer *path, TarnError *error) {
    const char *chosen = os->environment(os, "TARN_DUCKDB_HTTPFS");
    const char *library = tarn_engine_library_path();
    if (chosen != NULL && chosen[0] != '\0') {
        tarn_base_buffer_string(path, chosen);
    } else if (library != NULL) {
        TarnText folder = tarn_os_parent(library);
        tarn_base_buffer_printf(path, "%.*s/" EXTENSION_FILE, TARN_TEXT_ARG(folder));
    }
    if (!tarn_base_buffer_check(path, error)) return false;
    TarnOsStat stat;
    const char *name = path->data != NULL ? path->data : EXTENSION_FILE;
    if (!os->stat(os, name, true, &stat, error)) return false;
    return stat.kind == TARN_OS_FILE || fail_missing(name, error);
}

static bool run_text(TarnEngine *engine, const char *sql, TarnError *error) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_KIB);
    tarn_base_buffer_string(&text, sql);
    bool done = tarn_engine__run_own(engine->control, &text, error);
    tarn_base_buffer_dispose(&text);
    return done;
}

bool tarn_engine_s3_load(TarnEngine *engine, const TarnOs *os, TarnError *error) {
    static const char *const settings[] = {
        "SET GLOBAL s3_uploader_max_filesize = '50GB'", /* 10,000 parts of 5 MB */
        "SET GLOBAL s3_uploader_thread_limit = 4",
        "SET GLOBAL http_retries = 5",
    };
    TarnBuffer path;
    TarnBuffer sql;
    tarn_base_buffer_init(&path, 64 * TARN_KIB);
    tarn_base_buffer_init(&sql, 128 * TARN_KIB);
    bool done = find_extension(os, &path, error);
    if (done) {
        tarn_base_buffer_string(&sql, "LOAD ");
        tarn_base_buffer_literal(&sql, tarn_base_buffer_view(&path));
        done = tarn_engine__run_own(engine->control, &sql, error);
        if (!done) tarn_base_error_context(error, "while loading \"%s\"", path.data);
    }
    for (size_t i = 0; done && i < sizeof(settings) / sizeof(settings[0]); i++) {
        done = run_text(engine, settings[i], error);
    }
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&path);
    return done;
}

static void put_setting(TarnBuffer *sql, const char *name, const char *value) {
    tarn_base_buffer_printf(sql, ", %s ", name);
    tarn_base_buffer_literal(sql, tarn_base_text(value));
}

static void write_secret(const char *name, const TarnEngineS3 *s3, TarnBuffer *sql) {
    tarn_base_buffer_string(sql, "CREATE OR REPLACE TEMPORARY SECRET ");
    tarn_base_buffer_identifier(sql, tarn_base_text(name));
    tarn_base_buffer_string(sql, " (TYPE s3, PROVIDER config");
    put_setting(sql, "KEY_ID", s3->access_key);
    put_setting(sql, "SECRET", s3->secret_key);
    if (s3->session_token[0] != '\0') put_setting(sql, "SESSION_TOKEN", s3->session_token);
    put_setting(sql, "REGION", s3->region);
    put_setting(sql, "ENDPOINT", s3->host);
    put_setting(sql, "URL_STYLE", s3->path_style ? "path" : "vhost");
    tarn_base_buffer_printf(sql, ", USE_SSL %s, SCOPE [", s3->secure ? "true" : "false");
    for (size_t i = 0; i < s3->scope_count; i++) {
        if (i > 0) tarn_base_buffer_string(sql, ", ");
        tarn_base_buffer_literal(sql, tarn_base_text(s3->scopes[i]));
    }
    tarn_base_buffer_string(sql, "])");
}

bool tarn_engine_s3_secret(TarnEngine *engine, const char *name, const TarnEngineS3 *s3,
                           TarnError *error) {
    TarnBuffer sql;
    TarnError hidden;
    tarn_base_error_clear(&hidden);
    tarn_base_buffer_init(&sql, TARN_MIB);
    write_secret(name, s3, &sql);
    bool done = tarn_engine__run_own(engine->control, &sql, &hidden);
    if (sql.data != NULL) explicit_bzero(sql.data, sql.capacity);
    tarn_base_buffer_dispose(&sql);
    return done || tarn_base_error_set(error, TARN_E_ENGINE,
                                       "DuckDB does not take the keys for the object store at "
                                       "\"%s\"", s3->host);
}
