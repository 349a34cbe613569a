/* What every store promises, held against each: a folder, a fake S3 in memory, and a real S3 server
 * if there is one. For that: TARN_TEST_S3=http://host:port, TARN_TEST_S3_ROOT=s3://bucket/prefix
 * and keys in the environment; `tests/peers/s3.sh env` prints all of it. */
#include <pthread.h>

#include "base/limits.h"
#include "fake_s3.h"
#include "scratch.h"
#include "store/s3.h"
#include "tap.h"

static Scratch scratch;
static TarnStore *store;
static TarnArena arena;

static const char *at(const char *name) {
    return tarn_base_arena_printf(&arena, "%s/%s", store->root, name);
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
    TarnStoreObject later;
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
    CHECK_OK(put_text(x, "other", TARN_STORE_REPLACE, &error), &error);
    CHECK_OK(tarn_store_stat(store, x, &later, &error), &error);
    CHECK_STRING(get_text(x), "other");
    CHECK_INT(later.size, 5);
    CHECK(later.exists && strcmp(later.etag, object.etag) != 0);
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
        {0, 10, "0123456789"},         {0, 11, "0123456789"},
    };
    TarnError error;
    TarnText content;
    TarnStoreObject object;
    CHECK_OK(put_text(at("range"), "0123456789", TARN_STORE_IF_ABSENT, &error), &error);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnStoreRange range = {cases[i].offset, cases[i].size};
        CHECK_OK(tarn_store_get(store, at("range"), range, 10, &arena, &content, &object, &error),
                 &error);
        CHECK_STRING(content.data, cases[i].want);
        CHECK_INT(content.size, strlen(cases[i].want));
        CHECK_INT(object.size, 10);
    }
    CHECK(!tarn_store_get(store, at("range"), TARN_STORE_WHOLE, 9, &arena, &content, NULL, &error));
    CHECK_INT(error.code, TARN_E_LIMIT_EXCEEDED);
    CHECK(strstr(error.message, "range") != NULL);
    TarnStoreRange tail = {-9, UINT64_MAX};
    CHECK_OK(tarn_store_get(store, at("range"), tail, 9, &arena, &content, NULL, &error), &error);
    CHECK_OK(put_text(at("nothing"), "", TARN_STORE_IF_ABSENT, &error), &error);
    CHECK_OK(tarn_store_get(store, at("nothing"), tail, 9, &arena, &content, NULL, &error), &error);
    CHECK_INT(content.size, 0);
}

static void what_is_missing(void) {
    TarnError error;
    TarnText content;
    TarnStoreObject object;
    bool existed = true;
    TarnStoreRange ranges[] = {TARN_STORE_WHOLE, {3, 4}, {-4, 2}, {0, 0}};
    for (size_t i = 0; i < 4; i++) {
        CHECK(!tarn_store_get(store, at("no/such"), ranges[i], 10, &arena, &content, NULL, &error));
        CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
        CHECK(strstr(error.message, "no/such") != NULL);
    }
    CHECK_OK(tarn_store_stat(store, at("no/such"), &object, &error), &error);
    CHECK(!object.exists);
    CHECK_OK(tarn_store_delete(store, at("no/such"), &existed, &error), &error);
    CHECK(!existed);
    CHECK_OK(put_text(at("gone"), "x", TARN_STORE_IF_ABSENT, &error), &error);
    CHECK_OK(tarn_store_delete(store, at("gone"), &existed, &error), &error);
    CHECK(existed);
    CHECK_STRING(get_text(at("gone")), NULL);
    /* the name is free again */
    CHECK_OK(put_text(at("gone"), "y", TARN_STORE_IF_ABSENT, &error), &error);
}

