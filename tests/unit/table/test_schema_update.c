/* Schema evolution: every rule of the specification, nested columns, and the by-name union with
 * incoming data. Refused changes must leave the schema as it was. */
#include "base/limits.h"
#include "table/schema.h"
#include "tap.h"

static TarnArena arena;
static TarnBuffer out;

static void fresh(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 4 * TARN_MIB);
}

static TarnJson *json_of(const char *text) {
    TarnJson *tree = NULL;
    TarnError error = {0};
    CHECK_OK(tarn_base_json_parse(tarn_base_text(text), NULL, &arena, &tree, &error), &error);
    return tree;
}

/* id 1 (identifier), name 2, price 3, ratio 4, day 5, place 6 {city 7, zip 8}, items 9 [10 {code
 * 11, price 12}], m 13 {key 14 {k 15}, value 16 {x 17}}, tags 18 [19] */
static TarnSchema base_schema(void) {
    static const char json[] =
        "{\"schema-id\":4,\"identifier-field-ids\":[1],\"fields\":["
        "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"int\"},"
        "{\"id\":2,\"name\":\"Name\",\"required\":true,\"type\":\"string\",\"doc\":\"old\"},"
        "{\"id\":3,\"name\":\"price\",\"required\":false,\"type\":\"decimal(9,2)\"},"
        "{\"id\":4,\"name\":\"ratio\",\"required\":false,\"type\":\"float\"},"
        "{\"id\":5,\"name\":\"day\",\"required\":false,\"type\":\"date\"},"
        "{\"id\":6,\"name\":\"place\",\"required\":false,\"type\":{\"type\":\"struct\",\"fields\":["
        "{\"id\":7,\"name\":\"city\",\"required\":false,\"type\":\"string\"},"
        "{\"id\":8,\"name\":\"zip\",\"required\":false,\"type\":\"int\"}]}},"
        "{\"id\":9,\"name\":\"items\",\"required\":false,\"type\":{\"type\":\"list\","
        "\"element-id\":10,\"element-required\":true,\"element\":{\"type\":\"struct\",\"fields\":["
        "{\"id\":11,\"name\":\"code\",\"required\":true,\"type\":\"int\"},"
        "{\"id\":12,\"name\":\"price\",\"required\":false,\"type\":\"float\"}]}}},"
        "{\"id\":13,\"name\":\"m\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":14,"
        "\"key\":{\"type\":\"struct\",\"fields\":[{\"id\":15,\"name\":\"k\",\"required\":true,"
        "\"type\":\"int\"}]},\"value-id\":16,\"value-required\":true,\"value\":{\"type\":"
        "\"struct\",\"fields\":[{\"id\":17,\"name\":\"x\",\"required\":true,\"type\":\"int\"}]}}},"
        "{\"id\":18,\"name\":\"tags\",\"required\":false,\"type\":{\"type\":\"list\","
        "\"element-id\":19,\"element-required\":true,\"element\":\"int\"}}]}";
    TarnSchema schema = {0};
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_from_json(json_of(json), &arena, &schema, &error), &error);
    return schema;
}

static TarnSchemaUpdate start(int version) {
    TarnSchema base = base_schema();
    TarnSchemaUpdate update;
    tarn_table_schema_update_init(&update, &base, 25, version, &arena);
    CHECK(tarn_table_schema_same(&update.schema, &base));
    CHECK_INT(update.last_column_id, 25);
    return update;
}

static TarnType type_of(const char *sql) {
    TarnType type = {0};
    TarnError error = {0};
    int32_t next_id = 500;
    CHECK_OK(tarn_table_type_from_sql(tarn_base_text(sql), &next_id, &arena, &type, &error),
             &error);
    return type;
}

/* "id 1, price 26, .." of one level */
static const char *level_of(const TarnField *fields, size_t count) {
    tarn_base_buffer_clear(&out);
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(&out, "%s%s %d", i > 0 ? ", " : "", fields[i].name, fields[i].id);
    }
    return out.data;
}

static const char *level_at(const TarnSchemaUpdate *update, const char *path) {
    if (path == NULL) return level_of(update->schema.fields, update->schema.field_count);
    const TarnField *field = tarn_table_schema_find_name(&update->schema, path);
    return field != NULL ? level_of(field->type.fields, field->type.field_count) : NULL;
}

static const TarnField *at(const TarnSchemaUpdate *update, const char *path) {
    static const TarnField none = {.name = "(none)"};
    const TarnField *field = tarn_table_schema_find_name(&update->schema, path);
    if (field == NULL) tap_fail(__FILE__, __LINE__, path);
    return field != NULL ? field : &none;
}

