/* The rack: every scenario with every call failing, in eight ways.
 *
 *   test_torture [NAME]     scenarios whose name contains NAME
 *   TARN_TORTURE=N          at most N runs for each scenario and way, evenly spread; 0 = all
 *
 * A run works on a copy of the disk the scenario begins with. Calls are counted over TarnOs and
 * SQLite's VFS together, allocations over tarn's code and SQLite's together.
 */
#include "torture.h"

#include <errno.h>
#include <sqlite3.h>

#include "base/limits.h"
#include "base/log.h"
#include "fake_vfs.h"
#include "fault_alloc.h"
#include "fault_vfs.h"
#include "tap.h"

typedef enum Way {
    WAY_ONCE,        /* the n-th call fails */
    WAY_LOST_ANSWER, /* the n-th call is done, but says that it failed */
    WAY_FULL,        /* from the n-th call on nothing can be written, until space is freed */
    WAY_KILL,        /* from the n-th call on nothing works: the process dies */
    WAY_POWER,       /* the same, and the disk forgets what was not synced, or a part of it */
    WAY_MEMORY,      /* the n-th allocation fails */
    WAY_NO_MEMORY,   /* from the n-th on all fail */
    WAY_SQLITE,      /* the n-th allocation fails, where SQLite's count too */
    WAY_COUNT
} Way;

static const char *const way_names[] = {"call fails",     "answer is lost",  "disk is full",
                                        "process dies",   "power is cut",    "allocation fails",
                                        "memory runs out", "SQLite's allocation fails"};

static struct {
    Way way;
    long n; /* 0 = only counts */
    bool armed;
    long calls;
    bool fired;
    const char *name; /* of the call that failed */
} plan;

static bool writes(const char *name) {
    static const char *const names[] = {"file_write", "file_open_unnamed", "file_link",
                                        "link",       "directory_create",  "sqlite_write"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) return true;
    }
    return false;
}

static FaultVerdict decide(void *state, const char *name) {
    (void)state;
    if (!plan.armed) return FAULT_PASS;
    long call = ++plan.calls;
    bool on = plan.way == WAY_KILL || plan.way == WAY_POWER || plan.way == WAY_FULL;
    bool hits = plan.n > 0 && (on ? call >= plan.n : call == plan.n);
    if (plan.way == WAY_FULL && !writes(name)) hits = false;
    if (!hits) return FAULT_PASS;
    if (!plan.fired) plan.name = name;
    plan.fired = true;
    return plan.way == WAY_LOST_ANSWER ? FAULT_LOSE_ANSWER : FAULT_REFUSE;
}

static bool uses_memory(Way way) {
    return way == WAY_MEMORY || way == WAY_NO_MEMORY || way == WAY_SQLITE;
}

static void arm(Torture *torture, Way way, long n) {
    torture->os.errno_value = way == WAY_FULL ? ENOSPC : EIO;
    plan.way = way;
    plan.n = n;
    plan.calls = 0;
    plan.fired = false;
    plan.name = "";
    plan.armed = !uses_memory(way);
    fault_vfs_full(way == WAY_FULL);
    fault_alloc_sqlite(way == WAY_SQLITE);
    if (uses_memory(way)) fault_alloc_arm(n, way == WAY_NO_MEMORY);
}

static void disarm(void) {
    if (uses_memory(plan.way)) {
        fault_alloc_disarm();
        plan.fired = fault_alloc_fired();
        plan.calls = fault_alloc_calls();
    }
    plan.armed = false;
}

/* ---- one run ----------------------------------------------------------------------------- */

static TarnError error;

static void start_process(Torture *torture, FakeOs *disk) {
    *torture = (Torture){.disk = disk};
    tarn_base_arena_init(&torture->arena, 64 * TARN_MIB);
    fault_os_init(&torture->os, fake_os(disk), 0, FAULT_OS_BEFORE, EIO);
    torture->os.hook = decide;
    fake_vfs_mount(disk);
    tarn_base_error_clear(&error);
}

static void end_process(Torture *torture) {
    small_lake_close(&torture->lake);
    CHECK_INT(fake_os_counts(torture->disk).open_files, 0);
    tarn_base_arena_dispose(&torture->arena);
}

