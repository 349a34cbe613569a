/* Many writers in one thread, from one seed: the real catalog, table layer and SQLite on one
 * simulated disk, interleaved at every call by a scheduler.
 *
 *   sim [--seed S] [--seeds N] [--twice N] [--verbose]
 *
 * Each actor stands for a process with its own connection: it appends, deletes, overwrites,
 * commits over two tables, compacts, expires. Before each call of TarnOs and of SQLite's VFS the
 * scheduler takes over: another actor may go on, this one may be stopped for a while, killed, or
 * have its call fail or its answer lost; now and then the power goes, and everybody with it. A
 * killed actor's calls do nothing any more, so that its code unwinds without touching the world;
 * then it starts anew, as another process, with the same work: what was delivered is delivered
 * again. Work is recorded by its number in the swap's transaction, which makes it happen once.
 *
 * At the end: rows acknowledged are there once, rows of unknown outcome once or not at all, nothing
 * else is; commits over two tables are in both or none; snapshots form one line and all their files
 * are whole; no intent is left. The same seed gives the same log of events.
 */
#include <errno.h>
#include <time.h>
#include <ucontext.h>

#include "base/limits.h"
#include "base/log.h"
#include "fake_vfs.h"
#include "fault_vfs.h"
#include "small_lake.h"
#include "tap.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define FIBERS 1
#else
#define FIBERS 0
#endif

#define ACTORS 5
#define WORKS 40 /* of one seed */
#define STACK_BYTES ((size_t)1024 * 1024)
#define FIRST_PROCESS 1000
#define STEPS_MAX 400000 /* one seed takes some thousands */

/* ---- work, and what is known of it ------------------------------------------------------- */

typedef enum WorkState { WORK_OPEN, WORK_TAKEN, WORK_DONE } WorkState;

typedef struct Work {
    SmallKind kind; /* SMALL_SET stands for expiring */
    bool both;      /* the same in both tables */
    int table;
    int row;  /* added; rows are numbers of works */
    int gone; /* 0 = none */
    WorkState state;
    bool tried; /* at least once: it may be there */
} Work;

static const char *const table_names[] = {"a", "b"};

typedef struct Actor {
    FaultOs os; /* first: its hook's calls lead back here */
    int number;
    int64_t process_id;
    bool dead;
    bool finished;
    int asleep; /* steps that it is not chosen */
    SmallLake lake;
    ucontext_t context;
    char *stack;
    void *fake_stack; /* of the sanitizer */
} Actor;

static struct {
    uint64_t chance;
    uint64_t hash; /* of all events so far */
    FakeOs *disk;
    Actor actors[ACTORS];
    Actor *running;
    ucontext_t scheduler;
    void *scheduler_fake_stack;
    const void *scheduler_stack;
    size_t scheduler_stack_size;
    Work works[WORKS];
    int64_t next_process;
    long steps;
    long kills;
    long cuts;
    long commits;
    long conflicts;
    bool verbose;
    bool quiet; /* no more trouble: let everyone finish */
    bool stuck;
} sim;

