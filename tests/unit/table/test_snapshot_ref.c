/* Branches and tags: what is made, moved, dropped and refused; cherry-picks and their rules. */
#include "table/snapshot_ref.h"

#include "table_model.h"

static TarnPreparedSnapshot prepared;

static TarnRefWish wish_of(const char *name, bool is_tag) {
    return (TarnRefWish){.name = name,
                         .is_tag = is_tag,
                         .snapshot_id = TARN_ABSENT,
                         .max_ref_age_ms = TARN_ABSENT,
                         .min_snapshots_to_keep = TARN_ABSENT,
                         .max_snapshot_age_ms = TARN_ABSENT};
}

static bool set_ref(const TarnRefWish *wish) {
    if (!tarn_table_ref_set(table, wish, &arena, &prepared, &error)) return false;
    table = apply_to(table, &prepared);
    return true;
}

static bool make_branch(const char *name) {
    TarnRefWish wish = wish_of(name, false);
    return set_ref(&wish);
}

static bool append_on(const char *branch, const TarnDataFile *file) {
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND,
                                 .ref = branch,
                                 .create_ref = branch != NULL,
                                 .added = file,
                                 .added_count = 1};
    return commit(&change);
}

static int64_t head_of(const char *name) {
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(table, name);
    return ref != NULL ? ref->snapshot_id : TARN_ABSENT;
}

static void refs_are_made_and_dropped(void) {
    begin_table(0, "");
    TarnRefWish wish = wish_of("audit", false);
    CHECK(!set_ref(&wish)); /* nothing to name yet */
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
    TarnDataFile file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    int64_t first = head()->id;
    wish.min_snapshots_to_keep = 5;
    wish.max_snapshot_age_ms = 7;
    wish.max_ref_age_ms = 9;
    REQUIRE_OK(set_ref(&wish), &error);
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(table, "audit");
    REQUIRE(ref != NULL);
    CHECK_INT(ref->snapshot_id, first);
    CHECK_INT(ref->min_snapshots_to_keep, 5);
    CHECK_INT(ref->max_snapshot_age_ms, 7);
    CHECK_INT(ref->max_ref_age_ms, 9);
    CHECK(!set_ref(&wish));
    CHECK_INT(error.code, TARN_E_REF_EXISTS);
    file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    wish = wish_of("audit", false);
    wish.when = TARN_REF_REPLACE;
    REQUIRE_OK(set_ref(&wish), &error); /* what is not given stays */
    ref = tarn_table_metadata_ref(table, "audit");
    CHECK_INT(ref->snapshot_id, head()->id);
    CHECK_INT(ref->min_snapshots_to_keep, 5);
    wish = wish_of("audit", true);
    wish.when = TARN_REF_CREATE_OR_REPLACE;
    CHECK(!set_ref(&wish));
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
    CHECK(!tarn_table_ref_drop(table, "audit", true, &arena, &prepared, &error));
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
    REQUIRE_OK(tarn_table_ref_drop(table, "audit", false, &arena, &prepared, &error), &error);
    table = apply_to(table, &prepared);
    CHECK(tarn_table_metadata_ref(table, "audit") == NULL);
    CHECK(!tarn_table_ref_drop(table, "audit", false, &arena, &prepared, &error));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
}

static void main_is_neither_dropped_nor_a_tag(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    int64_t first = head()->id;
    file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    CHECK(!tarn_table_ref_drop(table, "main", false, &arena, &prepared, &error));
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
    TarnRefWish wish = wish_of("main", true);
    wish.when = TARN_REF_CREATE_OR_REPLACE;
    CHECK(!set_ref(&wish));
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
    wish.is_tag = false;
    wish.snapshot_id = first;
    CHECK(!set_ref(&wish)); /* that is a rollback, and said as one */
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
    wish.snapshot_id = TARN_ABSENT;
    wish.min_snapshots_to_keep = 3;
    REQUIRE_OK(set_ref(&wish), &error);
    CHECK_INT(head_of("main"), head()->id);
    CHECK_INT(tarn_table_metadata_ref(table, "main")->min_snapshots_to_keep, 3);
}