static const char *describe(Torture *torture) {
    const char *text = NULL;
    TarnError why;
    if (small_lake_describe(&torture->lake, &torture->arena, &text, &why)) return text;
    return tarn_base_arena_printf(&torture->arena, "%s: %s", tarn_base_error_name(why.code),
                                  why.message);
}

static FakeOs *begin_disk(const TortureScenario *scenario) {
    FakeOsOptions options = {.seed = 7};
    FakeOs *disk = fake_os_new(&options);
    Torture torture;
    if (scenario->no_lake) return disk;
    start_process(&torture, disk);
    bool ok = small_lake_open(&torture.lake, &torture.os.os, &error) &&
              (scenario->setup == NULL || scenario->setup(&torture, &error));
    CHECK_OK(ok, &error);
    end_process(&torture);
    return disk;
}

/* What the scenario leads from and to, and how many calls it makes. */
typedef struct Course {
    const TortureScenario *scenario;
    FakeOs *disk;
    char before[4096];
    char after[4096];
    long calls;
    long allocations;
    long all_allocations; /* with SQLite's */
    size_t orphans; /* runs that left files although the commit was acknowledged */
} Course;

static bool begin_run(Course *course, Torture *torture) {
    const TortureScenario *scenario = course->scenario;
    start_process(torture, fake_os_clone(course->disk));
    bool ok = (scenario->opens || small_lake_open(&torture->lake, &torture->os.os, &error)) &&
              (scenario->begin == NULL || scenario->begin(torture, &error));
    CHECK_OK(ok, &error);
    return ok;
}

static long run_clean(Course *course, Way way) {
    Torture torture;
    if (begin_run(course, &torture)) {
        if (!course->scenario->opens) {
            snprintf(course->before, sizeof(course->before), "%s", describe(&torture));
        }
        arm(&torture, way, 0);
        CHECK_OK(course->scenario->run(&torture, &error), &error);
        disarm();
        snprintf(course->after, sizeof(course->after), "%s", describe(&torture));
        if (course->scenario->opens) {
            snprintf(course->before, sizeof(course->before), "%s", course->after);
        }
    }
    end_process(&torture);
    fake_os_free(torture.disk);
    return plan.calls;
}

static bool reopen(Torture *torture, uint64_t power_seed, bool power) {
    small_lake_close(&torture->lake);
    if (power) {
        fake_os_crash(torture->disk, power_seed);
    } else {
        fake_os_restart(torture->disk);
    }
    bool ok = small_lake_open(&torture->lake, &torture->os.os, &error);
    CHECK_OK(ok, &error);
    return ok;
}

/* Nothing but what was said; a process that died may have said nothing and done it. */
static void judge(Course *course, Torture *torture, bool done, bool unknown, const char *where) {
    const char *state = describe(torture);
    bool is_after = strcmp(state, course->after) == 0;
    bool is_before = strcmp(state, course->before) == 0;
    if (done ? is_after : is_before || (unknown && is_after)) return;
    printf("# %s: %s, but there is\n#   %s\n", where,
           done ? "it was acknowledged" : unknown ? "the outcome was not known" : "it had failed",
           state);
    tap_current_failures++;
}

/* Names taken away come back with the power: that is no loss, and syncing folders for it would
 * cost every commit. */
static void judge_files(Course *course, Torture *torture, Way way, bool done) {
    size_t orphans = 0;
    const char *first = NULL;
    if (!small_lake_orphans(&torture->lake, &torture->arena, &orphans, &first, &error)) {
        tap_fail(__FILE__, __LINE__, error.message);
    }
    bool changes = strcmp(course->before, course->after) != 0;
    bool may = course->scenario->leaves_files || way == WAY_POWER || (done && changes);
    if (orphans > 0 && may) course->orphans++;
    if (orphans > 0 && !may) {
        printf("# %zu files are left over: %s\n", orphans, first);
        tap_current_failures++;
    }
    CHECK_INT(small_lake_intents(&torture->lake), 0);
}

static void check_error(Way way, bool unknown) {
    bool memory = uses_memory(way);
    CHECK(error.code != TARN_OK && error.message[0] != '\0');
    if (memory && !unknown && error.code != TARN_E_OUT_OF_MEMORY) {
        printf("# out of memory became %s\n", tarn_base_error_name(error.code));
        tap_current_failures++;
    }
    if (way == WAY_FULL && !unknown && error.code != TARN_E_DISK_FULL) {
        printf("# a full disk became %s\n", tarn_base_error_name(error.code));
        tap_current_failures++;
    }
}