static void check_refused(bool done, const TarnError *error, TarnErrorCode code, const char *said,
                          int line) {
    if (done) tap_fail(__FILE__, line, "not refused");
    if (!done && error->code != code) tap_fail(__FILE__, line, error->message);
    if (!done && strstr(error->message, said) == NULL && strstr(error->hint, said) == NULL) {
        tap_fail(__FILE__, line, error->message);
        printf("# hint: %s\n", error->hint);
    }
}

#define REFUSED(call, said)                                                                        \
    check_refused((call), &error, TARN_E_SCHEMA_CHANGE_REFUSED, (said), __LINE__)
#define ABSENT(call, said) check_refused((call), &error, TARN_E_COLUMN_NOT_FOUND, (said), __LINE__)
#define BAD_NAME(call, said) check_refused((call), &error, TARN_E_NAME_INVALID, (said), __LINE__)

static bool add(TarnSchemaUpdate *update, const char *parent, const char *name, const char *sql,
                TarnError *error) {
    TarnType type = type_of(sql);
    return tarn_table_schema_update_add(update, parent, name, &type, false, NULL, NULL, NULL,
                                        error);
}

static void columns_are_added_with_fresh_ids(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    CHECK_OK(add(&update, NULL, "more", "STRUCT(a INTEGER[], b MAP(VARCHAR, DATE))", &error),
             &error);
    CHECK_INT(at(&update, "more")->id, 26);
    CHECK_INT(at(&update, "more.a")->id, 27);
    CHECK_INT(at(&update, "more.b")->id, 28);
    CHECK_INT(at(&update, "more.a.element")->id, 29);
    CHECK_INT(at(&update, "more.b.key")->id, 30);
    CHECK_INT(at(&update, "more.b.value")->id, 31);
    CHECK_OK(add(&update, "place", "country", "VARCHAR", &error), &error);
    CHECK_OK(add(&update, "items.element", "count", "BIGINT", &error), &error);
    CHECK_OK(add(&update, "items", "unit", "VARCHAR", &error), &error); /* its element */
    CHECK_OK(add(&update, "m.value", "y", "DOUBLE", &error), &error);
    CHECK_OK(add(&update, "m", "z", "DOUBLE", &error), &error); /* its value */
    CHECK_OK(add(&update, "", "with.dot", "DATE", &error), &error);
    CHECK_STRING(level_at(&update, "place"), "city 7, zip 8, country 32");
    CHECK_STRING(level_at(&update, "items.element"), "code 11, price 12, count 33, unit 34");
    CHECK_STRING(level_at(&update, "m.value"), "x 17, y 35, z 36");
    CHECK_INT(at(&update, "with.dot")->id, 37);
    CHECK_INT(update.last_column_id, 37);
    CHECK(!at(&update, "more")->required);
    CHECK_INT(update.schema.source.size, 0);
    CHECK_OK(tarn_table_schema_check_new(&update.schema, 2, &error), &error);
}

static void wrong_additions_are_refused(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    REFUSED(add(&update, NULL, "price", "DATE", &error), "exists already");
    REFUSED(add(&update, NULL, "NAME", "DATE", &error), "exists already");
    REFUSED(add(&update, NULL, "place.city", "DATE", &error), "exists already");
    REFUSED(add(&update, "place", "City", "DATE", &error), "exists already");
    REFUSED(add(&update, "price", "x", "DATE", &error), "not a struct");
    REFUSED(add(&update, "tags", "x", "DATE", &error), "not a struct");
    REFUSED(add(&update, "m.key", "x", "DATE", &error), "keys cannot be changed");
    ABSENT(add(&update, "plase", "x", "DATE", &error), "did you mean \"place\"");
    BAD_NAME(add(&update, NULL, "", "DATE", &error), "needs a name");
    BAD_NAME(add(&update, NULL, "a\x01", "DATE", &error), "U+0001");
    BAD_NAME(add(&update, NULL, "\xFF", "DATE", &error), "not UTF-8");
    BAD_NAME(add(&update, NULL, "__duckdb_field_id", "DATE", &error), "engine");
    REFUSED(add(&update, NULL, "x", "TIMESTAMP_NS", &error), "cast it to TIMESTAMP");
    REFUSED(add(&update, NULL, "x", "STRUCT(v VARIANT[])", &error), "variant");
    TarnType type = type_of("BIGINT");
    TarnType empty = {.primitive.kind = TARN_TYPE_STRUCT};
    REFUSED(tarn_table_schema_update_add(&update, NULL, "x", &type, true, NULL, NULL, NULL, &error),
            "existing rows have no value");
    REFUSED(tarn_table_schema_update_add(&update, NULL, "x", &type, false, NULL, json_of("5"), NULL,
                                         &error),
            "format version 2");
    REFUSED(
        tarn_table_schema_update_add(&update, NULL, "x", &empty, false, NULL, NULL, NULL, &error),
        "without columns");
    CHECK_INT(update.last_column_id, 25);
    TarnSchema base = base_schema();
    CHECK(tarn_table_schema_same(&update.schema, &base));
    update.table_is_empty = true;
    CHECK_OK(
        tarn_table_schema_update_add(&update, NULL, "x", &type, true, "why", NULL, NULL, &error),
        &error);
    CHECK(at(&update, "x")->required);
    CHECK_STRING(at(&update, "x")->doc, "why");
    update.last_column_id = INT32_MAX - 200;
    check_refused(add(&update, NULL, "last", "DATE", &error), &error, TARN_E_LIMIT_EXCEEDED,
                  "used up", __LINE__);
}

