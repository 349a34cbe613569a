/* An engine: one DuckDB instance, its settings, and the lock before foreign SQL.
 *
 * Purpose: every instance of the program is opened here, with the same settings, so that results
 * do not depend on the machine: no extension comes from the network or from the user's home, the
 * time zone is UTC, errors come as data. Settings that DuckDB takes before opening are given as
 * configuration, the others by a control connection that no user SQL ever sees.
 * What it does not do: decide what may be read. tarn_engine_lock() gets its folders from query/.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/engine_private.h"

/* Nothing can be created below a device, so INSTALL has nowhere to write. */
#define NO_EXTENSIONS "/dev/null/extensions"

typedef struct EngineSetting {
    const char *name;
    const char *value;
} EngineSetting;

static const EngineSetting fixed_settings[] = {
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"allow_community_extensions", "false"},
    {"allow_persistent_secrets", "false"},
    {"errors_as_json", "true"},
    {"custom_user_agent", "tarn/" TARN_VERSION},
};

static bool set_config(duckdb_config config, const char *name, const char *value,
                       TarnError *error) {
    if (tarn_engine__duck.set_config(config, name, value) == DuckDBSuccess) return true;
    return tarn_base_error_set(error, TARN_E_CONFIG, "DuckDB refuses \"%s\" for the setting %s",
                               value, name);
}

static bool set_bytes(duckdb_config config, const char *name, uint64_t bytes, TarnError *error) {
    if (bytes == 0) return true;
    char value[32];
    (void)snprintf(value, sizeof(value), "%" PRIu64 "B", bytes);
    return set_config(config, name, value, error);
}

static bool fill_config(duckdb_config config, const TarnEngineOptions *options,
                        TarnError *error) {
    for (size_t i = 0; i < sizeof(fixed_settings) / sizeof(fixed_settings[0]); i++) {
        const EngineSetting *setting = &fixed_settings[i];
        if (!set_config(config, setting->name, setting->value, error)) return false;
    }
    if (options->threads > 0) {
        char value[16];
        (void)snprintf(value, sizeof(value), "%" PRIu32, options->threads);
        if (!set_config(config, "threads", value, error)) return false;
    }
    const char *extensions = options->extension_directory;
    const char *spill = options->temp_directory;
    return set_bytes(config, "memory_limit", options->memory_limit_bytes, error) &&
           set_config(config, "temp_directory", spill != NULL ? spill : "", error) &&
           set_config(config, "extension_directory",
                      extensions != NULL ? extensions : NO_EXTENSIONS, error) &&
           set_config(config, "preserve_insertion_order",
                      options->any_insertion_order ? "false" : "true", error) &&
           set_config(config, "validate_external_file_cache",
                      options->immutable_files ? "NO_VALIDATION" : "VALIDATE_ALL", error);
}

static bool open_database(TarnEngine *engine, const TarnEngineOptions *options,
                          TarnError *error) {
    duckdb_config config = NULL;
    if (tarn_engine__duck.create_config(&config) != DuckDBSuccess) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not make the engine's configuration");
    }
    bool done = fill_config(config, options, error);
    if (done) {
        char *reason = NULL;
        done = tarn_engine__duck.open_ext(options->database, &engine->database, config,
                                          &reason) == DuckDBSuccess;
        if (!done) {
            tarn_base_error_set(error, TARN_E_ENGINE, "could not open the engine: %s",
                                reason != NULL ? reason : "no reason given");
        }
        tarn_engine__duck.free(reason);
    }
    tarn_engine__duck.destroy_config(&config);
    return done;
}

static bool run_setting(TarnEngine *engine, const TarnBuffer *sql, TarnError *error) {
    return tarn_engine__run_own(engine->control, sql, error);
}

/* ICU's settings exist only once the instance is open. */
static bool set_calendar(TarnEngine *engine, TarnError *error) {
    static const char *const statements[] = {"SET GLOBAL TimeZone = 'UTC'",
                                             "SET GLOBAL Calendar = 'gregorian'"};
    bool done = true;
    for (size_t i = 0; done && i < sizeof(statements) / sizeof(statements[0]); i++) {
        TarnBuffer sql;
        tarn_base_buffer_init(&sql, TARN_KIB);
        tarn_base_buffer_string(&sql, statements[i]);
        done = run_setting(engine, &sql, error);
        tarn_base_buffer_dispose(&sql);
    }
    return done;
}

