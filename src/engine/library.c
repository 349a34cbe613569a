/* Finds libduckdb.so and takes its functions.
 *
 * Purpose: a command that only reads metadata must not pay for the 70 MB engine, and a program
 * copied to another folder must still find the engine beside it. So nothing links against
 * libduckdb; the first engine opened dlopens it and every function of the allow-list is looked up
 * once. The places are tried in a fixed order and all of them are named when none holds it.
 * What it does not do: unload (DuckDB has threads and thread-local data), download, or accept
 * another version unless told to: the structures in duckdb.h are those of one version.
 */
#include "engine/library_private.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "engine/engine.h"

#define LIBRARY_FILE "libduckdb.so"
#define LIBRARY_VERSION "v1.5.5"

TarnEngineFunctions tarn_engine__duck;

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static void *library_handle;
static char library_path[PATH_MAX];

typedef struct FunctionSlot {
    const char *name;
    size_t offset; /* in TarnEngineFunctions */
} FunctionSlot;

static const FunctionSlot function_slots[] = {
#define TARN_ENGINE_SLOT(name) {"duckdb_" #name, offsetof(TarnEngineFunctions, name)},
    TARN_ENGINE_FUNCTIONS(TARN_ENGINE_SLOT)
#undef TARN_ENGINE_SLOT
};

static bool library_is_loaded(void) {
    pthread_mutex_lock(&library_lock);
    bool loaded = library_handle != NULL;
    pthread_mutex_unlock(&library_lock);
    return loaded;
}

bool tarn_engine_library_loaded(void) { return library_is_loaded(); }

const char *tarn_engine_library_version(void) {
    return library_is_loaded() ? tarn_engine__duck.library_version() : NULL;
}

const char *tarn_engine_library_path(void) {
    return library_is_loaded() ? library_path : NULL;
}

/* One line a place in `tried`, with the reason. */
static void note_place(TarnBuffer *tried, const char *path, const char *reason) {
    if (tried->size > 0) tarn_base_buffer_string(tried, "\n");
    tarn_base_buffer_printf(tried, "%s: %s", path, reason);
}

static bool take_functions(void *handle, TarnEngineFunctions *functions, const char **missing) {
    for (size_t i = 0; i < sizeof(function_slots) / sizeof(function_slots[0]); i++) {
        void *symbol = dlsym(handle, function_slots[i].name);
        if (symbol == NULL) {
            *missing = function_slots[i].name;
            return false;
        }
        memcpy((char *)functions + function_slots[i].offset, &symbol, sizeof(symbol));
    }
    return true;
}

static bool version_is_accepted(const char *version) {
    if (strcmp(version, LIBRARY_VERSION) == 0) return true;
    const char *any = getenv("TARN_DUCKDB_ANY_VERSION");
    return any != NULL && any[0] != '\0';
}

/* RTLD_LAZY: binding 24,000 imported functions at once would double the time of the load. */
static bool try_library(const char *path, TarnBuffer *tried) {
    bool has_directory = strchr(path, '/') != NULL;
    if (has_directory && access(path, R_OK) != 0) {
        note_place(tried, path, errno == ENOENT ? "no such file" : "cannot be read");
        return false;
    }
    void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        const char *reason = dlerror();
        note_place(tried, path, reason != NULL ? reason : "cannot be loaded");
        return false;
    }
    TarnEngineFunctions functions;
    const char *missing = NULL;
    if (!take_functions(handle, &functions, &missing)) {
        char reason[256];
        (void)snprintf(reason, sizeof(reason), "has no function %s", missing);
        note_place(tried, path, reason);
        dlclose(handle);
        return false;
    }
    const char *version = functions.library_version();
    if (!version_is_accepted(version)) {
        char reason[256];
        (void)snprintf(reason, sizeof(reason), "is DuckDB %s, not %s", version, LIBRARY_VERSION);
        note_place(tried, path, reason);
        dlclose(handle);
        return false;
    }
    tarn_engine__duck = functions;
    library_handle = handle;
    (void)snprintf(library_path, sizeof(library_path), "%s", path);
    return true;
}

/* The folder of the running program; false if the system does not tell. */
static bool executable_directory(char out[PATH_MAX]) {
    ssize_t size = readlink("/proc/self/exe", out, PATH_MAX - 1);
    if (size <= 0 || size >= PATH_MAX - 1) return false;
    out[size] = '\0';
    char *slash = strrchr(out, '/');
    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

static bool try_places(TarnBuffer *tried) {
    static const char *const beside[] = {"../lib", "deps/duckdb-1.5.5/lib", "lib", "."};
    char directory[PATH_MAX];
    char path[2 * PATH_MAX];
    if (executable_directory(directory)) {
        for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
            (void)snprintf(path, sizeof(path), "%s/%s/" LIBRARY_FILE, directory, beside[i]);
            if (try_library(path, tried)) return true;
        }
    }
    if (try_library(TARN_DUCKDB_PREFIX "/lib/" LIBRARY_FILE, tried)) return true;
    return try_library(LIBRARY_FILE, tried);
}

bool tarn_engine_library_load(TarnError *error) {
    pthread_mutex_lock(&library_lock);
    if (library_handle != NULL) {
        pthread_mutex_unlock(&library_lock);
        return true;
    }
    TarnBuffer tried;
    tarn_base_buffer_init(&tried, 64 * TARN_KIB);
    const char *chosen = getenv("TARN_DUCKDB_LIBRARY");
    bool found = chosen != NULL && chosen[0] != '\0' ? try_library(chosen, &tried)
                                                     : try_places(&tried);
    if (!found) {
        tarn_base_error_set(error, TARN_E_ENGINE_MISSING,
                            "cannot load DuckDB 1.5.5 (" LIBRARY_FILE ")");
        tarn_base_error_detail(error, "%s", tried.data != NULL ? tried.data : "");
        tarn_base_error_hint(error, "set TARN_DUCKDB_LIBRARY to the file, or put it beside the "
                                    "program in lib/");
    }
    tarn_base_buffer_dispose(&tried);
    pthread_mutex_unlock(&library_lock);
    return found;
}