static uint64_t draw(void) {
    uint64_t z = (sim.chance += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool one_in(uint64_t n) { return draw() % n == 0; }

/* FNV-1a over who, what and how it went. */
static void record(int who, const char *what, int how) {
    if (sim.verbose) printf("# %d %s %d\n", who, what, how);
    sim.hash = (sim.hash ^ (uint64_t)(who * 16 + how)) * 0x100000001B3u;
    for (const char *c = what; *c != '\0'; c++) {
        sim.hash = (sim.hash ^ (unsigned char)*c) * 0x100000001B3u;
    }
}

/* ---- switching --------------------------------------------------------------------------- */

static void enter_actor(Actor *actor) {
    sim.running = actor;
    fault_vfs_use(actor->os.hook, actor);
#if FIBERS
    __sanitizer_start_switch_fiber(&sim.scheduler_fake_stack, actor->stack, STACK_BYTES);
#endif
    swapcontext(&sim.scheduler, &actor->context);
#if FIBERS
    __sanitizer_finish_switch_fiber(sim.scheduler_fake_stack, NULL, NULL);
#endif
    sim.running = NULL;
}

static void leave_actor(Actor *actor, bool for_ever) {
#if FIBERS
    __sanitizer_start_switch_fiber(for_ever ? NULL : &actor->fake_stack, sim.scheduler_stack,
                                   sim.scheduler_stack_size);
#endif
    if (for_ever) {
        setcontext(&sim.scheduler);
    } else {
        swapcontext(&actor->context, &sim.scheduler);
    }
#if FIBERS
    __sanitizer_finish_switch_fiber(actor->fake_stack, &sim.scheduler_stack,
                                    &sim.scheduler_stack_size);
#endif
}

/* Asked before each call of an actor. */
static FaultVerdict before_call(void *state, const char *name) {
    Actor *actor = state;
    if (actor->dead) return FAULT_REFUSE;
    /* Recovering the log takes thousands of these: nobody would live to see its end. */
    if (strcmp(name, "sqlite_read") == 0 && !one_in(32)) return FAULT_PASS;
    leave_actor(actor, false);
    if (actor->dead) return FAULT_REFUSE;
    FaultVerdict verdict = FAULT_PASS;
    if (!sim.quiet && one_in(900)) verdict = FAULT_REFUSE;
    if (!sim.quiet && verdict == FAULT_PASS && one_in(900)) verdict = FAULT_LOSE_ANSWER;
    record(actor->number, name, (int)verdict);
    return verdict;
}

static int64_t actor_process_id(const TarnOs *os) { return ((const Actor *)os->state)->process_id; }

static int64_t actor_process_started(const TarnOs *os, int64_t process_id) {
    (void)os;
    for (int i = 0; i < ACTORS; i++) {
        const Actor *actor = &sim.actors[i];
        if (actor->process_id == process_id && !actor->dead) return 7;
    }
    return 0;
}

static uint32_t one_processor(const TarnOs *os) {
    (void)os;
    return 1;
}

/* ---- an actor's life --------------------------------------------------------------------- */

typedef struct Mark {
    int work;
} Mark;

/* In the swap's transaction: the work is done, and cannot be done again. */
static bool mark_done(void *state, TarnDb *db, TarnError *error) {
    const Mark *mark = state;
    return tarn_db_execute(db, "insert into sim_done (work) values ($1)",
                           TARN_DB_VALUES(tarn_db_int64(mark->work)), NULL, error);
}

static bool is_done(Actor *actor, int work, bool *done, TarnError *error) {
    int64_t one;
    return tarn_db_query_int64(actor->lake.db, "select 1 from sim_done where work = $1",
                               TARN_DB_VALUES(tarn_db_int64(work)), &one, done, error);
}

static bool do_work(Actor *actor, int number, TarnError *error) {
    Work *work = &sim.works[number];
    Mark mark = {number};
    SmallPart parts[2];
    bool done = false;
    if (!is_done(actor, number, &done, error)) return false;
    if (done) return true;
    work->tried = true;
    if (work->kind == SMALL_SET) {
        return small_lake_expire(&actor->lake, table_names[work->table], error);
    }
    for (int i = 0; i < 2; i++) {
        parts[i] = (SmallPart){.kind = work->kind,
                               .table = table_names[work->both ? i : work->table],
                               .rows = &work->row,
                               .row_count = work->row != 0,
                               .gone = &work->gone,
                               .gone_count = work->gone != 0};
    }
    return small_lake_commit(&actor->lake, parts, work->both ? 2 : 1, mark_done, &mark, error);
}

/* What can be worked on: a row is removed only once it is sure to be there. */
static int take_work(void) {
    int open = 0;
    for (int number = 1; number < WORKS; number++) open += sim.works[number].state == WORK_OPEN;
    for (int tries = 0; open > 0 && tries < 200; tries++) {
        int number = 1 + (int)(draw() % (WORKS - 1));
        Work *work = &sim.works[number];
        bool again = work->state == WORK_DONE && one_in(30); /* delivered twice */
        if (work->gone != 0 && sim.works[work->gone].state != WORK_DONE) continue;
        if (work->state != WORK_OPEN && !again) continue;
        work->state = WORK_TAKEN;
        return number;
    }
    for (int number = 1; number < WORKS; number++) {
        if (sim.works[number].state == WORK_TAKEN) return 0; /* others are at the last ones */
    }
    return -1;
}

static void end_process(Actor *actor) {
    small_lake_close(&actor->lake);
    actor->dead = false;
    actor->process_id = sim.next_process++;
}

static void live(Actor *actor) {
    TarnError error;
    int held = 0; /* the work it took, until it is done */
    tarn_base_error_clear(&error);
    for (;;) {
        actor->lake.keeps_intents = actor->number % 2 == 0;
        bool open = small_lake_open(&actor->lake, &actor->os.os, &error);
        while (open && !actor->dead) {
            if (held == 0) held = take_work();
            if (held <= 0) break;
            bool ok = do_work(actor, held, &error);
            record(actor->number, ok ? "work done" : tarn_base_error_name(error.code), held);
            sim.commits += ok;
            sim.conflicts += !ok && error.code == TARN_E_COMMIT_CONFLICT;
            if (ok) {
                sim.works[held].state = WORK_DONE;
                held = 0;
            }
            if (!ok && one_in(4)) break; /* the process gives up; the next one takes over */
        }
        end_process(actor);
        if (held < 0) return;
        if (held == 0 && !sim.quiet && open) leave_actor(actor, false);
    }
}

static void actor_main(unsigned high, unsigned low) {
    Actor *actor = &sim.actors[low];
    (void)high;
#if FIBERS
    __sanitizer_finish_switch_fiber(NULL, &sim.scheduler_stack, &sim.scheduler_stack_size);
#endif
    live(actor);
    actor->finished = true;
    leave_actor(actor, true);
}

/* ---- the scheduler ----------------------------------------------------------------------- */

static void kill_actor(Actor *actor) {
    record(actor->number, "killed", 0);
    sim.kills++;
    actor->dead = true;
    actor->asleep = 0;
    enter_actor(actor); /* unwinds, and starts anew up to its first call */
}

/* Everyone dies before the disk forgets: what unwinds must find nothing to do. */
static void cut_power(void) {
    record(0, "power cut", 0);
    sim.cuts++;
    for (int i = 0; i < ACTORS; i++) {
        Actor *actor = &sim.actors[i];
        if (!actor->finished) actor->dead = true;
    }
    for (int i = 0; i < ACTORS; i++) {
        if (sim.actors[i].dead) enter_actor(&sim.actors[i]);
    }
    fake_os_crash(sim.disk, one_in(3) ? 0 : draw());
}

static Actor *choose_actor(void) {
    int live_count = 0;
    for (int i = 0; i < ACTORS; i++) live_count += !sim.actors[i].finished;
    if (live_count == 0) return NULL;
    for (;;) {
        Actor *actor = &sim.actors[draw() % ACTORS];
        if (actor->finished) continue;
        if (actor->asleep > 0 && !sim.quiet) {
            actor->asleep--;
            continue;
        }
        return actor;
    }
}

static void schedule(void) {
    for (;;) {
        Actor *actor = choose_actor();
        if (actor == NULL) return;
        if (++sim.steps > STEPS_MAX) sim.quiet = sim.stuck = true;
        if (sim.steps > 2 * STEPS_MAX) return;
        if (!sim.quiet && one_in(40)) actor->asleep = (int)(draw() % 120);
        if (!sim.quiet && one_in(1200)) {
            kill_actor(actor);
        } else if (!sim.quiet && one_in(6000)) {
            cut_power();
        } else {
            enter_actor(actor);
        }
    }
}

/* ---- beginning and end ------------------------------------------------------------------- */

static void make_works(void) {
    for (int i = 1; i < WORKS; i++) {
        Work *work = &sim.works[i];
        uint64_t what = draw() % 20;
        *work = (Work){.kind = SMALL_APPEND, .table = (int)(draw() % 2), .row = i};
        int victim = 1 + (int)(draw() % (uint64_t)i);
        const Work *target = &sim.works[victim];
        bool removable = victim < i && target->row != 0 && !target->both;
        for (int k = 1; k < i; k++) removable &= sim.works[k].gone != victim;
        if (what >= 17) {
            work->both = true;
        } else if (what >= 11 && removable) {
            work->kind = what % 2 == 0 ? SMALL_DELETE : SMALL_OVERWRITE;
            work->table = target->table;
            work->gone = victim;
            if (work->kind == SMALL_DELETE) work->row = 0;
        } else if (what == 9 || what == 10) {
            work->kind = what == 9 ? SMALL_COMPACT : SMALL_SET;
            work->row = 0;
        }
    }
}

static bool begin_lake(void) {
    SmallLake lake = {0};
    TarnError error;
    TarnProperty merge = {"commit.manifest.min-count-to-merge", "4"};
    fault_vfs_use(NULL, NULL);
    bool ok = small_lake_open(&lake, fake_os(sim.disk), &error) &&
              small_lake_create(&lake, "a", &merge, 1, &error) &&
              small_lake_create(&lake, "b", NULL, 0, &error) &&
              tarn_db_script(lake.db, "create table sim_done (work bigint primary key)", &error);
    CHECK_OK(ok, &error);
    small_lake_close(&lake);
    return ok;
}

static void begin_actor(int number) {
    Actor *actor = &sim.actors[number];
    *actor = (Actor){.number = number, .process_id = sim.next_process++};
    fault_os_init(&actor->os, fake_os(sim.disk), 0, FAULT_OS_BEFORE, EIO);
    actor->os.hook = before_call;
    actor->os.hook_state = actor;
    actor->os.os.process_id = actor_process_id;
    actor->os.os.process_started = actor_process_started;
    actor->os.os.processors = one_processor;
    actor->stack = malloc(STACK_BYTES);
    if (actor->stack == NULL) abort();
    getcontext(&actor->context);
    actor->context.uc_stack.ss_sp = actor->stack;
    actor->context.uc_stack.ss_size = STACK_BYTES;
    /* makecontext() takes functions without a prototype; C17 wants it said so. */
    makecontext(&actor->context, (void (*)(void))actor_main, 2, 0u, (unsigned)number);
}

static int count_row(const char *line, const char *table, int row) {
    char head[16];
    int count = 0;
    snprintf(head, sizeof(head), "%s k=:", table);
    const char *at = strstr(line, head);
    const char *end = at != NULL ? strchr(at, ';') : NULL;
    if (end == NULL) return -1;
    at += strlen(head);
    while (at < end) {
        char *next = NULL;
        long number = strtol(at, &next, 10);
        if (next == at) break;
        count += number == row;
        at = next;
    }
    return count;
}

/* Every work is done by now, so every row's place is certain. */
static void judge_rows(const char *text) {
    for (int i = 1; i < WORKS; i++) {
        const Work *work = &sim.works[i];
        bool removed = false;
        for (int k = 1; k < WORKS; k++) removed |= sim.works[k].gone == i;
        CHECK_INT(work->state, WORK_DONE);
        for (int t = 0; t < 2; t++) {
            int wanted = work->row != 0 && (work->both || work->table == t) && !removed;
            int there = count_row(text, table_names[t], i);
            if (there == wanted) continue;
            printf("# row %d is %d times in %s, expected %d\n", i, there, table_names[t], wanted);
            tap_current_failures++;
        }
    }
}

static void judge(void) {
    SmallLake lake = {0};
    TarnError error;
    TarnArena arena;
    const char *text = NULL;
    const char *first = NULL;
    size_t orphans = 0;
    int64_t problems = 0;
    bool found = false;
    fault_vfs_use(NULL, NULL);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    bool ok = small_lake_open(&lake, fake_os(sim.disk), &error) &&
              small_lake_describe(&lake, &arena, &text, &error) &&
              small_lake_orphans(&lake, &arena, &orphans, &first, &error) &&
              tarn_db_query_int64(lake.db, "select count(*) from pragma_integrity_check where"
                                           " integrity_check <> 'ok'",
                                  NULL, 0, &problems, &found, &error);
    CHECK_OK(ok, &error);
    if (ok) judge_rows(text);
    CHECK_INT(problems, 0);
    CHECK_INT(small_lake_intents(&lake), 0);
    CHECK(!sim.stuck);
    small_lake_close(&lake);
    tarn_base_arena_dispose(&arena);
}

static uint64_t run_seed(uint64_t seed) {
    FakeOsOptions options = {.seed = seed};
    sim.chance = seed * 2 + 1;
    sim.hash = 0xCBF29CE484222325u;
    sim.disk = fake_os_new(&options);
    sim.next_process = FIRST_PROCESS;
    sim.steps = 0;
    sim.quiet = sim.stuck = false;
    fake_vfs_mount(sim.disk);
    make_works();
    if (begin_lake()) {
        for (int i = 0; i < ACTORS; i++) begin_actor(i);
        schedule();
        judge();
        for (int i = 0; i < ACTORS; i++) free(sim.actors[i].stack);
    }
    CHECK_INT(fake_os_counts(sim.disk).open_files, 0);
    fake_os_free(sim.disk);
    return sim.hash;
}

/* ---- many seeds -------------------------------------------------------------------------- */

static struct {
    uint64_t first;
    long seeds;
    long twice;
} options = {1, 20, 3};

static void nothing_is_lost_or_doubled(void) {
    struct timespec begin;
    struct timespec end;
    long steps = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < options.seeds && tap_current_failures == 0; i++) {
        run_seed(options.first + (uint64_t)i);
        steps += sim.steps;
        if (tap_current_failures > 0) {
            printf("# seed %llu\n", (unsigned long long)options.first + (unsigned long long)i);
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) +
                     (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("# %ld seeds from %llu, %ld steps, %ld works done, %ld conflicts, %ld kills, "
           "%ld power cuts, %.1f seeds/s\n",
           options.seeds, (unsigned long long)options.first, steps, sim.commits, sim.conflicts,
           sim.kills, sim.cuts, (double)options.seeds / seconds);
    CHECK(sim.kills > 0 && sim.commits > 0);
}

static void the_same_seed_gives_the_same_events(void) {
    for (long i = 0; i < options.twice; i++) {
        uint64_t seed = options.first + (uint64_t)i;
        uint64_t once = run_seed(seed);
        uint64_t again = run_seed(seed);
        CHECK(once == again);
        if (i > 0) CHECK(once != run_seed(seed - 1));
    }
}

static void discard_line(void *state, TarnLogLevel level, const char *line) {
    (void)state;
    (void)level;
    (void)line;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        long value = i + 1 < argc ? strtol(argv[i + 1], NULL, 10) : 0;
        if (strcmp(argv[i], "--seed") == 0) options.first = (uint64_t)value;
        if (strcmp(argv[i], "--seeds") == 0) options.seeds = value;
        if (strcmp(argv[i], "--twice") == 0) options.twice = value;
        if (strcmp(argv[i], "--verbose") == 0) sim.verbose = true;
    }
    tarn_base_log_sink(discard_line, NULL);
    fake_vfs_register();
    fault_vfs_register();
    TAP_TEST(nothing_is_lost_or_doubled);
    TAP_TEST(the_same_seed_gives_the_same_events);
    return tap_end();
}
