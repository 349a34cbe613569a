/* The folder store on the real disk. */
#include <errno.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/limits.h"
#include "scratch.h"
#include "store/store.h"
#include "tap.h"

static Scratch scratch;
static TarnStore *store; /* on <scratch>/lake */
static TarnArena arena;

static const char *at(const char *name) {
    char path[512];
    snprintf(path, sizeof(path), "lake/%s", name);
    return tarn_base_arena_string(&arena, scratch_at(&scratch, path));
}

static bool put_text(const char *location, const char *content, TarnStorePut how,
                     TarnError *error) {
    return tarn_store_put(store, location, tarn_base_text(content), how, NULL, error);
}

static const char *get_text(const char *location) {
    TarnText content;
    if (!tarn_store_get(store, location, TARN_STORE_WHOLE, 1000, &arena, &content, NULL, NULL)) {
        return NULL;
    }
    return content.data;
}

static void put_and_get(void) {
    TarnError error;
    TarnText content;
    TarnStoreObject object;
    const char *x = at("t/metadata/x.json");
    CHECK_OK(put_text(x, "0123456789", TARN_STORE_IF_ABSENT, &error), &error);
    REQUIRE_OK(tarn_store_get(store, x, TARN_STORE_WHOLE, 10, &arena, &content, &object, &error),
               &error);
    CHECK_STRING(content.data, "0123456789");
    CHECK(object.exists && object.size == 10 && object.location == x);
    CHECK(object.etag[0] != '\0' && object.mtime_us > 0);
    CHECK(!put_text(x, "other", TARN_STORE_IF_ABSENT, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK_STRING(get_text(x), "0123456789");
    TarnStoreObject later;
    CHECK_OK(put_text(x, "other", TARN_STORE_REPLACE, &error), &error);
    CHECK_OK(tarn_store_stat(store, x, &later, &error), &error);
    CHECK_STRING(get_text(x), "other");
    CHECK_INT(later.size, 5);
    CHECK(strcmp(later.etag, object.etag) != 0);
    const char *url = tarn_base_arena_printf(&arena, "file://%s", x);
    CHECK_STRING(get_text(url), "other");
    CHECK_OK(put_text(at("empty"), "", TARN_STORE_IF_ABSENT, &error), &error);
    CHECK_STRING(get_text(at("empty")), "");
}

static void ranges(void) {
    static const struct {
        int64_t offset;
        uint64_t size;
        const char *want;
    } cases[] = {
        {0, UINT64_MAX, "0123456789"}, {0, 0, ""},
        {3, 4, "3456"},                {9, 5, "9"},
        {10, 5, ""},                   {11, 5, ""},
        {INT64_MAX, UINT64_MAX, ""},   {-4, UINT64_MAX, "6789"},
        {-4, 2, "67"},                 {-10, UINT64_MAX, "0123456789"},
        {-11, UINT64_MAX, "0123456789"}, {INT64_MIN, 1, "0"},
    };
    TarnError error;
    TarnText content;
    CHECK_OK(put_text(at("range"), "0123456789", TARN_STORE_IF_ABSENT, &error), &error);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnStoreRange range = {cases[i].offset, cases[i].size};
        CHECK_OK(tarn_store_get(store, at("range"), range, 10, &arena, &content, NULL, &error),
                 &error);
        CHECK_STRING(content.data, cases[i].want);
        CHECK_INT(content.size, strlen(cases[i].want));
    }
    CHECK(!tarn_store_get(store, at("range"), TARN_STORE_WHOLE, 9, &arena, &content, NULL, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    TarnStoreRange tail = {-9, UINT64_MAX};
    CHECK_OK(tarn_store_get(store, at("range"), tail, 9, &arena, &content, NULL, &error), &error);
}

static void what_is_missing(void) {
    TarnError error;
    TarnText content;
    TarnStoreObject object;
    bool existed = true;
    CHECK(!tarn_store_get(store, at("no/such"), TARN_STORE_WHOLE, 10, &arena, &content, NULL,
                          &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(strstr(error.message, "no/such") != NULL);
    CHECK_OK(tarn_store_stat(store, at("no/such"), &object, &error), &error);
    CHECK(!object.exists);
    CHECK_OK(tarn_store_delete(store, at("no/such"), &existed, &error), &error);
    CHECK(!existed);
    CHECK_OK(put_text(at("gone"), "x", TARN_STORE_IF_ABSENT, &error), &error);
    CHECK_OK(tarn_store_delete(store, at("gone"), &existed, &error), &error);
    CHECK(existed);
    CHECK_STRING(get_text(at("gone")), NULL);
    /* a folder is no object */
    CHECK_OK(tarn_store_prepare_directory(store, at("folder/deep"), &error), &error);
    CHECK_OK(tarn_store_stat(store, at("folder"), &object, &error), &error);
    CHECK(!object.exists);
    CHECK(!tarn_store_delete(store, at("folder"), &existed, &error));
    CHECK(!put_text(at("folder"), "x", TARN_STORE_IF_ABSENT, &error));
    CHECK(!put_text(at("folder"), "x", TARN_STORE_REPLACE, &error));
    CHECK_STRING(get_text(at("folder")), NULL);
}

static void nothing_outside_the_root(void) {
    static const char *const places[] = {"/etc/passwd", "file:///etc/passwd", "etc", "gs://b/k"};
    TarnError error;
    TarnText content;
    TarnStoreObject object;
    const char *path;
    const char *beside = scratch_at(&scratch, "lake-beside/x");
    for (size_t i = 0; i < 5; i++) {
        const char *place = i < 4 ? places[i] : beside;
        TarnErrorCode code = i < 2 || i == 4 ? TARN_E_LOCATION_REFUSED : TARN_E_LOCATION_INVALID;
        CHECK(!tarn_store_get(store, place, TARN_STORE_WHOLE, 9, &arena, &content, NULL, &error));
        CHECK_INT(error.code, code);
        CHECK(!tarn_store_stat(store, place, &object, &error));
        CHECK(!put_text(place, "x", TARN_STORE_IF_ABSENT, &error));
        CHECK(!tarn_store_put_file(store, place, "/dev/null", TARN_STORE_REPLACE, NULL, &error));
        CHECK_INT(error.code, code);
        CHECK(!tarn_store_delete(store, place, NULL, &error));
        CHECK(!tarn_store_list(store, place, NULL, NULL, &error));
        CHECK(!tarn_store_contains(store, place, &error));
        CHECK(!tarn_store_local_path(store, place, &path, &error));
        CHECK(!tarn_store_prepare_directory(store, place, &error));
        TarnStoreBatch batch;
        tarn_store_batch_init(&batch, store);
        CHECK(!tarn_store_batch_add(&batch, place, &error));
        CHECK_INT(error.code, code);
        tarn_store_batch_dispose(&batch);
    }
    CHECK(!put_text(at("../beside"), "x", TARN_STORE_IF_ABSENT, &error));
    CHECK_INT(error.code, TARN_E_LOCATION_INVALID);
}

static void links_out_of_the_root_are_seen(void) {
    TarnError error;
    scratch_write(scratch_at(&scratch, "outside"), "secret");
    CHECK_OK(put_text(at("real/x"), "x", TARN_STORE_IF_ABSENT, &error), &error);
    REQUIRE(symlink(scratch_at(&scratch, "outside"), at("link-out")) == 0);
    REQUIRE(symlink(scratch.path, at("folder-out")) == 0);
    REQUIRE(symlink("real", at("link-in")) == 0);
    REQUIRE(symlink("/nowhere/at/all", at("link-dangling")) == 0);
    CHECK_OK(tarn_store_contains(store, at("real/x"), &error), &error);
    CHECK_OK(tarn_store_contains(store, at("real/not-yet/y"), &error), &error);
    CHECK_OK(tarn_store_contains(store, at("link-in/x"), &error), &error);
    CHECK(!tarn_store_contains(store, at("link-out"), &error));
    CHECK_INT(error.code, TARN_E_LOCATION_REFUSED);
    CHECK(!tarn_store_contains(store, at("folder-out/outside"), &error));
    CHECK_INT(error.code, TARN_E_LOCATION_REFUSED);
    CHECK(!tarn_store_contains(store, at("folder-out/not-yet/y"), &error));
    CHECK(!tarn_store_contains(store, at("link-dangling"), &error));
    /* writing never goes through a link */
    CHECK(!put_text(at("link-out"), "x", TARN_STORE_IF_ABSENT, &error));
    CHECK_OK(put_text(at("link-out"), "mine", TARN_STORE_REPLACE, &error), &error);
    CHECK_STRING(get_text(at("link-out")), "mine");
    FILE *file = fopen(scratch_at(&scratch, "outside"), "r");
    char content[16] = {0};
    CHECK(file != NULL && fread(content, 1, 15, file) == 6);
    CHECK_STRING(content, "secret");
    if (file != NULL) fclose(file);
}

static void the_engine_gets_the_path_and_no_globs(void) {
    TarnError error;
    const char *path;
    CHECK_OK(tarn_store_local_path(store, at("a b/x.parquet"), &path, &error), &error);
    CHECK_STRING(path, at("a b/x.parquet"));
    const char *url = tarn_base_arena_printf(&arena, "file:%s", at("x%20y"));
    CHECK_OK(tarn_store_local_path(store, url, &path, &error), &error);
    CHECK(path == url + 5);
    static const char *const globs[] = {"*.parquet", "x?", "x[a-z]", "**/x"};
    for (size_t i = 0; i < 4; i++) {
        CHECK(!tarn_store_local_path(store, at(globs[i]), &path, &error));
        CHECK_INT(error.code, TARN_E_LOCATION_REFUSED);
    }
}

static void a_local_file_is_copied(void) {
    TarnError error;
    const char *source = scratch_at(&scratch, "source");
    FILE *file = fopen(source, "wb");
    REQUIRE(file != NULL);
    for (int i = 0; i < 700000; i++) fprintf(file, "%d\n", i);
    fclose(file);
    CHECK_OK(tarn_store_put_file(store, at("copy"), source, TARN_STORE_IF_ABSENT, NULL, &error),
             &error);
    CHECK(!tarn_store_put_file(store, at("copy"), source, TARN_STORE_IF_ABSENT, NULL, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
    CHECK_OK(tarn_store_put_file(store, at("copy"), source, TARN_STORE_REPLACE, NULL, &error),
             &error);
    TarnText a;
    TarnText b;
    CHECK_OK(tarn_store_get(store, at("copy"), TARN_STORE_WHOLE, 8 * TARN_MIB, &arena, &a, NULL,
                            &error), &error);
    CHECK_OK(tarn_os_file_read_all(tarn_os_posix(), source, 8 * TARN_MIB, &arena, &b, &error),
             &error);
    CHECK(a.size > 4 * TARN_MIB && tarn_base_text_equal(a, b));
    CHECK(!tarn_store_put_file(store, at("copy2"), scratch.path, TARN_STORE_REPLACE, NULL,
                               &error));
    CHECK(!tarn_store_put_file(store, at("copy2"), at("no"), TARN_STORE_REPLACE, NULL, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    tarn_os_interrupt();
    CHECK(!tarn_store_put_file(store, at("copy2"), source, TARN_STORE_REPLACE, NULL, &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    tarn_os_interrupt_clear();
    CHECK_STRING(get_text(at("copy2")), NULL);
}

typedef struct Seen {
    char text[4096];
    size_t skip; /* bytes of the root before each location */
    size_t stop_after;
    size_t count;
} Seen;

static bool note(void *state, const TarnStoreObject *object, TarnError *error) {
    Seen *seen = state;
    size_t size = strlen(seen->text);
    snprintf(seen->text + size, sizeof(seen->text) - size, "%s:%d ",
             object->location + seen->skip, (int)object->size);
    if (!object->exists || object->mtime_us <= 0) tap_fail(__FILE__, __LINE__, "not described");
    if (++seen->count == seen->stop_after) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "enough");
    }
    return true;
}

static void listing_is_in_byte_order_of_locations(void) {
    static const char *const names[] = {"l/b/2", "l/b/1",   "l/a", "l/b-x",
                                        "l/b.x", "l/c/d/e", "l/B"};
    TarnError error;
    for (size_t i = 0; i < 7; i++) {
        CHECK_OK(put_text(at(names[i]), "xy", TARN_STORE_IF_ABSENT, &error), &error);
    }
    CHECK_OK(tarn_store_prepare_directory(store, at("l/empty/folder"), &error), &error);
    REQUIRE(symlink("a", at("l/link")) == 0);
    REQUIRE(symlink(".", at("l/loop")) == 0);
    REQUIRE(mkfifo(at("l/pipe"), 0600) == 0);
    Seen seen = {.skip = strlen(at(""))};
    CHECK_OK(tarn_store_list(store, at("l"), note, &seen, &error), &error);
    CHECK_STRING(seen.text, "l/B:2 l/a:2 l/b-x:2 l/b.x:2 l/b/1:2 l/b/2:2 l/c/d/e:2 ");
    /* locations have the prefix's own form; a slash at its end makes no difference */
    const char *url = tarn_base_arena_printf(&arena, "file://%s/", at("l/b"));
    seen = (Seen){.skip = 0};
    CHECK_OK(tarn_store_list(store, url, note, &seen, &error), &error);
    const char *want = tarn_base_arena_printf(&arena, "%s1:2 %s2:2 ", url, url);
    CHECK_STRING(seen.text, want);
    seen = (Seen){.stop_after = 2};
    CHECK(!tarn_store_list(store, at("l"), note, &seen, &error));
    CHECK_STRING(error.message, "enough");
    CHECK_INT(seen.count, 2);
    seen = (Seen){0};
    CHECK_OK(tarn_store_list(store, at("l/none"), note, &seen, &error), &error);
    CHECK_OK(tarn_store_list(store, at("l/a"), note, &seen, &error), &error);
    CHECK_INT(seen.count, 0);
    tarn_os_interrupt();
    CHECK(!tarn_store_list(store, at("l"), note, &seen, &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    tarn_os_interrupt_clear();
}

/* "deep" and `levels` folders below it. */
static const char *deep_path(int levels, const char *name) {
    TarnBuffer path;
    tarn_base_buffer_init(&path, 4096);
    tarn_base_buffer_string(&path, "deep");
    for (int i = 0; i < levels; i++) tarn_base_buffer_string(&path, "/d");
    tarn_base_buffer_printf(&path, "/%s", name);
    const char *result = at(path.data);
    tarn_base_buffer_dispose(&path);
    return result;
}

static void listing_bounds_its_depth(void) {
    TarnError error;
    Seen seen = {0};
    const char *just = deep_path(TARN_LIMIT_NESTING - 1, "x");
    const char *beyond = deep_path(TARN_LIMIT_NESTING, "x");
    CHECK_OK(put_text(just, "x", TARN_STORE_IF_ABSENT, &error), &error);
    CHECK_OK(tarn_store_list(store, at("deep"), note, &seen, &error), &error);
    CHECK_INT(seen.count, 1);
    CHECK_OK(put_text(beyond, "x", TARN_STORE_IF_ABSENT, &error), &error);
    CHECK(!tarn_store_list(store, at("deep"), note, &seen, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
}

typedef struct Race {
    const char *location;
    pthread_barrier_t barrier;
    bool won[8];
} Race;

static bool race(void *state, size_t index, TarnError *error) {
    Race *shared = state;
    char content[2] = {(char)('0' + (int)index), '\0'};
    pthread_barrier_wait(&shared->barrier);
    shared->won[index] = put_text(shared->location, content, TARN_STORE_IF_ABSENT, error);
    return shared->won[index] || error->code == TARN_E_OBJECT_EXISTS;
}

static void one_of_eight_threads_wins(void) {
    TarnError error;
    for (int round = 0; round < 25; round++) {
        char name[32];
        snprintf(name, sizeof(name), "race%d/x", round); /* the folder is raced for as well */
        Race shared = {.location = at(name)};
        pthread_barrier_init(&shared.barrier, NULL, 8);
        CHECK_OK(tarn_os_parallel(8, 8, race, &shared, &error), &error);
        pthread_barrier_destroy(&shared.barrier);
        int wins = 0;
        const char *content = get_text(shared.location);
        REQUIRE(content != NULL);
        for (int i = 0; i < 8; i++) {
            wins += shared.won[i];
            if (shared.won[i]) CHECK_INT(content[0], '0' + i);
        }
        CHECK_INT(wins, 1);
    }
}

static void the_probe_proves_and_leaves_nothing(void) {
    TarnError error;
    CHECK_OK(tarn_store_probe(store, &error), &error);
    Seen seen = {.skip = strlen(at(""))};
    CHECK_OK(tarn_store_list(store, at(""), note, &seen, &error), &error);
    CHECK(strstr(seen.text, ".tarn-probe") == NULL);
}

static void opening(void) {
    TarnError error;
    TarnStore *other;
    CHECK(!tarn_store_open(tarn_os_posix(), at("none"), NULL, &other, &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    CHECK(!tarn_store_open(tarn_os_posix(), "gs://bucket/lake", NULL, &other, &error));
    CHECK_INT(error.code, TARN_E_LOCATION_INVALID);
    CHECK(other == NULL);
    CHECK(!tarn_store_open(tarn_os_posix(), at("t/metadata/x.json"), NULL, &other, &error));
    TarnStoreOptions create = {.create_root = true};
    const char *url = tarn_base_arena_printf(&arena, "file://%s//", at("made/new"));
    REQUIRE_OK(tarn_store_open(tarn_os_posix(), url, &create, &other, &error), &error);
    CHECK_STRING(other->root, tarn_base_arena_printf(&arena, "file://%s", at("made/new")));
    CHECK_STRING(other->class->name, "folder");
    CHECK_OK(tarn_store_put(other, at("made/new/x"), TARN_TEXT("x"), TARN_STORE_IF_ABSENT, NULL,
                            &error), &error);
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    CHECK(!tarn_store_put(other, at("made/new/y"), TARN_TEXT("x"), TARN_STORE_IF_ABSENT, &batch,
                          &error));
    CHECK_INT(error.code, TARN_E_INTERNAL);
    tarn_store_batch_dispose(&batch);
    tarn_store_close(other);
    tarn_store_close(NULL);
}

static size_t count_names(const char *prefix) {
    Seen seen = {0};
    TarnError error;
    CHECK_OK(tarn_store_list(store, prefix, note, &seen, &error), &error);
    return seen.count;
}

static void fault_points_leave_nothing(void) {
    static const char *const plans[] = {"store.put.after_write=error",
                                        "store.put.before_link=error"};
    TarnError error;
    for (size_t i = 0; i < 2; i++) {
        for (int how = 0; how < 2; how++) {
            tarn_base_fault_init(plans[i]);
            CHECK(!put_text(at("faulty/x"), "x", how == 0 ? TARN_STORE_IF_ABSENT
                                                          : TARN_STORE_REPLACE, &error));
            tarn_base_fault_init(NULL);
            CHECK_INT(error.code, TARN_E_FAULT_INJECTED);
            CHECK_INT(count_names(at("faulty")), 0);
        }
    }
}

/* A killed writer leaves no half object under the name; what it may leave has a draft's name. */
static void a_killed_writer_leaves_no_half_object(void) {
    for (int how = 0; how < 2; how++) {
        pid_t child = fork();
        if (child == 0) {
            TarnError error;
            tarn_base_fault_init("store.put.before_link=kill");
            bool ok = put_text(at("killed/x"), "x", how == 0 ? TARN_STORE_IF_ABSENT
                                                             : TARN_STORE_REPLACE, &error);
            _exit(ok ? 0 : 1);
        }
        int status;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        CHECK_STRING(get_text(at("killed/x")), NULL);
        Seen seen = {0};
        TarnError error;
        CHECK_OK(tarn_store_list(store, at("killed"), note, &seen, &error), &error);
        CHECK(seen.count <= 1);
        if (seen.count == 1) CHECK(strstr(seen.text, TARN_OS_DRAFT_PREFIX) != NULL);
    }
}

static bool fill_small_disk(const char *root, TarnError *error) {
    TarnStore *small;
    if (!tarn_store_open(tarn_os_posix(), root, NULL, &small, error)) return false;
    size_t size = 2 * TARN_MIB;
    char *data = tarn_base_arena_alloc(&arena, size);
    const char *big = tarn_base_arena_printf(&arena, "%s/t/big", root);
    const char *fits = tarn_base_arena_printf(&arena, "%s/t/fits", root);
    for (int how = 0; how < 2; how++) {
        TarnStorePut put = how == 0 ? TARN_STORE_IF_ABSENT : TARN_STORE_REPLACE;
        CHECK(!tarn_store_put(small, big, (TarnText){data, size}, put, NULL, error));
        CHECK_INT(error->code, TARN_E_DISK_FULL);
        CHECK(strstr(error->message, big) != NULL && error->hint[0] != '\0');
        Seen seen = {0};
        CHECK_OK(tarn_store_list(small, root, note, &seen, error), error);
        CHECK_INT(seen.count, 0);
        CHECK_OK(tarn_store_put(small, fits, (TarnText){data, size / 4}, put, NULL, error),
                 error); /* no repair was needed */
        CHECK_OK(tarn_store_delete(small, fits, NULL, error), error);
    }
    tarn_store_close(small);
    return true;
}

static void a_full_disk_is_told_and_needs_no_repair(void) {
    TarnError error;
    const char *root = tarn_base_arena_string(&arena, scratch_at(&scratch, "small"));
    REQUIRE(mkdir(root, 0700) == 0);
    if (mount("tmpfs", root, "tmpfs", 0, "size=1m") != 0) {
        TAP_SKIP("a small file system cannot be mounted without being root");
    }
    bool ok = fill_small_disk(root, &error);
    umount(root);
    CHECK_OK(ok, &error);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TarnError error;
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    TarnStoreOptions options = {.create_root = true};
    if (!tarn_store_open(tarn_os_posix(), scratch_at(&scratch, "lake"), &options, &store, &error)) {
        printf("Bail out! %s\n", error.message);
        return 1;
    }
    TAP_TEST(put_and_get);
    TAP_TEST(ranges);
    TAP_TEST(what_is_missing);
    TAP_TEST(nothing_outside_the_root);
    TAP_TEST(links_out_of_the_root_are_seen);
    TAP_TEST(the_engine_gets_the_path_and_no_globs);
    TAP_TEST(a_local_file_is_copied);
    TAP_TEST(listing_is_in_byte_order_of_locations);
    TAP_TEST(one_of_eight_threads_wins);
    TAP_TEST(the_probe_proves_and_leaves_nothing);
    TAP_TEST(opening);
    TAP_TEST(fault_points_leave_nothing);
    TAP_TEST(a_killed_writer_leaves_no_half_object);
    TAP_TEST(a_full_disk_is_told_and_needs_no_repair);
    TAP_TEST(listing_bounds_its_depth);
    tarn_store_close(store);
    tarn_base_arena_dispose(&arena);
    scratch_remove(&scratch);
    return tap_end();
}