/* The n-th call fails. Returns false once n is beyond the last one. */
static bool run_faulty(Course *course, Way way, long n, uint64_t seed) {
    const TortureScenario *scenario = course->scenario;
    Torture torture;
    int failures = tap_current_failures;
    if (!begin_run(course, &torture)) return false;
    arm(&torture, way, n);
    bool done = scenario->run(&torture, &error);
    disarm();
    bool dies = way == WAY_KILL || way == WAY_POWER;
    bool unknown = !done && (error.outcome_unknown || dies);
    char message[2048];
    snprintf(message, sizeof(message), "%s: %s", tarn_base_error_name(error.code), error.message);
    if (!done) check_error(way, unknown || dies);
    if (dies) { /* it closes, too, without anything happening */
        arm(&torture, way, 1);
        small_lake_close(&torture.lake);
        disarm();
        plan.fired = true;
    }
    if (!dies && torture.lake.catalog != NULL && !scenario->opens) {
        judge(course, &torture, done, unknown, "in the same process");
    }
    if (reopen(&torture, seed, way == WAY_POWER)) {
        judge(course, &torture, done, unknown, "opened again");
        bool happened = strcmp(describe(&torture), course->after) == 0;
        judge_files(course, &torture, way, happened);
        if (!scenario->opens && (!happened || scenario->again)) {
            CHECK_OK(scenario->run(&torture, &error), &error);
            judge(course, &torture, true, false, "done again");
        }
    }
    if (tap_current_failures > failures) {
        printf("# %s: %s at %ld (%s), seed %llu: %s%s\n", scenario->name, way_names[way], n,
               plan.name, (unsigned long long)seed, done ? "done" : message,
               unknown ? " (unknown)" : "");
    }
    end_process(&torture);
    fake_os_free(torture.disk);
    return true;
}

/* ---- all of them ------------------------------------------------------------------------- */

static long runs_max; /* for each scenario and way; 0 = no limit */
static long runs;

static void run_way(Course *course, Way way) {
    long last = way == WAY_SQLITE    ? course->all_allocations
                : uses_memory(way) ? course->allocations
                                   : course->calls;
    long step = runs_max > 0 && last > runs_max ? (last + runs_max - 1) / runs_max : 1;
    int failures = tap_current_failures;
    for (long n = 1 + way % step; n <= last; n += step) {
        uint64_t seeds = way == WAY_POWER ? 2 : 1;
        for (uint64_t seed = 0; seed < seeds; seed++) {
            run_faulty(course, way, n, seed == 0 ? 0 : (uint64_t)n);
            runs++;
        }
        if (tap_current_failures > failures + 20) break; /* enough to look at */
    }
}

static const TortureScenario *current;

static void torture_one(void) {
    Course course = {.scenario = current, .disk = begin_disk(current)};
    long before = runs;
    course.calls = run_clean(&course, WAY_ONCE);
    course.allocations = run_clean(&course, WAY_MEMORY);
    course.all_allocations = run_clean(&course, WAY_SQLITE);
    CHECK(course.calls > 0 && course.allocations > 0);
    for (int way = 0; way < WAY_COUNT; way++) run_way(&course, (Way)way);
    printf("# %ld calls, %ld allocations (%ld with SQLite's), %ld runs, %zu left files\n",
           course.calls, course.allocations, course.all_allocations, runs - before, course.orphans);
    fake_os_free(course.disk);
}

/* What could not be tidied up is told to the log; here it is counted. */
static void discard_line(void *state, TarnLogLevel level, const char *line) {
    (void)state;
    (void)level;
    (void)line;
}

int main(int argc, char **argv) {
    const char *limit = getenv("TARN_TORTURE");
    TAP_START(argc, argv);
    tarn_base_log_sink(discard_line, NULL);
    runs_max = limit != NULL ? strtol(limit, NULL, 10) : TORTURE_RUNS;
    fault_alloc_register_sqlite();
    fake_vfs_register();
    fault_vfs_register();
    fault_vfs_use(decide, NULL);
    for (size_t i = 0; i < torture_catalog_count; i++) {
        current = &torture_catalog[i];
        tap_run(current->name, torture_one);
    }
    printf("# %ld runs\n", runs);
    return tap_end();
}
