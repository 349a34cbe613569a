/* View metadata, read and changed as a JSON tree: what is not known stays in it by itself.
 *
 * A change copies the root, appends a version, a log entry and, if the columns are new ones, a
 * schema, and leaves out the oldest versions beyond those to keep. Nothing here knows SQL.
 */
#include "table/view_metadata.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"

/* Versions kept where the view does not say how many. */
#define VERSIONS_KEPT 10

/* --- reading --- */

static bool refuse(const char *name, const char *what, TarnError *error) {
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "%s: view metadata: %s",
                               name != NULL ? name : "view", what);
}

static bool read_representations(const TarnJson *list, const char *name, TarnArena *arena,
                                 TarnViewVersion *version, TarnError *error) {
    if (list == NULL || list->kind != TARN_JSON_ARRAY) {
        return refuse(name, "a version has no list of representations", error);
    }
    version->representations = TARN_NEW_ARRAY(arena, list->count + 1, TarnViewRepresentation);
    if (version->representations == NULL) return tarn_base_arena_check(arena, error);
    TARN_JSON_EACH(item, list) {
        TarnText type;
        const TarnJson *sql = tarn_base_json_member(item, "sql");
        const TarnJson *dialect = tarn_base_json_member(item, "dialect");
        if (!tarn_base_json_text(tarn_base_json_member(item, "type"), &type) ||
            !tarn_base_text_is(type, "sql")) {
            continue; /* of another kind: kept in the tree, not used */
        }
        TarnViewRepresentation *one =
            &version->representations[version->representation_count++];
        one->sql = tarn_base_json_string(sql, arena);
        one->dialect = tarn_base_json_string(dialect, arena);
        if (!tarn_base_arena_check(arena, error)) return false;
        if (one->sql == NULL || one->dialect == NULL) {
            return refuse(name, "a representation lacks its sql or its dialect", error);
        }
    }
    return true;
}

static bool read_versions(const TarnJson *list, const char *name, TarnArena *arena,
                          TarnViewMetadata *metadata, TarnError *error) {
    if (list == NULL || list->kind != TARN_JSON_ARRAY) {
        return refuse(name, "it has no list of versions", error);
    }
    metadata->versions = TARN_NEW_ARRAY(arena, list->count + 1, TarnViewVersion);
    if (metadata->versions == NULL) return tarn_base_arena_check(arena, error);
    TARN_JSON_EACH(item, list) {
        TarnViewVersion *version = &metadata->versions[metadata->version_count++];
        if (!tarn_base_json_int64(tarn_base_json_member(item, "version-id"), &version->id) ||
            !tarn_base_json_int64(tarn_base_json_member(item, "timestamp-ms"),
                                  &version->timestamp_ms) ||
            !tarn_base_json_int64(tarn_base_json_member(item, "schema-id"),
                                  &version->schema_id)) {
            return refuse(name, "a version lacks its id, time or schema", error);
        }
        if (!read_representations(tarn_base_json_member(item, "representations"), name, arena,
                                  version, error)) {
            return false;
        }
    }
    return true;
}

static bool read_root(const TarnJson *root, const char *name, TarnArena *arena,
                      TarnViewMetadata *metadata, TarnError *error) {
    int64_t format = 0;
    int64_t current = 0;
    metadata->root = root;
    if (!tarn_base_json_int64(tarn_base_json_member(root, "format-version"), &format)) {
        return refuse(name, "it has no format version", error);
    }
    if (format != 1) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "%s: views of format version %" PRId64 " are not known",
                                   name != NULL ? name : "view", format);
    }
    metadata->uuid = tarn_base_json_string(tarn_base_json_member(root, "view-uuid"), arena);
    char *location = (char *)(uintptr_t)tarn_base_json_string(
        tarn_base_json_member(root, "location"), arena);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (metadata->uuid == NULL || location == NULL || location[0] == '\0') {
        return refuse(name, "it lacks its uuid or its location", error);
    }
    for (size_t n = strlen(location); n > 1 && location[n - 1] == '/'; n--) location[n - 1] = '\0';
    metadata->location = location;
    if (!tarn_base_json_int64(tarn_base_json_member(root, "current-version-id"), &current) ||
        !read_versions(tarn_base_json_member(root, "versions"), name, arena, metadata, error)) {
        return error->code != TARN_OK ? false
                                      : refuse(name, "it has no current version", error);
    }
    for (size_t i = 0; i < metadata->version_count; i++) {
        if (metadata->versions[i].id == current) metadata->current = &metadata->versions[i];
    }
    return metadata->current != NULL ||
           refuse(name, "its current version is not among its versions", error);
}