static void hostile_names_are_refused_or_kept(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    char *huge = tarn_base_arena_alloc(&arena, 1 << 20);
    memset(huge, 'x', (1 << 20) - 1);
    const char *bad[] = {"", "a\nb", "\x7f", "\xff\xfe", "\xc0\x80", huge};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        TarnRefWish wish = wish_of(bad[i], true);
        CHECK(!set_ref(&wish));
        CHECK_INT(error.code, TARN_E_NAME_INVALID);
    }
    CHECK(!tarn_table_ref_name_check((TarnText){"a\0b", 3}, &error));
    const char *good[] = {"a/b", "it's \"quoted\"", "\xf0\x9f\x98\x80", "../../etc", "12", " ",
                          "\\u0000", "{\"a\":1}"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        TarnRefWish wish = wish_of(good[i], true);
        REQUIRE_OK(set_ref(&wish), &error); /* written and read back */
        CHECK_INT(head_of(good[i]), head()->id);
    }
    const TarnSnapshot *found = NULL;
    REQUIRE_OK(tarn_table_metadata_snapshot_named(table, TARN_TEXT("12"), &found, &error), &error);
    CHECK(found == head());
}

static void a_branch_is_made_by_its_first_write(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    REQUIRE_OK(append_on("b", &file), &error); /* of a table without any snapshot */
    CHECK(head() == NULL);
    CHECK(head_of("b") != TARN_ABSENT);
    size_t steps = 0;
    REQUIRE_OK(tarn_table_ref_fast_forward(table, "main", "b", &arena, &prepared, &steps, &error),
               &error);
    CHECK_INT(steps, 1);
    table = apply_to(table, &prepared);
    CHECK_INT(head()->id, head_of("b"));
    file = plain_file();
    REQUIRE_OK(append_on("c", &file), &error); /* at main's head */
    const TarnSnapshot *c = tarn_table_metadata_snapshot(table, head_of("c"));
    CHECK_INT(c->parent_id, head()->id);
    CHECK_STRING(summary_of(c, "total-data-files"), "2");
    TarnSnapshotChange change = {.ref = "nowhere", .added = &file, .added_count = 1};
    CHECK(!commit(&change));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
}

static void only_descendants_are_gone_forward_to(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    size_t steps = 0;
    REQUIRE_OK(append(&file, 1), &error);
    int64_t first = head()->id;
    REQUIRE_OK(make_branch("audit"), &error);
    for (int i = 0; i < 3; i++) {
        file = plain_file();
        REQUIRE_OK(append_on("audit", &file), &error);
    }
    CHECK_INT(head()->id, first);
    REQUIRE_OK(tarn_table_ref_fast_forward(table, "main", "audit", &arena, &prepared, &steps,
                                           &error),
               &error);
    CHECK_INT(steps, 3);
    CHECK_INT(prepared.requirement_count, 3); /* the uuid, and where both branches are */
    const TarnTableMetadata *before = table;
    table = apply_to(table, &prepared);
    CHECK_INT(head()->id, head_of("audit"));
    CHECK_INT(table->snapshot_log_count, 2); /* main was never at those in between */
    REQUIRE_OK(tarn_table_ref_fast_forward(table, "main", "audit", &arena, &prepared, &steps,
                                           &error),
               &error);
    CHECK_INT(steps, 0);
    CHECK_INT(prepared.update_count, 0);

    table = before; /* main gets a commit of its own: they have parted */
    file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    char id[32];
    snprintf(id, sizeof(id), "%" PRId64, head()->id);
    CHECK(!tarn_table_ref_fast_forward(table, "main", "audit", &arena, &prepared, &steps, &error));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, id) != NULL); /* names the other commit */
    CHECK(!tarn_table_ref_fast_forward(table, "audit", "main", &arena, &prepared, &steps, &error));
    CHECK(!tarn_table_ref_fast_forward(table, "main", "nope", &arena, &prepared, &steps, &error));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
}