static void defaults_need_version_three(void) {
    fresh();
    TarnSchemaUpdate update = start(3);
    TarnError error = {0};
    TarnType type = type_of("BIGINT");
    CHECK_OK(tarn_table_schema_update_add(&update, NULL, "x", &type, true, NULL, json_of("5"), NULL,
                                          &error),
             &error);
    CHECK(at(&update, "x")->initial_default != NULL);
    CHECK(at(&update, "x")->write_default == at(&update, "x")->initial_default);
    CHECK_OK(tarn_table_schema_update_add(&update, NULL, "y", &type, false, NULL, json_of("5"),
                                          json_of("6"), &error),
             &error);
    CHECK_STRING(at(&update, "y")->write_default->text.data, "6");
    CHECK_OK(tarn_table_schema_update_add(&update, NULL, "z", &type, false, NULL, json_of("null"),
                                          json_of("null"), &error),
             &error);
    CHECK(at(&update, "z")->initial_default == NULL && at(&update, "z")->write_default == NULL);
    REFUSED(tarn_table_schema_update_add(&update, NULL, "w", &type, true, NULL, NULL, json_of("5"),
                                         &error),
            "give it a default");
    REFUSED(tarn_table_schema_update_add(&update, NULL, "w", &type, false, NULL, json_of("\"5\""),
                                         NULL, &error),
            "not a value");
    TarnType unknown = type_of("\"NULL\"");
    update.table_is_empty = true;
    REFUSED(
        tarn_table_schema_update_add(&update, NULL, "w", &unknown, true, NULL, NULL, NULL, &error),
        "always null");
    CHECK_OK(
        tarn_table_schema_update_add(&update, NULL, "w", &unknown, false, NULL, NULL, NULL, &error),
        &error);
}

static void columns_are_dropped(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    static const int32_t used[] = {5, 17};
    CHECK_OK(tarn_table_schema_update_drop(&update, "price", used, 2, &error), &error);
    CHECK_OK(tarn_table_schema_update_drop(&update, "ITEMS.element.price", used, 2, &error),
             &error);
    CHECK_OK(tarn_table_schema_update_drop(&update, "place.city", used, 2, &error), &error);
    CHECK_STRING(level_at(&update, NULL),
                 "id 1, Name 2, ratio 4, day 5, place 6, items 9, m 13, tags 18");
    CHECK_STRING(level_at(&update, "items.element"), "code 11");
    REFUSED(tarn_table_schema_update_drop(&update, "id", used, 2, &error), "identifies");
    REFUSED(tarn_table_schema_update_drop(&update, "day", used, 2, &error), "partitioned or");
    REFUSED(tarn_table_schema_update_drop(&update, "m", used, 2, &error), "partitioned or");
    REFUSED(tarn_table_schema_update_drop(&update, "place.zip", used, 2, &error), "only one");
    REFUSED(tarn_table_schema_update_drop(&update, "items.element", used, 2, &error), "element");
    REFUSED(tarn_table_schema_update_drop(&update, "m.value", used, 2, &error), "value");
    REFUSED(tarn_table_schema_update_drop(&update, "m.key", used, 2, &error), "keys cannot");
    REFUSED(tarn_table_schema_update_drop(&update, "m.key.k", used, 2, &error), "keys cannot");
    ABSENT(tarn_table_schema_update_drop(&update, "rati", used, 2, &error), "\"ratio\"");
    ABSENT(tarn_table_schema_update_drop(&update, "price", used, 2, &error), "does not exist");
    CHECK_OK(tarn_table_schema_update_drop(&update, "place", NULL, 0, &error), &error);
    /* the same name again is another column */
    CHECK_OK(add(&update, NULL, "price", "DECIMAL(9,2)", &error), &error);
    CHECK_INT(at(&update, "price")->id, 26);
    TarnSchema base = base_schema();
    CHECK(tarn_table_schema_find_name(&base, "price")->id == 3); /* the base is untouched */
}