bool tarn_table_view_parse(TarnText text, const char *name, TarnArena *arena,
                           TarnViewMetadata **result, TarnError *error) {
    TarnJson *root = NULL;
    TarnViewMetadata *metadata = TARN_NEW(arena, TarnViewMetadata);
    tarn_base_error_clear(error);
    if (metadata == NULL) return tarn_base_arena_check(arena, error);
    if (!tarn_base_json_parse(text, NULL, arena, &root, error)) {
        return tarn_base_error_context(error, "while reading \"%s\"", name != NULL ? name : "view");
    }
    if (root->kind != TARN_JSON_OBJECT) return refuse(name, "it is not an object", error);
    *result = metadata;
    return read_root(root, name, arena, metadata, error);
}

void tarn_table_view_write(const TarnViewMetadata *metadata, TarnBuffer *out) {
    tarn_base_json_write(metadata->root, 0, out);
}

/* --- looking --- */

const char *tarn_table_view_sql(const TarnViewVersion *version, const char *dialect) {
    for (size_t i = 0; i < version->representation_count; i++) {
        if (strcasecmp(version->representations[i].dialect, dialect) == 0) {
            return version->representations[i].sql;
        }
    }
    return NULL;
}

const TarnJson *tarn_table_view_schema(const TarnViewMetadata *metadata,
                                       const TarnViewVersion *version) {
    TARN_JSON_EACH(schema, tarn_base_json_member(metadata->root, "schemas")) {
        int64_t id;
        if (tarn_base_json_int64(tarn_base_json_member(schema, "schema-id"), &id) &&
            id == version->schema_id) {
            return schema;
        }
    }
    return NULL;
}

/* --- changing --- */

typedef struct Change {
    const TarnViewMetadata *base; /* NULL = a new view */
    const TarnViewWanted *wanted;
    int64_t now_ms;
    TarnArena *arena;
    TarnJson *root;
    int64_t schema_id;
    int64_t version_id;
    TarnError *error;
} Change;

static void set_text(Change *change, TarnJson *object, const char *key, const char *value) {
    tarn_base_json_set(change->arena, object, key,
                       tarn_base_json_new_string(change->arena, tarn_base_text(value)));
}

static void set_int(Change *change, TarnJson *object, const char *key, int64_t value) {
    tarn_base_json_set(change->arena, object, key, tarn_base_json_new_int64(change->arena, value));
}

static const TarnJson *base_member(const Change *change, const char *key) {
    return change->base != NULL ? tarn_base_json_member(change->base->root, key) : NULL;
}

/* An array with the items of an old one, behind which others are appended. */
static TarnJson *copy_array(Change *change, const TarnJson *old) {
    TarnJson *array = tarn_base_json_new(change->arena, TARN_JSON_ARRAY);
    TARN_JSON_EACH(item, old) {
        tarn_base_json_append(array, tarn_base_json_copy(change->arena, item));
    }
    return array;
}

static bool same_fields(const TarnJson *a, const TarnJson *b) {
    TarnBuffer left;
    TarnBuffer right;
    tarn_base_buffer_init(&left, TARN_LIMIT_METADATA_BYTES);
    tarn_base_buffer_init(&right, TARN_LIMIT_METADATA_BYTES);
    const TarnJson *a_fields = tarn_base_json_member(a, "fields");
    const TarnJson *b_fields = tarn_base_json_member(b, "fields");
    if (a_fields != NULL && b_fields != NULL) {
        tarn_base_json_write(a_fields, 0, &left);
        tarn_base_json_write(b_fields, 0, &right);
    }
    bool same = left.size > 0 && tarn_base_text_equal(tarn_base_buffer_view(&left),
                                                      tarn_base_buffer_view(&right));
    tarn_base_buffer_dispose(&left);
    tarn_base_buffer_dispose(&right);
    return same;
}