static void nothing_outside_the_root(void) {
    static const char *const places[] = {"/etc/passwd", "file:///etc/passwd", "etc",
                                         "s3://elsewhere/k", "../beside", "gs://b/k"};
    TarnError error;
    TarnText content;
    const char *path;
    for (size_t i = 0; i < 7; i++) {
        const char *place = i == 6 ? tarn_base_arena_printf(&arena, "%s-beside/x", store->root)
                            : i == 4 ? at(places[i]) : places[i];
        CHECK(!tarn_store_get(store, place, TARN_STORE_WHOLE, 9, &arena, &content, NULL, &error));
        CHECK(error.code == TARN_E_LOCATION_REFUSED || error.code == TARN_E_LOCATION_INVALID);
        CHECK(!put_text(place, "x", TARN_STORE_IF_ABSENT, &error));
        CHECK(!tarn_store_put_file(store, place, "/dev/null", TARN_STORE_REPLACE, NULL, &error));
        CHECK(!tarn_store_delete(store, place, NULL, &error));
        CHECK(!tarn_store_delete_many(store, &place, 1, NULL, &error));
        CHECK(!tarn_store_list(store, place, NULL, NULL, &error));
        CHECK(!tarn_store_contains(store, place, &error));
        CHECK(!tarn_store_local_path(store, place, &path, &error));
        CHECK(!tarn_store_prepare_directory(store, place, &error));
    }
}

static void the_engine_gets_no_globs(void) {
    static const char *const globs[] = {"*.parquet", "x?", "x[a-z]", "**/x"};
    TarnError error;
    const char *path;
    CHECK_OK(tarn_store_local_path(store, at("a b/x=1/y.parquet"), &path, &error), &error);
    CHECK_STRING(path, at("a b/x=1/y.parquet"));
    for (size_t i = 0; i < 4; i++) {
        CHECK(!tarn_store_local_path(store, at(globs[i]), &path, &error));
        CHECK_INT(error.code, TARN_E_LOCATION_REFUSED);
    }
}

/* Partition folders hold whatever values the data has. */
static void strange_names_are_names(void) {
    static const char *const names[] = {
        "n/day=2013-01-01/x.parquet", "n/a+b/x",       "n/a b/x",          "n/100%/x",
        "n/%20/x",                    "n/M\xc3\xbcnchen/x", "n/\xe1\x88\xb4\xf0\x9f\x98\x80/x",
        "n/a&b=c/x",                  "n/'q'\"/x",     "n/#hash/x",        "n/;,:@!$()/x",
        "n/~tilde_under-dash.dot/x",  "n/q?x/y",       "n/<tag>/x",        "n/\\back/x",
        "n/`tick`|{}^/x",
    };
    TarnError error;
    size_t count = sizeof(names) / sizeof(names[0]);
    const char *all[32];
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(put_text(at(names[i]), names[i], TARN_STORE_IF_ABSENT, &error), &error);
        all[i] = at(names[i]);
    }
    for (size_t i = 0; i < count; i++) CHECK_STRING(get_text(at(names[i])), names[i]);
    CHECK_OK(tarn_store_delete_many(store, all, count, NULL, &error), &error);
    for (size_t i = 0; i < count; i++) CHECK_STRING(get_text(at(names[i])), NULL);
}