static void a_change_made_for_another_head_is_a_conflict(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    size_t steps = 0;
    REQUIRE_OK(append(&file, 1), &error);
    REQUIRE_OK(make_branch("audit"), &error);
    file = plain_file();
    REQUIRE_OK(append_on("audit", &file), &error);
    REQUIRE_OK(tarn_table_ref_fast_forward(table, "main", "audit", &arena, &prepared, &steps,
                                           &error),
               &error);
    TarnPreparedSnapshot early = prepared;
    file = plain_file();
    REQUIRE_OK(append(&file, 1), &error); /* main moves first */
    CHECK(!tarn_table_metadata_require(table, early.requirements, early.requirement_count, &error));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    char id[32];
    snprintf(id, sizeof(id), "%" PRId64, head()->id);
    CHECK(strstr(error.message, id) != NULL);
}

/* --- cherry-picks --- */

static bool pick_onto(const char *branch, int64_t id, bool *moved) {
    TarnCherryPick pick;
    if (!tarn_table_cherry_pick(table, store, branch, id, &arena, &pick, &error)) return false;
    *moved = pick.moves;
    if (!pick.moves) return commit(&pick.change);
    table = apply_to(table, &pick.move);
    return true;
}

static void appends_are_picked_once(void) {
    begin_table(1, "");
    bool moved = true;
    TarnDataFile file = bucket_file(0);
    REQUIRE_OK(append(&file, 1), &error);
    REQUIRE_OK(make_branch("b"), &error);
    const TarnProperty staged[] = {{"wap.id", "night-7"}};
    TarnDataFile files[2] = {bucket_file(1), bucket_file(2)};
    TarnSnapshotChange change = {.operation = TARN_OPERATION_APPEND,
                                 .ref = "b",
                                 .added = files,
                                 .added_count = 2,
                                 .summary = staged,
                                 .summary_count = 1};
    REQUIRE_OK(commit(&change), &error);
    int64_t picked = head_of("b");
    file = bucket_file(0);
    REQUIRE_OK(append(&file, 1), &error); /* main goes on by itself */
    REQUIRE_OK(pick_onto("main", picked, &moved), &error);
    CHECK(!moved);
    char id[32];
    snprintf(id, sizeof(id), "%" PRId64, picked);
    CHECK_STRING(head()->operation, "append");
    CHECK_SUMMARY("source-snapshot-id", id);
    CHECK_SUMMARY("published-wap-id", "night-7");
    CHECK_SUMMARY("added-data-files", "2");
    CHECK_SUMMARY("total-data-files", "4");
    CHECK(is_live(files[0].path));
    CHECK(is_live(files[1].path));
    CHECK(!pick_onto("main", picked, &moved));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(!pick_onto("b", picked, &moved)); /* it is its own */
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    /* The same wap.id by another snapshot. */
    file = bucket_file(1);
    change.added = &file;
    change.added_count = 1;
    REQUIRE_OK(commit(&change), &error);
    CHECK(!pick_onto("main", head_of("b"), &moved));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    CHECK(strstr(error.message, "wap.id") != NULL);
}

static void a_pick_behind_its_parent_moves_the_branch(void) {
    begin_table(1, "");
    bool moved = false;
    TarnDataFile file = bucket_file(0);
    REQUIRE_OK(append(&file, 1), &error);
    TarnText first = file.path;
    REQUIRE_OK(make_branch("b"), &error);
    TarnSnapshotChange change = {
        .operation = TARN_OPERATION_DELETE, .ref = "b", .removed = &first, .removed_count = 1};
    REQUIRE_OK(commit(&change), &error);
    int64_t picked = head_of("b");
    size_t snapshots = table->snapshot_count;
    const TarnTableMetadata *before = table;
    REQUIRE_OK(pick_onto("main", picked, &moved), &error);
    CHECK(moved);
    CHECK_INT(head()->id, picked);
    CHECK_INT(table->snapshot_count, snapshots);
    table = before; /* with a commit of main in between it is refused: it looked at rows */
    file = bucket_file(1);
    REQUIRE_OK(append(&file, 1), &error);
    CHECK(!pick_onto("main", picked, &moved));
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
    CHECK(!pick_onto("nowhere", picked, &moved));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
    CHECK(!pick_onto("main", 77, &moved));
    CHECK_INT(error.code, TARN_E_SNAPSHOT_NOT_FOUND);
}