static void columns_are_renamed(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_update_rename(&update, "name", "Title", &error), &error);
    CHECK_INT(at(&update, "Title")->id, 2);
    CHECK_OK(tarn_table_schema_update_rename(&update, "Title", "TITLE", &error), &error);
    CHECK_STRING(at(&update, "title")->name, "TITLE");
    CHECK_OK(tarn_table_schema_update_rename(&update, "items.element.price", "cost", &error),
             &error);
    CHECK_INT(at(&update, "items.element.cost")->id, 12);
    CHECK_OK(tarn_table_schema_update_rename(&update, "m.value.x", "y", &error), &error);
    CHECK_OK(tarn_table_schema_update_rename(&update, "id", "key", &error), &error);
    CHECK_INT(update.schema.identifier_ids[0], 1);
    REFUSED(tarn_table_schema_update_rename(&update, "price", "RATIO", &error), "exists already");
    REFUSED(tarn_table_schema_update_rename(&update, "items.element", "x", &error), "element");
    REFUSED(tarn_table_schema_update_rename(&update, "m.key.k", "x", &error), "keys cannot");
    BAD_NAME(tarn_table_schema_update_rename(&update, "price", "", &error), "needs a name");
    ABSENT(tarn_table_schema_update_rename(&update, "prise", "x", &error), "\"price\"");
}

static bool widen(TarnSchemaUpdate *update, const char *path, const char *type, TarnError *error) {
    TarnPrimitive primitive = {.kind = TARN_TYPE_STRUCT};
    if (type != NULL) CHECK(tarn_format_primitive_parse(tarn_base_text(type), &primitive));
    return tarn_table_schema_update_type(update, path, primitive, error);
}

static void types_only_widen(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    CHECK_OK(widen(&update, "id", "long", &error), &error);
    CHECK_INT(at(&update, "id")->type.primitive.kind, TARN_TYPE_LONG);
    CHECK_OK(widen(&update, "ratio", "double", &error), &error);
    CHECK_OK(widen(&update, "price", "decimal(20,2)", &error), &error);
    CHECK_INT(at(&update, "price")->type.primitive.precision, 20);
    CHECK_OK(widen(&update, "price", "decimal(20,2)", &error), &error); /* as it is */
    CHECK_OK(widen(&update, "place.zip", "long", &error), &error);
    CHECK_OK(widen(&update, "items.element.price", "double", &error), &error);
    CHECK_OK(widen(&update, "m.value.x", "long", &error), &error);
    CHECK_OK(widen(&update, "tags.element", "long", &error), &error);
    CHECK_INT(at(&update, "tags.element")->id, 19);
    REFUSED(widen(&update, "id", "int", &error), "can only widen");
    REFUSED(widen(&update, "id", "string", &error), "from long to string");
    REFUSED(widen(&update, "id", "double", &error), "can only widen");
    REFUSED(widen(&update, "price", "decimal(19,2)", &error), "can only widen");
    REFUSED(widen(&update, "price", "decimal(21,3)", &error), "can only widen");
    REFUSED(widen(&update, "Name", "binary", &error), "can only widen");
    REFUSED(widen(&update, "day", "timestamp", &error), "can only widen");
    REFUSED(widen(&update, "place", "string", &error), "from struct to string");
    REFUSED(widen(&update, "Name", NULL, &error), "from string to struct");
    REFUSED(widen(&update, "place", NULL, &error), "can only widen");
    REFUSED(widen(&update, "m.key.k", "long", &error), "keys cannot");
    ABSENT(widen(&update, "nam", "long", &error), "\"Name\"");
}

