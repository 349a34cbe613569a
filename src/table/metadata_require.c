/* Requirements: what a commit was prepared against, compared with what the table is now.
 *
 * The first that does not hold is reported with what was expected and what is there; the caller
 * rebases or gives up. Nothing is changed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "table/metadata_private.h"

static bool refuse(TarnError *error, const char *what, const char *expected, const char *found) {
    tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT, "the commit expects %s %s, the table has %s",
                        what, expected, found);
    return tarn_base_error_hint(error, "load the table again and repeat the change");
}

static void show_id(int64_t id, char out[32]) {
    if (id == TARN_ABSENT) {
        snprintf(out, 32, "none");
    } else {
        snprintf(out, 32, "%" PRId64, id);
    }
}

static bool require_number(const char *what, int64_t found, int64_t expected, TarnError *error) {
    char shown_found[32];
    char shown_expected[32];
    if (found == expected) return true;
    show_id(found, shown_found);
    show_id(expected, shown_expected);
    return refuse(error, what, shown_expected, shown_found);
}

static bool require_uuid(const TarnTableMetadata *base, const char *expected, TarnError *error) {
    const char *found = base->uuid != NULL ? base->uuid : "none";
    if (expected == NULL) expected = "none";
    return strcmp(found, expected) == 0 || refuse(error, "the table uuid", expected, found);
}

static bool require_ref(const TarnTableMetadata *base, const TarnTableRequirement *requirement,
                        TarnError *error) {
    char what[300];
    const char *name = requirement->text != NULL ? requirement->text : TARN_METADATA_MAIN;
    const TarnSnapshotRef *ref = tarn_table_metadata_ref(base, name);
    int64_t found = ref != NULL ? ref->snapshot_id : TARN_ABSENT;
    snprintf(what, sizeof(what), "%s \"%s\" at snapshot",
             ref != NULL && ref->is_tag ? "the tag" : "the branch", name);
    return require_number(what, found, requirement->integer, error);
}

static bool require_one(const TarnTableMetadata *base, const TarnTableRequirement *requirement,
                        TarnError *error) {
    int64_t expected = requirement->integer;
    if (requirement->kind == TARN_REQUIRE_CREATE) {
        if (base == NULL) return true;
        return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                   "the commit expects no table yet, but there is one with the "
                                   "uuid %s",
                                   base->uuid != NULL ? base->uuid : "none");
    }
    if (base == NULL) {
        return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                   "the commit expects a table, but there is none");
    }
    switch (requirement->kind) {
    case TARN_REQUIRE_UUID: return require_uuid(base, requirement->text, error);
    case TARN_REQUIRE_REF_SNAPSHOT_ID: return require_ref(base, requirement, error);
    case TARN_REQUIRE_LAST_COLUMN_ID:
        return require_number("the last column id", base->last_column_id, expected, error);
    case TARN_REQUIRE_CURRENT_SCHEMA_ID:
        return require_number("the current schema", base->current_schema_id, expected, error);
    case TARN_REQUIRE_LAST_PARTITION_ID:
        return require_number("the last partition field id", base->last_partition_id, expected,
                              error);
    case TARN_REQUIRE_DEFAULT_SPEC_ID:
        return require_number("the default partition spec", base->default_spec_id, expected, error);
    case TARN_REQUIRE_DEFAULT_SORT_ORDER_ID:
        return require_number("the default sort order", base->default_sort_order_id, expected,
                              error);
    case TARN_REQUIRE_CREATE:
    default:
        return tarn_base_error_set(error, TARN_E_COMMIT_CONFLICT,
                                   "a requirement of the unknown kind %d", (int)requirement->kind);
    }
}

bool tarn_table_metadata_require(const TarnTableMetadata *base,
                                 const TarnTableRequirement *requirements, size_t count,
                                 TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        if (!require_one(base, &requirements[i], error)) return false;
    }
    return true;
}
