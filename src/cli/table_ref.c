/* tarn table branch, tag, fast-forward, cherry-pick and rollback: commits that move or make names
 * of snapshots. Nothing is copied, and --dry-run says what would happen.
 */
#include <string.h>

#include "catalog/ref.h"
#include "cli/handlers_private.h"
#include "cli/lake_private.h"
#include "cli/rows_private.h"
#include "cli/summary_private.h"
#include "flow/load.h"

static TarnCliLakeUse use_of(bool dry_run) {
    return dry_run ? TARN_CLI_LAKE_READ : TARN_CLI_LAKE_WRITE;
}

/* --- branch, tag --- */

static void put_refs(TarnCli *cli, const TarnTableMetadata *metadata, bool tags) {
    static const TarnCliColumn columns[] = {
        {.name = "name"},
        {.name = "kind", .audience = TARN_CLI_FOR_PROGRAMS},
        {.name = "snapshot_id"},
        {.name = "committed_at"},
        {.name = "rows", .right = true},
        {.name = "max_ref_age_ms", .right = true},
        {.name = "min_snapshots_to_keep", .right = true},
        {.name = "max_snapshot_age_ms", .right = true},
    };
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    size_t shown = 0;
    for (size_t i = 0; i < metadata->ref_count; i++) shown += metadata->refs[i].is_tag == tags;
    if (shown == 0 && cli->format == TARN_CLI_TABLE) {
        tarn_cli__say(cli, "the table has no %s yet", tags ? "tags" : "branches");
        return;
    }
    tarn_cli__rows_begin(cli, columns, 8, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < metadata->ref_count; i++) {
        const TarnSnapshotRef *ref = &metadata->refs[i];
        const TarnSnapshot *snapshot = tarn_table_metadata_snapshot(metadata, ref->snapshot_id);
        if (ref->is_tag != tags) continue;
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(ref->name),
            tarn_cli__cell_text(tags ? "tag" : "branch"),
            tarn_cli__cell_id(arena, ref->snapshot_id),
            tarn_cli__cell_time_ms(arena, snapshot != NULL ? snapshot->timestamp_ms : TARN_ABSENT),
            tarn_cli__cell_count(arena, tarn_cli__summary_number(snapshot, "total-records", -1)),
            tarn_cli__cell_int64(arena, ref->max_ref_age_ms),
            tarn_cli__cell_int64(arena, ref->min_snapshots_to_keep),
            tarn_cli__cell_int64(arena, ref->max_snapshot_age_ms),
        };
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

static void put_change(TarnCli *cli, const TarnTable *table, const char *name, const char *action,
                       bool is_tag, const TarnSnapshot *snapshot, bool dry_run) {
    static const TarnCliColumn columns[] = {
        {.name = "table"},       {.name = "name"},         {.name = "kind"},   {.name = "action"},
        {.name = "snapshot_id"}, {.name = "committed_at"}, {.name = "dry_run"}};
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 7, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, arena)),
        tarn_cli__cell_text(name),
        tarn_cli__cell_text(is_tag ? "tag" : "branch"),
        tarn_cli__cell_text(action),
        tarn_cli__cell_id(arena, snapshot != NULL ? snapshot->id : TARN_ABSENT),
        tarn_cli__cell_time_ms(arena, snapshot != NULL ? snapshot->timestamp_ms : TARN_ABSENT),
        tarn_cli__cell_bool(dry_run),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

/* What a flag gives; TARN_ABSENT if it was not given. */
static int64_t given(const TarnCli *cli, const char *flag) {
    const TarnCliValue *value = tarn_cli__value(&cli->arguments, flag);
    return value->given ? value->integer : TARN_ABSENT;
}

static bool read_wish(TarnCli *cli, const TarnTable *table, bool is_tag, TarnRefWish *wish,
                      TarnError *error) {
    const char *at = tarn_cli__text(&cli->arguments, "at");
    const TarnSnapshot *snapshot = NULL;
    *wish = (TarnRefWish){
        .name = cli->arguments.operands[1],
        .is_tag = is_tag,
        .when = tarn_cli__is_set(&cli->arguments, "replace") ? TARN_REF_CREATE_OR_REPLACE
                                                             : TARN_REF_CREATE,
        .snapshot_id = TARN_ABSENT,
        .max_ref_age_ms = given(cli, "keep"),
        .min_snapshots_to_keep = is_tag ? TARN_ABSENT : given(cli, "keep-snapshots"),
        .max_snapshot_age_ms = is_tag ? TARN_ABSENT : given(cli, "keep-age")};
    if (wish->max_ref_age_ms == 0 || wish->min_snapshots_to_keep == 0 ||
        wish->max_snapshot_age_ms == 0) {
        return tarn_base_error_set(error, TARN_E_USAGE, "what is to be kept must be above zero");
    }
    if (at == NULL) return true;
    if (!tarn_table_metadata_snapshot_named(table->metadata, tarn_base_text(at), &snapshot,
                                            error)) {
        return false;
    }
    wish->snapshot_id = snapshot->id;
    return true;
}