static void version_three_widens_more(void) {
    fresh();
    TarnSchemaUpdate update = start(3);
    TarnError error = {0};
    TarnType date = type_of("DATE");
    TarnType unknown = type_of("\"NULL\"");
    CHECK_OK(tarn_table_schema_update_add(&update, NULL, "due", &date, false, NULL,
                                          json_of("\"2026-11-21\""), NULL, &error),
             &error);
    CHECK_OK(
        tarn_table_schema_update_add(&update, NULL, "u", &unknown, false, NULL, NULL, NULL, &error),
        &error);
    CHECK_OK(widen(&update, "due", "timestamp", &error), &error);
    CHECK_STRING(at(&update, "due")->initial_default->text.data, "2026-11-21T00:00:00");
    CHECK_STRING(at(&update, "due")->write_default->text.data, "2026-11-21T00:00:00");
    CHECK_OK(tarn_table_schema_check_new(&update.schema, 3, &error), &error);
    CHECK_OK(widen(&update, "u", "decimal(9,2)", &error), &error);
    REFUSED(widen(&update, "day", "timestamptz", &error), "can only widen");
    static const int32_t sources[] = {5};
    update.partition_source_ids = sources;
    update.partition_source_count = 1;
    REFUSED(widen(&update, "day", "timestamp", &error), "partitions are made");
    CHECK_OK(widen(&update, "id", "long", &error), &error);
    update.partition_source_count = 0;
    CHECK_OK(widen(&update, "day", "timestamp_ns", &error), &error);
    TarnType late = type_of("DATE");
    CHECK_OK(tarn_table_schema_update_add(&update, NULL, "late", &late, false, NULL,
                                          json_of("\"+20000-01-01\""), NULL, &error),
             &error);
    REFUSED(widen(&update, "late", "timestamp_ns", &error), "beyond the range");
    CHECK_INT(at(&update, "late")->type.primitive.kind, TARN_TYPE_DATE);
}

static void required_becomes_optional_only(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_update_optional(&update, "name", &error), &error);
    CHECK(!at(&update, "Name")->required);
    CHECK_OK(tarn_table_schema_update_optional(&update, "name", &error), &error);
    CHECK_OK(tarn_table_schema_update_optional(&update, "items.element.code", &error), &error);
    CHECK_OK(tarn_table_schema_update_optional(&update, "items.element", &error), &error);
    CHECK_OK(tarn_table_schema_update_optional(&update, "m.value", &error), &error);
    CHECK(!at(&update, "m.value")->required);
    REFUSED(tarn_table_schema_update_optional(&update, "id", &error), "identifies");
    REFUSED(tarn_table_schema_update_optional(&update, "m.key", &error), "keys cannot");
    ABSENT(tarn_table_schema_update_optional(&update, "m.values", &error), "\"m.value\"");
}

static void descriptions_change(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_update_doc(&update, "name", "new", &error), &error);
    CHECK_STRING(at(&update, "Name")->doc, "new");
    CHECK_OK(tarn_table_schema_update_doc(&update, "name", NULL, &error), &error);
    CHECK_STRING(at(&update, "Name")->doc, NULL);
    CHECK_OK(tarn_table_schema_update_doc(&update, "place.zip", "code", &error), &error);
    REFUSED(tarn_table_schema_update_doc(&update, "place.zip", "\xFF", &error), "UTF-8");
    REFUSED(tarn_table_schema_update_doc(&update, "tags.element", "x", &error), "no description");
}

static void defaults_of_later_rows_change(void) {
    fresh();
    TarnSchemaUpdate update = start(3);
    TarnError error = {0};
    const TarnJson *five = json_of("5");
    TarnType type = type_of("INTEGER");
    CHECK_OK(
        tarn_table_schema_update_add(&update, NULL, "n", &type, true, NULL, five, NULL, &error),
        &error);
    CHECK(at(&update, "n")->initial_default == five && at(&update, "n")->write_default == five);
    const TarnJson *six = json_of("6");
    CHECK_OK(tarn_table_schema_update_default(&update, "n", six, &error), &error);
    CHECK(at(&update, "n")->initial_default == five && at(&update, "n")->write_default == six);
    CHECK_OK(tarn_table_schema_update_default(&update, "n", NULL, &error), &error);
    CHECK(at(&update, "n")->initial_default == five && at(&update, "n")->write_default == NULL);
    CHECK_OK(tarn_table_schema_update_default(&update, "place.zip", six, &error), &error);
    CHECK_OK(tarn_table_schema_update_default(&update, "place", json_of("{}"), &error), &error);
    REFUSED(tarn_table_schema_update_default(&update, "place", five, &error), "null or {}");
    REFUSED(tarn_table_schema_update_default(&update, "n", json_of("\"x\""), &error),
            "not a value of it");
    REFUSED(tarn_table_schema_update_default(&update, "tags.element", five, &error), "no default");
    CHECK(!tarn_table_schema_update_default(&update, "nobody", five, &error));
    CHECK_INT(error.code, TARN_E_COLUMN_NOT_FOUND);
    update = start(2);
    REFUSED(tarn_table_schema_update_default(&update, "id", five, &error), "format version 2");
    CHECK_OK(tarn_table_schema_update_default(&update, "id", NULL, &error), &error);
}