bool tarn_table_view_is(const TarnViewMetadata *metadata, const char *sql,
                        const char *schema_json, TarnArena *arena) {
    const char *old = tarn_table_view_sql(metadata->current, TARN_VIEW_DIALECT);
    TarnJson *given = NULL;
    TarnError ignored;
    return old != NULL && strcmp(old, sql) == 0 && schema_json != NULL &&
           tarn_base_json_parse(tarn_base_text(schema_json), NULL, arena, &given, &ignored) &&
           same_fields(tarn_table_view_schema(metadata, metadata->current), given);
}

/* Columns that a version had before keep their schema's id. */
static bool set_schemas(Change *change) {
    TarnArena *arena = change->arena;
    const TarnJson *old = base_member(change, "schemas");
    TarnJson *schemas = copy_array(change, old);
    TarnJson *given = NULL;
    tarn_base_json_set(arena, change->root, "schemas", schemas);
    change->schema_id = change->base != NULL ? change->base->current->schema_id : 0;
    if (change->wanted->schema_json == NULL) return tarn_base_arena_check(arena, change->error);
    if (!tarn_base_json_parse(tarn_base_text(change->wanted->schema_json), NULL, arena, &given,
                              change->error)) {
        return false;
    }
    int64_t next = 0;
    TARN_JSON_EACH(schema, old) {
        int64_t id = -1;
        if (!tarn_base_json_int64(tarn_base_json_member(schema, "schema-id"), &id)) continue;
        if (same_fields(schema, given)) {
            change->schema_id = id;
            return tarn_base_arena_check(arena, change->error);
        }
        if (id >= next) next = id + 1;
    }
    change->schema_id = next;
    TarnJson *added = tarn_base_json_copy(arena, given);
    set_int(change, added, "schema-id", next);
    tarn_base_json_append(schemas, added);
    return tarn_base_arena_check(arena, change->error);
}

static TarnJson *make_namespace(Change *change) {
    TarnJson *levels = tarn_base_json_new(change->arena, TARN_JSON_ARRAY);
    TarnText rest = tarn_base_text(change->wanted->ns);
    while (rest.data != NULL) {
        TarnText level = tarn_base_text_split(rest, '.', &rest);
        tarn_base_json_append(levels, tarn_base_json_new_string(change->arena, level));
    }
    return levels;
}

static const TarnJson *current_json(const Change *change) {
    TARN_JSON_EACH(item, base_member(change, "versions")) {
        int64_t id;
        if (tarn_base_json_int64(tarn_base_json_member(item, "version-id"), &id) &&
            id == change->base->current->id) {
            return item;
        }
    }
    return NULL;
}

static TarnJson *make_version(Change *change) {
    TarnArena *arena = change->arena;
    TarnJson *version = tarn_base_json_new(arena, TARN_JSON_OBJECT);
    TarnJson *summary = tarn_base_json_new(arena, TARN_JSON_OBJECT);
    TarnJson *list = tarn_base_json_new(arena, TARN_JSON_ARRAY);
    const TarnJson *before = current_json(change);
    const TarnJson *old_ns = tarn_base_json_member(before, "default-namespace");
    const TarnJson *old_catalog = tarn_base_json_member(before, "default-catalog");
    set_int(change, version, "version-id", change->version_id);
    set_int(change, version, "timestamp-ms", change->now_ms);
    set_int(change, version, "schema-id", change->schema_id);
    set_text(change, summary, "engine-name", "tarn");
    set_text(change, summary, "engine-version", TARN_VERSION);
    tarn_base_json_set(arena, version, "summary", summary);
    for (size_t i = 0; i < change->wanted->representation_count; i++) {
        TarnJson *one = tarn_base_json_new(arena, TARN_JSON_OBJECT);
        set_text(change, one, "type", "sql");
        set_text(change, one, "sql", change->wanted->representations[i].sql);
        set_text(change, one, "dialect", change->wanted->representations[i].dialect);
        tarn_base_json_append(list, one);
    }
    tarn_base_json_set(arena, version, "representations", list);
    if (old_catalog != NULL) {
        tarn_base_json_set(arena, version, "default-catalog",
                           tarn_base_json_copy(arena, old_catalog));
    }
    bool given = change->wanted->ns != NULL || old_ns == NULL;
    tarn_base_json_set(arena, version, "default-namespace",
                       given ? make_namespace(change) : tarn_base_json_copy(arena, old_ns));
    return version;
}