static bool change_ref(TarnCliLake *lake, const TarnTable *table, bool is_tag, bool dry_run,
                       TarnError *error) {
    TarnCli *cli = lake->cli;
    const char *name = cli->arguments.operands[1];
    bool drop = tarn_cli__is_set(&cli->arguments, "drop");
    bool known = tarn_table_metadata_ref(table->metadata, name) != NULL;
    TarnPreparedSnapshot prepared;
    TarnRefWish wish;
    if (drop && tarn_cli__value(&cli->arguments, "at")->given) {
        return tarn_base_error_set(error, TARN_E_USAGE, "--drop and --at contradict each other");
    }
    bool ok = drop ? tarn_table_ref_drop(table->metadata, name, is_tag, &cli->arena, &prepared,
                                         error)
                   : read_wish(cli, table, is_tag, &wish, error) &&
                         tarn_table_ref_set(table->metadata, &wish, &cli->arena, &prepared, error);
    if (!ok) return false;
    if (!dry_run && !tarn_catalog_ref_commit(lake->catalog, table, &prepared, NULL, error)) {
        return false;
    }
    put_change(cli, table, name, drop ? "dropped" : known ? "replaced" : "created", is_tag,
               prepared.snapshot, dry_run);
    return true;
}

static bool run_ref(TarnCli *cli, bool is_tag, TarnError *error) {
    bool list = cli->arguments.operand_count < 2;
    bool dry_run = tarn_cli__is_set(&cli->arguments, "dry-run");
    TarnCliLake lake;
    const TarnTable *table = NULL;
    bool ok = tarn_cli__lake_open(cli, use_of(list || dry_run), &lake, error) &&
              tarn_cli__lake_table(&lake, cli->arguments.operands[0], &table, error);
    if (ok && list) {
        put_refs(cli, table->metadata, is_tag);
    } else if (ok) {
        ok = change_ref(&lake, table, is_tag, dry_run, error);
    }
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}

bool tarn_cli__table_branch(TarnCli *cli, TarnError *error) { return run_ref(cli, false, error); }

bool tarn_cli__table_tag(TarnCli *cli, TarnError *error) { return run_ref(cli, true, error); }

/* --- fast-forward --- */

typedef struct ForwardList {
    TarnForward *items;
    size_t count;
    size_t capacity;
    const TarnForwardOptions *options;
} ForwardList;

/* Files that were loaded onto the branch are now on the other one. */
static bool record_loads(void *state, TarnDb *db, TarnError *error) {
    const ForwardList *list = state;
    for (size_t i = 0; i < list->count; i++) {
        if (!tarn_flow_load_published(db, list->items[i].table->name, list->options->source,
                                      list->options->target, error)) {
            return false;
        }
    }
    return true;
}

static bool add_forward(TarnCliLake *lake, const TarnTable *table, ForwardList *list,
                        TarnError *error) {
    TarnForward *forward = TARN_PUSH(&lake->cli->arena, list);
    if (forward != NULL) {
        forward->table = table;
        return true;
    }
    tarn_catalog_table_release(table);
    return tarn_base_arena_check(&lake->cli->arena, error);
}

static bool add_all(TarnCliLake *lake, const char *branch, ForwardList *list, TarnError *error) {
    TarnRelation *relations = NULL;
    size_t count = 0;
    if (!tarn_catalog_list(lake->catalog, NULL, &lake->cli->arena, &relations, &count, error)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const TarnTable *table = NULL;
        if (relations[i].kind != TARN_RELATION_TABLE) continue;
        if (!tarn_catalog_table_find(lake->catalog, relations[i].name, &table, error)) return false;
        if (table == NULL) continue;
        if (tarn_table_metadata_ref(table->metadata, branch) == NULL) {
            tarn_catalog_table_release(table);
        } else if (!add_forward(lake, table, list, error)) {
            return false;
        }
    }
    if (list->count > 0) return true;
    return tarn_base_error_set(error, TARN_E_SNAPSHOT_NOT_FOUND, "no table has a branch \"%.255s\"",
                               branch);
}