static void variants_are_columns_of_their_own(void) {
    fresh();
    TarnSchemaUpdate update = start(3);
    TarnError error = {0};
    TarnType variant = {.primitive = {.kind = TARN_TYPE_VARIANT}};
    CHECK_OK(
        tarn_table_schema_update_add(&update, NULL, "v", &variant, false, NULL, NULL, NULL, &error),
        &error);
    REFUSED(tarn_table_schema_update_add(&update, "place", "v", &variant, false, NULL, NULL, NULL,
                                         &error),
            "a variant inside of another type");
    TarnType list = {.primitive = {.kind = TARN_TYPE_LIST}, .field_count = 1};
    TarnField element = {.name = "element", .type = variant};
    list.fields = &element;
    REFUSED(
        tarn_table_schema_update_add(&update, NULL, "l", &list, false, NULL, NULL, NULL, &error),
        "a variant inside of another type");
}

static void columns_move_within_their_struct(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    CHECK_OK(tarn_table_schema_update_move(&update, "tags", TARN_MOVE_FIRST, NULL, &error), &error);
    CHECK_OK(tarn_table_schema_update_move(&update, "id", TARN_MOVE_AFTER, "price", &error),
             &error);
    CHECK_OK(tarn_table_schema_update_move(&update, "day", TARN_MOVE_BEFORE, "NAME", &error),
             &error);
    CHECK_STRING(level_at(&update, NULL),
                 "tags 18, day 5, Name 2, price 3, id 1, ratio 4, place 6, "
                 "items 9, m 13");
    CHECK_OK(tarn_table_schema_update_move(&update, "m", TARN_MOVE_AFTER, "m", &error), &error);
    CHECK_OK(tarn_table_schema_update_move(&update, "tags", TARN_MOVE_AFTER, "m", &error), &error);
    CHECK_OK(tarn_table_schema_update_move(&update, "m", TARN_MOVE_BEFORE, "tags", &error), &error);
    CHECK_STRING(level_at(&update, NULL),
                 "day 5, Name 2, price 3, id 1, ratio 4, place 6, items 9, "
                 "m 13, tags 18");
    CHECK_OK(tarn_table_schema_update_move(&update, "place.zip", TARN_MOVE_FIRST, NULL, &error),
             &error);
    CHECK_STRING(level_at(&update, "place"), "zip 8, city 7");
    CHECK_OK(
        tarn_table_schema_update_move(&update, "place.zip", TARN_MOVE_AFTER, "place.city", &error),
        &error);
    CHECK_OK(tarn_table_schema_update_move(&update, "items.element.code", TARN_MOVE_AFTER, "price",
                                           &error), /* its sibling, not the column above */
             &error);
    CHECK_STRING(level_at(&update, "items.element"), "price 12, code 11");
    REFUSED(tarn_table_schema_update_move(&update, "place.zip", TARN_MOVE_AFTER, "id", &error),
            "another struct");
    REFUSED(tarn_table_schema_update_move(&update, "tags.element", TARN_MOVE_FIRST, NULL, &error),
            "cannot be moved");
    ABSENT(tarn_table_schema_update_move(&update, "id", TARN_MOVE_AFTER, "day_", &error),
           "\"day\"");
    ABSENT(tarn_table_schema_update_move(&update, "id", TARN_MOVE_AFTER, NULL, &error), "exist");
    CHECK_INT(update.last_column_id, 25);
    CHECK_OK(tarn_table_schema_check_new(&update.schema, 2, &error), &error);
}

/* ---- union ---- */

/* "name TYPE|name TYPE|.." */
static TarnSchema incoming_of(const char *columns, int version) {
    const char *names[16];
    TarnText types[16];
    size_t count = 0;
    TarnText rest = tarn_base_text(columns);
    while (rest.data != NULL && count < 16) {
        TarnText type = tarn_base_text_split(rest, '|', &rest);
        names[count] = tarn_base_text_string(&arena,
                                             tarn_base_text_split(type, ' ', &types[count]));
        count++;
    }
    TarnSchema schema = {0};
    TarnError error = {0};
    int32_t last_id;
    CHECK_OK(
        tarn_table_schema_from_sql(names, types, count, version, &arena, &schema, &last_id, &error),
        &error);
    return schema;
}