typedef struct Seen {
    char text[4096];
    size_t skip;
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
    static const char *const names[] = {"l/b/2", "l/b/1",   "l/a",    "l/b-x",
                                        "l/b.x", "l/c/d/e", "l/B",    "l2/x",
                                        "l/d=1 2/x+y"};
    TarnError error;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CHECK_OK(put_text(at(names[i]), "xy", TARN_STORE_IF_ABSENT, &error), &error);
    }
    CHECK_OK(tarn_store_prepare_directory(store, at("l/empty/folder"), &error), &error);
    Seen seen = {.skip = strlen(at(""))};
    CHECK_OK(tarn_store_list(store, at("l"), note, &seen, &error), &error);
    CHECK_STRING(seen.text,
                 "l/B:2 l/a:2 l/b-x:2 l/b.x:2 l/b/1:2 l/b/2:2 l/c/d/e:2 l/d=1 2/x+y:2 ");
    Seen again = {.skip = strlen(at(""))};
    CHECK_OK(tarn_store_list(store, at("l/"), note, &again, &error), &error);
    CHECK_STRING(again.text, seen.text);
    seen = (Seen){.stop_after = 2};
    CHECK(!tarn_store_list(store, at("l"), note, &seen, &error));
    CHECK_STRING(error.message, "enough");
    CHECK_INT(seen.count, 2);
    seen = (Seen){0};
    CHECK_OK(tarn_store_list(store, at("l/none"), note, &seen, &error), &error);
    CHECK_INT(seen.count, 0);
    tarn_os_interrupt();
    CHECK(!tarn_store_list(store, at("l"), note, &seen, &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    tarn_os_interrupt_clear();
}

static void many_are_deleted_at_once(void) {
    const char *locations[30];
    TarnError error;
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof(name), "many/%02d", i);
        locations[i] = at(name);
        if (i % 5 == 0) continue; /* missing ones are fine */
        CHECK_OK(put_text(locations[i], "x", TARN_STORE_IF_ABSENT, &error), &error);
    }
    tarn_os_interrupt(); /* cleaning up goes on */
    CHECK_OK(tarn_store_delete_many(store, locations, 29, NULL, &error), &error);
    tarn_os_interrupt_clear();
    Seen seen = {.skip = strlen(at(""))};
    CHECK_OK(tarn_store_list(store, at("many"), note, &seen, &error), &error);
    CHECK_STRING(seen.text, "many/29:1 ");
    CHECK_OK(tarn_store_delete_many(store, locations, 0, NULL, &error), &error);
    CHECK_OK(tarn_store_delete_many(store, locations + 29, 1, NULL, &error), &error);
}

static const char *write_source(size_t size) {
    const char *path = scratch_at(&scratch, "source");
    FILE *file = fopen(path, "wb");
    if (file == NULL) abort();
    for (size_t i = 0; i < size / 8; i++) fprintf(file, "%07zu\n", i % 10000000);
    fclose(file);
    return path;
}

