/* The failing allocator. Counting is atomic, since the engine's threads call tarn's code too.
 */
#include "fault_alloc.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

static atomic_bool armed;
static atomic_long calls;
static atomic_bool fired;
static long fail_at;
static bool fail_on;
static bool sqlite_counts;
static sqlite3_mem_methods sqlite_memory; /* SQLite's own */

static bool should_fail(void) {
    if (!atomic_load(&armed)) return false;
    long call = atomic_fetch_add(&calls, 1) + 1;
    bool now = fail_at > 0 && (fail_on ? call >= fail_at : call == fail_at);
    if (!now) return false;
    atomic_store(&fired, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size) { return should_fail() ? NULL : __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) {
    return should_fail() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *memory, size_t size) {
    return should_fail() ? NULL : __real_realloc(memory, size);
}
char *__wrap_strdup(const char *text) { return should_fail() ? NULL : __real_strdup(text); }
char *__wrap_strndup(const char *text, size_t size) {
    return should_fail() ? NULL : __real_strndup(text, size);
}

static void *sqlite_malloc(int size) {
    return sqlite_counts && should_fail() ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *memory, int size) {
    return sqlite_counts && should_fail() ? NULL : sqlite_memory.xRealloc(memory, size);
}

void fault_alloc_register_sqlite(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
    sqlite3_mem_methods methods = sqlite_memory;
    methods.xMalloc = sqlite_malloc;
    methods.xRealloc = sqlite_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0); /* or small requests would never come here */
}

void fault_alloc_sqlite(bool counts) { sqlite_counts = counts; }

void fault_alloc_arm(long n, bool from_then_on) {
    fail_at = n;
    fail_on = from_then_on;
    atomic_store(&calls, 0);
    atomic_store(&fired, false);
    atomic_store(&armed, true);
}

void fault_alloc_disarm(void) { atomic_store(&armed, false); }
bool fault_alloc_fired(void) { return atomic_load(&fired); }
long fault_alloc_calls(void) { return atomic_load(&calls); }