static void unions_widen_and_add(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnError error = {0};
    bool changed = true;
    TarnSchema fitting = incoming_of("ID SMALLINT|name VARCHAR|price INTEGER|m MAP(STRUCT(K "
                                     "INTEGER), STRUCT(x INTEGER))",
                                     2);
    REFUSED(tarn_table_schema_update_union(&update, &fitting, &changed, &error), "decimal(9,2)");
    fitting = incoming_of("ID SMALLINT|name VARCHAR|price DECIMAL(5,1)|m MAP(STRUCT(K INTEGER), "
                          "STRUCT(x INTEGER))",
                          2);
    CHECK_OK(tarn_table_schema_update_union(&update, &fitting, &changed, &error), &error);
    CHECK(!changed);
    TarnSchema base = base_schema();
    CHECK(tarn_table_schema_same(&update.schema, &base));
    TarnSchema wider = incoming_of(
        "Extra STRUCT(a INTEGER, b DATE)|id BIGINT|price DECIMAL(12,2)|ratio DOUBLE|PLACE "
        "STRUCT(zip BIGINT, country VARCHAR)|items STRUCT(code BIGINT, n UUID)[]|m "
        "MAP(STRUCT(k INTEGER), STRUCT(w DATE))|tags BIGINT[]",
        2);
    CHECK_OK(tarn_table_schema_update_union(&update, &wider, &changed, &error), &error);
    CHECK(changed);
    CHECK_STRING(level_at(&update, NULL),
                 "id 1, Name 2, price 3, ratio 4, day 5, place 6, items 9, "
                 "m 13, tags 18, Extra 26");
    CHECK_STRING(level_at(&update, "Extra"), "a 27, b 28");
    CHECK_STRING(level_at(&update, "place"), "city 7, zip 8, country 29");
    CHECK_STRING(level_at(&update, "items.element"), "code 11, price 12, n 30");
    CHECK_STRING(level_at(&update, "m.value"), "x 17, w 31");
    CHECK_INT(at(&update, "id")->type.primitive.kind, TARN_TYPE_LONG);
    CHECK(at(&update, "id")->required); /* data without it does not loosen the table */
    CHECK_INT(at(&update, "price")->type.primitive.precision, 12);
    CHECK_INT(at(&update, "items.element.code")->type.primitive.kind, TARN_TYPE_LONG);
    CHECK_INT(at(&update, "tags.element")->type.primitive.kind, TARN_TYPE_LONG);
    CHECK_OK(tarn_table_schema_update_union(&update, &wider, &changed, &error), &error);
    CHECK(!changed);
    CHECK_INT(update.last_column_id, 31);
}