/* 11 MB are three parts of the smallest size that S3 allows. */
static void files_are_copied_whole_and_in_parts(void) {
    TarnError error;
    TarnText a;
    TarnText b;
    size_t sizes[] = {11 * TARN_MIB, 80};
    for (int i = 0; i < 2; i++) {
        const char *source = write_source(sizes[i]);
        const char *copy = at(i == 0 ? "copy-large" : "copy-small");
        CHECK_OK(tarn_store_put_file(store, copy, source, TARN_STORE_IF_ABSENT, NULL, &error),
                 &error);
        CHECK(!tarn_store_put_file(store, copy, source, TARN_STORE_IF_ABSENT, NULL, &error));
        CHECK_INT(error.code, TARN_E_OBJECT_EXISTS);
        CHECK_OK(tarn_store_put_file(store, copy, source, TARN_STORE_REPLACE, NULL, &error),
                 &error);
        TarnArena big;
        tarn_base_arena_init(&big, 64 * TARN_MIB);
        CHECK_OK(tarn_store_get(store, copy, TARN_STORE_WHOLE, 12 * TARN_MIB, &big, &a, NULL,
                                &error), &error);
        CHECK_OK(tarn_os_file_read_all(tarn_os_posix(), source, 12 * TARN_MIB, &big, &b, &error),
                 &error);
        CHECK(a.size == sizes[i] && tarn_base_text_equal(a, b));
        tarn_base_arena_dispose(&big);
    }
    CHECK(!tarn_store_put_file(store, at("copy2"), scratch.path, TARN_STORE_REPLACE, NULL,
                               &error));
    CHECK(!tarn_store_put_file(store, at("copy2"), "/no/such/file", TARN_STORE_REPLACE, NULL,
                               &error));
    CHECK_INT(error.code, TARN_E_OBJECT_NOT_FOUND);
    tarn_os_interrupt();
    CHECK(!tarn_store_put_file(store, at("copy2"), write_source(800), TARN_STORE_REPLACE, NULL,
                               &error));
    CHECK_INT(error.code, TARN_E_INTERRUPTED);
    tarn_os_interrupt_clear();
    CHECK_STRING(get_text(at("copy2")), NULL);
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
    for (int round = 0; round < 10; round++) {
        char name[32];
        snprintf(name, sizeof(name), "race%d/x", round);
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

static void a_batch_is_durable(void) {
    TarnError error;
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, store);
    CHECK_OK(tarn_store_put(store, at("batch/a"), TARN_TEXT("a"), TARN_STORE_IF_ABSENT, &batch,
                            &error), &error);
    CHECK(!tarn_store_put(store, at("batch/a"), TARN_TEXT("b"), TARN_STORE_IF_ABSENT, &batch,
                          &error));
    CHECK_INT(batch.count, 1);
    CHECK_OK(tarn_store_batch_sync(&batch, &error), &error);
    tarn_store_batch_dispose(&batch);
    CHECK_STRING(get_text(at("batch/a")), "a");
}

static void the_probe_proves_and_leaves_nothing(void) {
    TarnError error;
    CHECK_OK(tarn_store_probe(store, &error), &error);
    Seen seen = {.skip = strlen(at(""))};
    CHECK_OK(tarn_store_list(store, store->root, note, &seen, &error), &error);
    CHECK(strstr(seen.text, ".tarn-probe") == NULL);
}

static bool remember(void *state, const TarnStoreObject *object, TarnError *error) {
    struct {
        const char *items[4096];
        size_t count;
    } *list = state;
    (void)error;
    if (list->count < 4096) {
        list->items[list->count++] = tarn_base_arena_string(&arena, object->location);
    }
    return true;
}

static void clear_root(void) {
    static struct {
        const char *items[4096];
        size_t count;
    } list;
    TarnError error;
    list.count = 0;
    CHECK_OK(tarn_store_list(store, store->root, remember, &list, &error), &error);
    CHECK_OK(tarn_store_delete_many(store, list.items, list.count, NULL, &error), &error);
}

static void run_all(void) {
    clear_root();
    TAP_TEST(put_and_get);
    TAP_TEST(ranges);
    TAP_TEST(what_is_missing);
    TAP_TEST(nothing_outside_the_root);
    TAP_TEST(the_engine_gets_no_globs);
    TAP_TEST(strange_names_are_names);
    TAP_TEST(listing_is_in_byte_order_of_locations);
    TAP_TEST(many_are_deleted_at_once);
    TAP_TEST(files_are_copied_whole_and_in_parts);
    TAP_TEST(one_of_eight_threads_wins);
    TAP_TEST(a_batch_is_durable);
    TAP_TEST(the_probe_proves_and_leaves_nothing);
    clear_root();
}

static void no_real_server(void) { TAP_SKIP("TARN_TEST_S3 names no server"); }

static void run_on(const char *root, const TarnStoreS3Options *s3) {
    TarnError error;
    TarnStoreOptions options = {.create_root = true, .s3 = s3};
    tarn_base_error_clear(&error);
    printf("# on %s\n", root);
    if (!tarn_store_open(tarn_os_posix(), root, &options, &store, &error)) {
        tap_fail(__FILE__, __LINE__, error.message);
        tap_failed++;
        return;
    }
    run_all();
    tarn_store_close(store);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    scratch_make(&scratch);
    tarn_base_arena_init(&arena, 256 * TARN_MIB);
    const char *folder = tarn_base_arena_string(&arena, scratch_at(&scratch, "lake"));
    run_on(folder, NULL);
    FakeS3 *fake = fake_s3_start();
    fake_s3_page(fake, 3);
    TarnStoreS3Options in_memory = {.endpoint = fake_s3_endpoint(fake), .region = "us-east-1",
                                    .access_key = "key", .secret_key = "secret",
                                    .part_bytes = 5 * TARN_MIB};
    run_on("s3://lake/pre fix=1/x", &in_memory);
    fake_s3_no_batches(fake, true);
    run_on("s3a://lake", &in_memory);
    fake_s3_stop(fake);
    const char *endpoint = getenv("TARN_TEST_S3");
    const char *root = getenv("TARN_TEST_S3_ROOT");
    if (endpoint == NULL || endpoint[0] == '\0' || root == NULL) {
        TAP_TEST(no_real_server);
    } else {
        TarnStoreS3Options real = {.endpoint = endpoint, .part_bytes = 5 * TARN_MIB};
        run_on(tarn_base_arena_printf(&arena, "%s/contract-%d", root, (int)getpid()), &real);
    }
    scratch_remove(&scratch);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