/* TABLE BRANCH, or --branch BRANCH TABLE.., or --branch BRANCH --all. */
static bool read_forwards(TarnCliLake *lake, const char **source, ForwardList *list,
                          TarnError *error) {
    const TarnCliArguments *arguments = &lake->cli->arguments;
    bool all = tarn_cli__is_set(arguments, "all");
    size_t tables = arguments->operand_count;
    *source = tarn_cli__text(arguments, "branch");
    if (*source == NULL && !all && tables == 2) {
        *source = arguments->operands[1];
        tables = 1;
    }
    if (*source == NULL || (tables > 0) == all) {
        tarn_base_error_set(error, TARN_E_USAGE, "say which branch of which tables");
        return tarn_base_error_hint(error, "TABLE BRANCH, or --branch BRANCH TABLE.., or --branch "
                                           "BRANCH --all");
    }
    if (all) return add_all(lake, *source, list, error);
    for (size_t i = 0; i < tables; i++) {
        const TarnTable *table = NULL;
        if (!tarn_cli__lake_table(lake, arguments->operands[i], &table, error)) return false;
        for (size_t j = 0; j < list->count; j++) {
            if (!tarn_catalog_name_equal(list->items[j].table->name, table->name)) continue;
            tarn_catalog_table_release(table);
            return tarn_base_error_set(error, TARN_E_USAGE, "the table \"%s\" is named twice",
                                       arguments->operands[i]);
        }
        if (!add_forward(lake, table, list, error)) return false;
    }
    return true;
}

static void put_forwards(TarnCli *cli, const ForwardList *list, const char *target,
                         const char *source, bool dry_run) {
    static const TarnCliColumn columns[] = {
        {.name = "table"},       {.name = "branch"},
        {.name = "from_branch"}, {.name = "previous_snapshot_id"},
        {.name = "snapshot_id"}, {.name = "snapshots", .right = true},
        {.name = "dry_run", .audience = TARN_CLI_FOR_PROGRAMS}};
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 7, TARN_CLI_MANY, &rows);
    for (size_t i = 0; i < list->count; i++) {
        const TarnForward *forward = &list->items[i];
        const TarnCliCell cells[] = {
            tarn_cli__cell_text(tarn_catalog_name_text(forward->table->name, arena)),
            tarn_cli__cell_text(target),
            tarn_cli__cell_text(source),
            tarn_cli__cell_id(arena, forward->from),
            tarn_cli__cell_id(arena, forward->to),
            tarn_cli__cell_count(arena, (int64_t)forward->steps),
            tarn_cli__cell_bool(dry_run),
        };
        tarn_cli__rows_put(&rows, cells);
    }
    tarn_cli__rows_end(&rows, 0, false);
}

bool tarn_cli__table_fast_forward(TarnCli *cli, TarnError *error) {
    bool dry_run = tarn_cli__is_set(&cli->arguments, "dry-run");
    TarnForwardOptions options = {.target = tarn_cli__text(&cli->arguments, "to"),
                                  .dry_run = dry_run};
    ForwardList list = {.options = &options};
    TarnCliLake lake;
    options.hook = record_loads;
    options.hook_state = &list;
    bool ok = tarn_cli__lake_open(cli, use_of(dry_run), &lake, error) &&
              read_forwards(&lake, &options.source, &list, error) &&
              tarn_catalog_fast_forward(lake.catalog, list.items, list.count, &options, error);
    if (ok) put_forwards(cli, &list, options.target, options.source, dry_run);
    for (size_t i = 0; i < list.count; i++) tarn_catalog_table_release(list.items[i].table);
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- cherry-pick --- */

static void put_picked(TarnCli *cli, const TarnTable *table, const char *branch, int64_t source,
                       const TarnPicked *picked) {
    static const TarnCliColumn columns[] = {
        {.name = "table"},       {.name = "branch"},
        {.name = "picked_id"},   {.name = "previous_snapshot_id"},
        {.name = "snapshot_id"}, {.name = "moved"},
        {.name = "added_files"}, {.name = "removed_files"}};
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 8, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, arena)),
        tarn_cli__cell_text(branch),
        tarn_cli__cell_id(arena, source),
        tarn_cli__cell_id(arena, picked->previous),
        tarn_cli__cell_id(arena, picked->snapshot_id),
        tarn_cli__cell_bool(picked->moved),
        tarn_cli__cell_count(arena, picked->added_files),
        tarn_cli__cell_count(arena, picked->removed_files),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