static void unions_that_lose_are_refused(void) {
    fresh();
    TarnSchemaUpdate update = start(2);
    TarnSchema base = base_schema();
    static const char *const cases[][2] = {
        {"fresh DATE|id VARCHAR", "is of type int, and the new data brings string"},
        {"name BIGINT", "cast the new data to VARCHAR"},
        {"ratio BIGINT", "cast the new data to FLOAT"},
        {"price DOUBLE", "cast the new data to DECIMAL(9,2)"},
        {"price DECIMAL(9,3)", "decimal(9,3)"},
        {"price BIGINT", "brings long"},
        {"day TIMESTAMP", "cast the new data to DATE"},
        {"place VARCHAR", "is of type struct"},
        {"place STRUCT(zip VARCHAR)", "\"place.zip\""},
        {"items INTEGER[]", "\"items.element\""},
        {"m MAP(INTEGER, INTEGER)", "\"m\""},
        {"m MAP(STRUCT(k BIGINT), STRUCT(x INTEGER))", "\"m\""},
        {"m MAP(STRUCT(k INTEGER, l INTEGER), STRUCT(x INTEGER))", "\"m\""},
        {"m MAP(STRUCT(k INTEGER), STRUCT(x VARCHAR))", "\"m.value.x\""},
        {"tags MAP(INTEGER, INTEGER)", "is of type list"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnSchema incoming = incoming_of(cases[i][0], 2);
        TarnError error = {0};
        bool changed = true;
        REFUSED(tarn_table_schema_update_union(&update, &incoming, &changed, &error), cases[i][1]);
        CHECK(!changed);
        CHECK(tarn_table_schema_same(&update.schema, &base)); /* nothing half done */
        CHECK_INT(update.last_column_id, 25);
    }
    TarnSchema later = incoming_of("fresh DATE|ns TIMESTAMP_NS", 3);
    TarnError error = {0};
    bool changed;
    REFUSED(tarn_table_schema_update_union(&update, &later, &changed, &error), "timestamp_ns");
    CHECK(tarn_table_schema_same(&update.schema, &base));
}

static void integers_fit_doubles_and_wide_decimals(void) {
    fresh();
    TarnSchema table = incoming_of("a DOUBLE|b DECIMAL(12,2)|c DECIMAL(21,2)|d BLOB", 2);
    table.fields[3].type.primitive = (TarnPrimitive){.kind = TARN_TYPE_FIXED, .length = 3};
    TarnSchemaUpdate update;
    TarnError error = {0};
    bool changed;
    tarn_table_schema_update_init(&update, &table, 4, 2, &arena);
    TarnSchema incoming = incoming_of("a INTEGER|b INTEGER|c BIGINT|d BLOB", 2);
    CHECK_OK(tarn_table_schema_update_union(&update, &incoming, &changed, &error), &error);
    CHECK(!changed);
    incoming = incoming_of("a BIGINT", 2); /* above 2^53 not exact */
    REFUSED(tarn_table_schema_update_union(&update, &incoming, &changed, &error), "brings long");
    incoming = incoming_of("b BIGINT", 2);
    REFUSED(tarn_table_schema_update_union(&update, &incoming, &changed, &error), "DECIMAL(12,2)");
    TarnSchema nulls = incoming_of("a \"NULL\"|fresh BIGINT", 3);
    CHECK_OK(tarn_table_schema_update_union(&update, &nulls, &changed, &error), &error);
    CHECK_INT(at(&update, "fresh")->id, 5);
}

static void many_columns_take_little_memory(void) {
    fresh();
    TarnSchema table = incoming_of("a DOUBLE", 2);
    TarnSchema incoming = {.field_count = 3000};
    incoming.fields = TARN_NEW_ARRAY(&arena, incoming.field_count, TarnField);
    for (size_t i = 0; i < incoming.field_count; i++) {
        incoming.fields[i].name = tarn_base_arena_printf(&arena, "c%zu", i);
        incoming.fields[i].type.primitive.kind = TARN_TYPE_LONG;
    }
    TarnSchemaUpdate update;
    TarnError error = {0};
    bool changed;
    size_t before = arena.used;
    tarn_table_schema_update_init(&update, &table, 1, 2, &arena);
    CHECK_OK(tarn_table_schema_update_union(&update, &incoming, &changed, &error), &error);
    CHECK_INT(update.schema.field_count, 3001);
    CHECK_INT(at(&update, "c2999")->id, 3001);
    CHECK(arena.used - before < 4 * TARN_MIB);
    CHECK_OK(tarn_table_schema_update_drop(&update, "c5", NULL, 0, &error), &error);
    CHECK_OK(add(&update, NULL, "c5", "DATE", &error), &error);
    CHECK_INT(at(&update, "c5")->id, 3002);
    CHECK_INT(at(&update, "c6")->id, 8);
}

static void exhausted_memory_is_an_error(void) {
    fresh();
    TarnSchema base = base_schema();
    TarnType type = type_of("STRUCT(a INTEGER[], b VARCHAR)");
    TarnSchema incoming = incoming_of("extra DATE|place STRUCT(n DOUBLE)", 2);
    int done_count = 0;
    for (size_t limit = 0; limit < 24000; limit += 32) {
        TarnArena small;
        TarnSchemaUpdate update;
        TarnError error = {0};
        bool changed;
        tarn_base_arena_init(&small, limit);
        tarn_table_schema_update_init(&update, &base, 25, 2, &small);
        bool done = tarn_table_schema_update_add(&update, "items", "x", &type, false, "doc", NULL,
                                                 NULL, &error) &&
                    tarn_table_schema_update_rename(&update, "name", "title", &error) &&
                    tarn_table_schema_update_doc(&update, "title", "text", &error) &&
                    tarn_table_schema_update_union(&update, &incoming, &changed, &error) &&
                    tarn_table_schema_update_drop(&update, "extra", NULL, 0, &error);
        CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        done_count += done;
        tarn_base_arena_dispose(&small);
    }
    CHECK(done_count > 0 && done_count < 745);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(columns_are_added_with_fresh_ids);
    TAP_TEST(wrong_additions_are_refused);
    TAP_TEST(defaults_need_version_three);
    TAP_TEST(columns_are_dropped);
    TAP_TEST(columns_are_renamed);
    TAP_TEST(types_only_widen);
    TAP_TEST(version_three_widens_more);
    TAP_TEST(required_becomes_optional_only);
    TAP_TEST(descriptions_change);
    TAP_TEST(defaults_of_later_rows_change);
    TAP_TEST(variants_are_columns_of_their_own);
    TAP_TEST(columns_move_within_their_struct);
    TAP_TEST(unions_widen_and_add);
    TAP_TEST(unions_that_lose_are_refused);
    TAP_TEST(integers_fit_doubles_and_wide_decimals);
    TAP_TEST(many_columns_take_little_memory);
    TAP_TEST(exhausted_memory_is_an_error);
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&out);
    return tap_end();
}