/* Given as configuration, DuckDB 1.5.5 would forget it. */
static bool set_spill_limit(TarnEngine *engine, uint64_t bytes, TarnError *error) {
    if (bytes == 0) return true;
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, TARN_KIB);
    tarn_base_buffer_printf(&sql, "SET GLOBAL max_temp_directory_size = '%" PRIu64 "B'", bytes);
    bool done = run_setting(engine, &sql, error);
    tarn_base_buffer_dispose(&sql);
    return done;
}

static bool load_extension(TarnEngine *engine, const char *path, TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 64 * TARN_KIB);
    tarn_base_buffer_string(&sql, "LOAD ");
    tarn_base_buffer_literal(&sql, tarn_base_text(path));
    bool done = run_setting(engine, &sql, error);
    if (!done) tarn_base_error_context(error, "while loading the extension \"%s\"", path);
    tarn_base_buffer_dispose(&sql);
    return done;
}

static bool prepare_engine(TarnEngine *engine, const TarnEngineOptions *options,
                           TarnError *error) {
    if (!open_database(engine, options, error)) return false;
    if (!tarn_engine_session_open(engine, &engine->control, error)) return false;
    if (!set_calendar(engine, error)) return false;
    if (!set_spill_limit(engine, options->temp_directory_bytes_max, error)) return false;
    for (size_t i = 0; i < options->extension_count; i++) {
        if (!load_extension(engine, options->extensions[i], error)) return false;
    }
    return true;
}

bool tarn_engine_open(const TarnEngineOptions *options, TarnEngine **engine, TarnError *error) {
    static const TarnEngineOptions no_options;
    if (options == NULL) options = &no_options;
    *engine = NULL;
    if (!tarn_engine_library_load(error)) return false;
    TarnEngine *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for an engine");
    }
    made->threads = options->threads;
    made->any_insertion_order = options->any_insertion_order;
    atomic_init(&made->dead, false);
    if (!tarn_engine__watcher_init(&made->watcher, error)) {
        free(made);
        return false;
    }
    (void)pthread_mutex_init(&made->scan_lock, NULL);
    if (!prepare_engine(made, options, error)) {
        tarn_engine_close(made);
        return false;
    }
    *engine = made;
    return true;
}

void tarn_engine_close(TarnEngine *engine) {
    if (engine == NULL) return;
    tarn_engine_session_close(engine->control);
    tarn_engine__watcher_dispose(&engine->watcher);
    tarn_engine__duck.close(&engine->database);
    (void)pthread_mutex_destroy(&engine->scan_lock);
    free(engine);
}

bool tarn_engine_dead(const TarnEngine *engine) { return atomic_load(&engine->dead); }

/* DuckDB compares prefixes: without a final slash "/lake" would allow "/lake2" as well. */
static void append_directory(TarnBuffer *sql, const char *directory) {
    TarnText text = tarn_base_text(directory);
    TarnBuffer slashed;
    tarn_base_buffer_init(&slashed, 64 * TARN_KIB);
    tarn_base_buffer_text(&slashed, text);
    if (!tarn_base_text_ends(text, "/")) tarn_base_buffer_byte(&slashed, '/');
    tarn_base_buffer_literal(sql, tarn_base_buffer_view(&slashed));
    sql->failed = sql->failed || slashed.failed;
    tarn_base_buffer_dispose(&slashed);
}

/* The order matters: folders can only be named while access is open, and the progress settings
 * stay changeable because each session of a watched statement sets them for itself. */
bool tarn_engine_lock(TarnEngine *engine, const char *const *directories, size_t count,
                      TarnError *error) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 4 * TARN_MIB);
    tarn_base_buffer_string(&sql, "SET GLOBAL allowed_directories = [");
    for (size_t i = 0; i < count; i++) {
        if (directories[i] == NULL || directories[i][0] == '\0') {
            tarn_base_buffer_dispose(&sql);
            return tarn_base_error_set(error, TARN_E_INTERNAL, "an empty folder to allow");
        }
        if (i > 0) tarn_base_buffer_string(&sql, ", ");
        append_directory(&sql, directories[i]);
    }
    tarn_base_buffer_string(&sql, "]");
    bool done = run_setting(engine, &sql, error);
    static const char *const steps[] = {
        "SET GLOBAL enable_external_access = false",
        "SET GLOBAL allowed_configs = ['enable_progress_bar', 'enable_progress_bar_print', "
        "'parquet_metadata_cache']",
        "SET GLOBAL lock_configuration = true",
    };
    for (size_t i = 0; done && i < sizeof(steps) / sizeof(steps[0]); i++) {
        tarn_base_buffer_clear(&sql);
        tarn_base_buffer_string(&sql, steps[i]);
        done = run_setting(engine, &sql, error);
    }
    tarn_base_buffer_dispose(&sql);
    return done;
}