static int64_t versions_kept(const Change *change) {
    TarnText text;
    int64_t kept = 0;
    const TarnJson *properties = base_member(change, "properties");
    const TarnJson *value = tarn_base_json_member(properties, "version.history.num-entries");
    if (tarn_base_json_text(value, &text) && tarn_base_text_to_int64(text, &kept) && kept > 0) {
        return kept;
    }
    return VERSIONS_KEPT;
}

/* The newest versions, and log entries of no others. */
static void set_versions(Change *change) {
    TarnArena *arena = change->arena;
    const TarnJson *old = base_member(change, "versions");
    TarnJson *versions = tarn_base_json_new(arena, TARN_JSON_ARRAY);
    TarnJson *log = tarn_base_json_new(arena, TARN_JSON_ARRAY);
    TarnJson *entry = tarn_base_json_new(arena, TARN_JSON_OBJECT);
    int64_t go = old != NULL ? (int64_t)old->count + 1 - versions_kept(change) : 0;
    int64_t first = INT64_MIN; /* the oldest id that stays */
    TARN_JSON_EACH(item, old) {
        if (go-- > 0) continue;
        int64_t id;
        if (first == INT64_MIN &&
            tarn_base_json_int64(tarn_base_json_member(item, "version-id"), &id)) {
            first = id;
        }
        tarn_base_json_append(versions, tarn_base_json_copy(arena, item));
    }
    tarn_base_json_append(versions, make_version(change));
    TARN_JSON_EACH(item, base_member(change, "version-log")) {
        int64_t id;
        if (tarn_base_json_int64(tarn_base_json_member(item, "version-id"), &id) && id >= first) {
            tarn_base_json_append(log, tarn_base_json_copy(arena, item));
        }
    }
    set_int(change, entry, "timestamp-ms", change->now_ms);
    set_int(change, entry, "version-id", change->version_id);
    tarn_base_json_append(log, entry);
    tarn_base_json_set(arena, change->root, "versions", versions);
    tarn_base_json_set(arena, change->root, "version-log", log);
}

bool tarn_table_view_change(const TarnViewMetadata *base, const TarnViewWanted *wanted,
                            int64_t now_ms, TarnArena *arena, TarnViewMetadata **result,
                            TarnError *error) {
    Change change = {.base = base,
                     .wanted = wanted,
                     .now_ms = now_ms,
                     .arena = arena,
                     .version_id = 1,
                     .error = error};
    change.root = tarn_base_json_new(arena, TARN_JSON_OBJECT);
    TarnViewMetadata *metadata = TARN_NEW(arena, TarnViewMetadata);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (base == NULL) {
        set_text(&change, change.root, "view-uuid", wanted->uuid);
        set_int(&change, change.root, "format-version", 1);
        set_text(&change, change.root, "location", wanted->location);
    }
    TARN_JSON_EACH(member, base != NULL ? base->root : NULL) {
        const char *key = tarn_base_text_string(arena, member->key);
        if (key == NULL) return tarn_base_arena_check(arena, error);
        tarn_base_json_set(arena, change.root, key, tarn_base_json_copy(arena, member));
    }
    for (size_t i = 0; base != NULL && i < base->version_count; i++) {
        if (base->versions[i].id >= change.version_id) change.version_id = base->versions[i].id + 1;
        if (base->versions[i].timestamp_ms > change.now_ms) {
            change.now_ms = base->versions[i].timestamp_ms; /* a clock that went back */
        }
    }
    if (!set_schemas(&change)) return false;
    set_int(&change, change.root, "current-version-id", change.version_id);
    set_versions(&change);
    if (base == NULL) {
        tarn_base_json_set(arena, change.root, "properties",
                           tarn_base_json_new(arena, TARN_JSON_OBJECT));
    }
    *result = metadata;
    return tarn_base_arena_check(arena, error) &&
           read_root(change.root, NULL, arena, metadata, error);
}