static void dynamic_overwrites_are_picked_by_their_rules(void) {
    begin_table(1, "");
    bool moved = true;
    TarnDataFile old[2] = {bucket_file(0), bucket_file(1)};
    REQUIRE_OK(append(old, 2), &error);
    REQUIRE_OK(make_branch("b"), &error);
    const TarnProperty dynamic[] = {{"replace-partitions", "true"}};
    TarnDataFile file = bucket_file(0);
    TarnDataFile fresh = file;
    TarnSnapshotChange change = {.operation = TARN_OPERATION_OVERWRITE,
                                 .ref = "b",
                                 .added = &file,
                                 .added_count = 1,
                                 .replace_partitions = true,
                                 .summary = dynamic,
                                 .summary_count = 1};
    REQUIRE_OK(commit(&change), &error);
    int64_t picked = head_of("b");
    const TarnTableMetadata *before = table;
    TarnDataFile other = bucket_file(2); /* a partition that was not replaced */
    REQUIRE_OK(append(&other, 1), &error);
    REQUIRE_OK(pick_onto("main", picked, &moved), &error);
    CHECK(!moved);
    CHECK_STRING(head()->operation, "overwrite");
    CHECK_SUMMARY("replace-partitions", "true");
    CHECK(!is_live(old[0].path));
    CHECK(is_live(old[1].path));
    CHECK(is_live(other.path));
    CHECK(is_live(fresh.path));
    table = before; /* a file that came to the partition would vanish unseen */
    other = bucket_file(0);
    REQUIRE_OK(append(&other, 1), &error);
    CHECK(!pick_onto("main", picked, &moved));
    CHECK_INT(error.code, TARN_E_COMMIT_CONFLICT);
    table = before; /* an overwrite that is not of whole partitions */
    change.summary_count = 0;
    REQUIRE_OK(commit(&change), &error);
    picked = head_of("b");
    CHECK(!pick_onto("main", picked, &moved));
    CHECK_INT(error.code, TARN_E_REF_REFUSED);
}

static void what_main_had_is_known(void) {
    begin_table(0, "");
    TarnDataFile file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    int64_t first = head()->id;
    file = plain_file();
    REQUIRE_OK(append(&file, 1), &error);
    int64_t second = head()->id;
    file = plain_file();
    REQUIRE_OK(append_on("b", &file), &error);
    REQUIRE_OK(tarn_table_snapshot_move_ref(table, "main", first, true, &arena, &prepared, &error),
               &error);
    table = apply_to(table, &prepared);
    CHECK(tarn_table_ref_had(table, "main", first));
    CHECK(tarn_table_ref_had(table, "main", second)); /* by the log: to roll forward again */
    CHECK(!tarn_table_ref_had(table, "main", head_of("b")));
    CHECK(tarn_table_ref_had(table, "b", second));
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(refs_are_made_and_dropped);
    TAP_TEST(main_is_neither_dropped_nor_a_tag);
    TAP_TEST(hostile_names_are_refused_or_kept);
    TAP_TEST(a_branch_is_made_by_its_first_write);
    TAP_TEST(only_descendants_are_gone_forward_to);
    TAP_TEST(a_change_made_for_another_head_is_a_conflict);
    TAP_TEST(appends_are_picked_once);
    TAP_TEST(a_pick_behind_its_parent_moves_the_branch);
    TAP_TEST(dynamic_overwrites_are_picked_by_their_rules);
    TAP_TEST(what_main_had_is_known);
    close_table();
    return tap_end();
}