bool tarn_cli__table_cherry_pick(TarnCli *cli, TarnError *error) {
    const char **operands = cli->arguments.operands;
    const char *branch = tarn_cli__text(&cli->arguments, "to");
    TarnCliLake lake;
    const TarnTable *table = NULL;
    const TarnSnapshot *source = NULL;
    TarnPicked picked;
    bool ok = tarn_cli__lake_open(cli, TARN_CLI_LAKE_WRITE, &lake, error) &&
              tarn_cli__lake_table(&lake, operands[0], &table, error) &&
              tarn_table_metadata_snapshot_named(table->metadata, tarn_base_text(operands[1]),
                                                 &source, error) &&
              tarn_catalog_cherry_pick(lake.catalog, table->name, branch, source->id, &picked,
                                       error);
    if (ok) put_picked(cli, table, branch, source->id, &picked);
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}

/* --- rollback --- */

static void put_move(TarnCli *cli, const TarnTable *table, const TarnSnapshot *from,
                     const TarnSnapshot *to, bool dry_run) {
    static const TarnCliColumn columns[] = {
        {.name = "table"},        {.name = "previous_snapshot_id"}, {.name = "snapshot_id"},
        {.name = "committed_at"}, {.name = "rows_before"},          {.name = "rows_after"},
        {.name = "dry_run"},
    };
    TarnArena *arena = &cli->arena;
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 7, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(tarn_catalog_name_text(table->name, arena)),
        tarn_cli__cell_id(arena, from != NULL ? from->id : TARN_ABSENT),
        tarn_cli__cell_id(arena, to->id),
        tarn_cli__cell_time_ms(arena, to->timestamp_ms),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(from, "total-records", -1)),
        tarn_cli__cell_count(arena, tarn_cli__summary_number(to, "total-records", -1)),
        tarn_cli__cell_bool(dry_run),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
}

static bool roll_back(TarnCliLake *lake, const TarnTable *table, const TarnSnapshot *to,
                      bool dry_run, TarnError *error) {
    TarnPreparedSnapshot prepared;
    bool any = tarn_cli__is_set(&lake->cli->arguments, "any");
    if (!any && !tarn_table_ref_had(table->metadata, TARN_TABLE_MAIN_BRANCH, to->id)) {
        tarn_base_error_set(error, TARN_E_REF_REFUSED,
                            "main never had the snapshot %lld: it is not a state to roll back to",
                            (long long)to->id);
        return tarn_base_error_hint(error, "publish a branch with tarn table fast-forward; --any "
                                           "sets main to it all the same");
    }
    return tarn_table_snapshot_move_ref(table->metadata, NULL, to->id, false, &lake->cli->arena,
                                        &prepared, error) &&
           (dry_run ||
            tarn_catalog_ref_commit(lake->catalog, table, &prepared, NULL, error));
}

bool tarn_cli__table_rollback(TarnCli *cli, TarnError *error) {
    const char **operands = cli->arguments.operands;
    bool dry_run = tarn_cli__is_set(&cli->arguments, "dry-run");
    TarnCliLake lake;
    const TarnTable *table = NULL;
    const TarnSnapshot *to = NULL;
    bool ok = tarn_cli__lake_open(cli, use_of(dry_run), &lake, error) &&
              tarn_cli__lake_table(&lake, operands[0], &table, error) &&
              tarn_table_metadata_snapshot_named(table->metadata, tarn_base_text(operands[1]), &to,
                                                 error);
    if (ok) {
        const TarnSnapshot *from = tarn_table_metadata_current_snapshot(table->metadata);
        ok = to == from || roll_back(&lake, table, to, dry_run, error);
        if (ok) put_move(cli, table, from, to, dry_run);
        if (ok && to == from) tarn_cli__say(cli, "that snapshot is the current one already");
    }
    tarn_catalog_table_release(table);
    tarn_cli__lake_close(&lake);
    return ok;
}
