/* What the tests of the engine's room share: one engine and session per program, a temporary
 * folder, short ways to run SQL. A missing library skips the whole program, loudly. */
#ifndef TARN_TESTS_ENGINE_TEST_H
#define TARN_TESTS_ENGINE_TEST_H

#include <dirent.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "engine/engine.h"
#include "tap.h"

#define UNUSED __attribute__((unused))

static TarnEngine *engine;
static TarnEngineSession *session;
static TarnError failure;
static char folder[160];

UNUSED static TarnText sql_text(const char *sql) { return tarn_base_text(sql); }

UNUSED static bool run_in(TarnEngineSession *in, const char *sql) {
    tarn_base_error_clear(&failure);
    return tarn_engine_run(in, sql_text(sql), NULL, &failure);
}
UNUSED static bool run(const char *sql) { return run_in(session, sql); }

/* The first value as text, in memory that lives until the next call but seven. */
UNUSED static const char *value_in(TarnEngineSession *in, const char *sql) {
    static char results[8][4096];
    static unsigned turn;
    char *result = results[turn++ % 8];
    TarnArena arena;
    TarnText text;
    tarn_base_arena_init(&arena, TARN_GIB);
    tarn_base_error_clear(&failure);
    if (!tarn_engine_query_text(in, sql_text(sql), NULL, 0, &arena, &text, &failure)) {
        snprintf(result, sizeof(results[0]), "error %s: %s", tarn_base_error_name(failure.code),
                 failure.message);
    } else if (text.data == NULL) {
        snprintf(result, sizeof(results[0]), "(null)");
    } else {
        snprintf(result, sizeof(results[0]), "%s", text.data);
    }
    tarn_base_arena_dispose(&arena);
    return result;
}
UNUSED static const char *value(const char *sql) { return value_in(session, sql); }

/* The code a statement fails with; TARN_OK if it does not. */
UNUSED static TarnErrorCode code_in(TarnEngineSession *in, const char *sql) {
    return run_in(in, sql) ? TARN_OK : failure.code;
}
UNUSED static TarnErrorCode code_of(const char *sql) { return code_in(session, sql); }

#define CHECK_CODE(got, want)                                                                      \
    tap_string(__FILE__, __LINE__, #got, tarn_base_error_name(got), tarn_base_error_name(want))

/* A path in the temporary folder. */
UNUSED static const char *path_of(const char *name) {
    static char paths[8][256];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

UNUSED static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        printf("Bail out! cannot write %s\n", path);
        exit(1);
    }
}

UNUSED static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Resident memory in KiB, now or at its peak ("VmRSS:", "VmHWM:"). */
UNUSED static int64_t resident_kib(const char *key) {
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    int64_t kib = -1;
    while (status != NULL && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) kib = strtoll(line + strlen(key), NULL, 10);
    }
    if (status != NULL) fclose(status);
    return kib;
}

UNUSED static bool sanitized(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#else
    return false;
#endif
#else
    return false;
#endif
}

UNUSED static void remove_tree(const char *path) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char child[1024];
        snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        struct stat status;
        if (lstat(child, &status) == 0 && S_ISDIR(status.st_mode)) {
            remove_tree(child);
        } else {
            unlink(child);
        }
    }
    if (directory != NULL) closedir(directory);
    rmdir(path);
}

/* false: the program is to end with 0, having said why. */
UNUSED static bool start_engine(const TarnEngineOptions *options) {
    if (!tarn_engine_library_load(&failure)) {
        printf("1..0 # SKIP %s (run tools/fetch_duckdb.sh)\n", failure.message);
        return false;
    }
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%.100s/tarn-engine-test-XXXXXX",
             parent != NULL && parent[0] != '\0' ? parent : P_tmpdir);
    if (mkdtemp(folder) == NULL || !tarn_engine_open(options, &engine, &failure) ||
        !tarn_engine_session_open(engine, &session, &failure)) {
        printf("Bail out! %s\n", failure.message);
        exit(1);
    }
    return true;
}

UNUSED static int end_engine(void) {
    tarn_engine_session_close(session);
    tarn_engine_close(engine);
    remove_tree(folder);
    return tap_end();
}

#endif
