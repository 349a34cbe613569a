/* What the table core says to DuckDB, asked of DuckDB itself: literals, transforms, types and field
 * ids over random values, in a session whose time zone is not UTC. Skipped without the library. */
#include <math.h>

#include "base/hash.h"
#include "engine_test.h"
#include "table/partition.h"

#define SEED UINT64_C(0x5EED0004)
#define ROWS 60

static TarnArena arena;
static uint64_t state = SEED;

static uint64_t next_random(void) {
    state += UINT64_C(0x9E3779B97F4A7C15);
    return tarn_base_hash64(&state, sizeof(state), SEED);
}

static uint64_t below(uint64_t limit) { return next_random() % limit; }

/* ---- tarn_bucket, as the header of transforms asks for it ---- */

static bool call_bucket(void *unused, const TarnEngineVector *arguments, uint32_t count,
                        TarnEngineOutput *output, TarnError *error) {
    (void)unused;
    (void)count;
    (void)error;
    int32_t *out = output->data;
    const int32_t *n = arguments[0].data;
    const TarnEngineVector *values = &arguments[1];
    for (uint64_t row = 0; row < output->rows; row++) {
        if (tarn_engine_vector_null(values, row)) continue;
        if (values->type->kind == TARN_ENGINE_BIGINT) {
            out[row] = tarn_table_bucket_long(n[row], ((const int64_t *)values->data)[row]);
        } else if (values->type->kind == TARN_ENGINE_HUGEINT) {
            TarnEngineInt128 wide = ((const TarnEngineInt128 *)values->data)[row];
            TarnInt128 unscaled = (TarnInt128)wide.upper * ((TarnInt128)1 << 64) + wide.lower;
            out[row] = tarn_table_bucket_decimal(n[row], unscaled);
        } else {
            out[row] = tarn_table_bucket_bytes(n[row], tarn_engine_vector_text(values, row));
        }
    }
    return true;
}

static bool register_bucket(void) {
    static const TarnEngineKind kinds[][2] = {{TARN_ENGINE_INTEGER, TARN_ENGINE_BIGINT},
                                              {TARN_ENGINE_INTEGER, TARN_ENGINE_HUGEINT},
                                              {TARN_ENGINE_INTEGER, TARN_ENGINE_BLOB}};
    for (size_t i = 0; i < 3; i++) {
        TarnEngineScalar scalar = {.name = "tarn_bucket",
                                   .arguments = kinds[i],
                                   .argument_count = 2,
                                   .result = TARN_ENGINE_INTEGER,
                                   .call = call_bucket};
        if (!tarn_engine_scalar_register(session, &scalar, &failure)) return false;
    }
    return true;
}

/* ---- random types and values within DuckDB's range ---- */

static TarnPrimitive random_type(void) {
    static const TarnTypeKind kinds[] = {
        TARN_TYPE_BOOLEAN,   TARN_TYPE_INT,         TARN_TYPE_LONG,         TARN_TYPE_FLOAT,
        TARN_TYPE_DOUBLE,    TARN_TYPE_DECIMAL,     TARN_TYPE_DATE,         TARN_TYPE_TIME,
        TARN_TYPE_TIMESTAMP, TARN_TYPE_TIMESTAMPTZ, TARN_TYPE_TIMESTAMP_NS, TARN_TYPE_STRING,
        TARN_TYPE_UUID,      TARN_TYPE_FIXED,       TARN_TYPE_BINARY};
    TarnPrimitive type = {.kind = kinds[below(sizeof(kinds) / sizeof(kinds[0]))]};
    if (type.kind == TARN_TYPE_DECIMAL) {
        type.precision = 1 + (int32_t)below(38);
        type.scale = (int32_t)below((uint64_t)type.precision + 1);
    }
    if (type.kind == TARN_TYPE_FIXED) type.length = 1 + (int32_t)below(20);
    return type;
}

/* Near zero, near the ends, near the edges of days and hours, and anything. */
static int64_t random_integer(void) {
    int64_t edge = ((int64_t)below(100000) - 50000) * INT64_C(3600000000);
    switch (below(6)) {
    case 0: return (int64_t)below(100) - 50;
    case 1: return INT64_MAX - (int64_t)below(3);
    case 2: return INT64_MIN + (int64_t)below(3);
    case 3: return edge + (int64_t)below(3) - 1;
    case 4: return edge * 24 + (int64_t)below(3) - 1;
    default: return (int64_t)next_random() >> below(63);
    }
}

/* Out of DuckDB's range becomes -infinity, which is in it. */
static int64_t random_time(TarnTypeKind kind) {
    int64_t value = random_integer();
    int64_t least = kind == TARN_TYPE_TIMESTAMP_NS ? INT64_C(-9223286400000000000)
                                                   : INT64_C(-9223372022400000000);
    return value < least ? -INT64_MAX : value;
}

static double random_real(bool single) {
    static const double special[] = {0.0,    -0.0, (double)INFINITY, -(double)INFINITY, 0.1,
                                     5e-324, 1e22, 16777216.0,       (double)NAN};
    uint64_t bits = next_random();
    double wide;
    float narrow;
    memcpy(&wide, &bits, sizeof(wide));
    memcpy(&narrow, &bits, sizeof(narrow));
    if (below(4) == 0) wide = special[below(9)];
    if (below(4) == 0) narrow = (float)special[below(9)];
    double result = single ? (double)narrow : wide;
    return isnan(result) ? copysign((double)NAN, result) : result; /* one payload */
}

static TarnInt128 random_decimal(int32_t precision) {
    TarnInt128 result = 0;
    bool nines = below(10) == 0;
    for (uint64_t i = nines ? (uint64_t)precision : below((uint64_t)precision + 1); i > 0; i--) {
        result = result * 10 + (nines ? 9 : (int)below(10));
    }
    return below(2) == 0 ? result : -result;
}

static TarnText random_text(bool any_bytes, size_t count) {
    static const int32_t edges[] = {0, '\'', '"', '\\', 0x7F, 0xE9, 0x301, 0xD7FF, 0x10FFFF};
    char *text = tarn_base_arena_alloc(&arena, 4 * count + 1);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (any_bytes) {
            text[size++] = (char)below(256);
        } else {
            int32_t code_point = below(2) == 0 ? edges[below(9)] : (int32_t)(0x20 + below(95));
            size += tarn_base_text_utf8_put(code_point, text + size);
        }
    }
    return (TarnText){text, size};
}

static TarnLiteral random_literal(TarnPrimitive type) {
    TarnLiteral literal = {.kind = type.kind, .is_null = below(12) == 0};
    if (literal.is_null) return literal;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: literal.as.boolean = below(2) == 1; break;
    case TARN_TYPE_INT: literal.as.integer = (int32_t)random_integer(); break;
    case TARN_TYPE_LONG: literal.as.integer = random_integer(); break;
    case TARN_TYPE_FLOAT: literal.as.real = random_real(true); break;
    case TARN_TYPE_DOUBLE: literal.as.real = random_real(false); break;
    case TARN_TYPE_DECIMAL: literal.as.decimal = random_decimal(type.precision); break;
    case TARN_TYPE_DATE:
        literal.as.integer = (int32_t)random_integer();
        if (literal.as.integer == INT32_MIN) literal.as.integer = -INT32_MAX;
        break;
    case TARN_TYPE_TIME: literal.as.integer = (int64_t)below(UINT64_C(86400000001)); break;
    case TARN_TYPE_STRING: literal.as.bytes = random_text(false, below(20)); break;
    case TARN_TYPE_UUID: literal.as.bytes = random_text(true, 16); break;
    case TARN_TYPE_FIXED: literal.as.bytes = random_text(true, (size_t)type.length); break;
    case TARN_TYPE_BINARY: literal.as.bytes = random_text(true, below(20)); break;
    default: literal.as.integer = random_time(type.kind); break;
    }
    return literal;
}

/* ---- reading what DuckDB answers ---- */

static TarnInt128 wide_of(const TarnEngineVector *vector, uint64_t row) {
    TarnEngineInt128 wide = ((const TarnEngineInt128 *)vector->data)[row];
    return (TarnInt128)wide.upper * ((TarnInt128)1 << 64) + wide.lower;
}

static bool read_decimal(const TarnEngineVector *vector, uint64_t row, TarnPrimitive type,
                         TarnLiteral *literal) {
    int64_t narrow = 0;
    if (vector->type->width != type.precision || vector->type->scale != type.scale) return false;
    if (type.precision > 18) {
        literal->as.decimal = wide_of(vector, row);
        return true;
    }
    bool done = tarn_engine_vector_int64(vector, row, &narrow);
    literal->as.decimal = narrow;
    return done;
}

static void read_uuid(const TarnEngineVector *vector, uint64_t row, TarnLiteral *literal) {
    TarnEngineInt128 wide = ((const TarnEngineInt128 *)vector->data)[row];
    uint64_t upper = (uint64_t)wide.upper ^ UINT64_C(1) << 63;
    char *bytes = tarn_base_arena_alloc(&arena, 16);
    for (int i = 0; i < 8; i++) {
        bytes[i] = (char)(upper >> (56 - 8 * i));
        bytes[8 + i] = (char)(wide.lower >> (56 - 8 * i));
    }
    literal->as.bytes = (TarnText){bytes, 16};
}

/* False if the column is not of the type. */
static bool read_value(const TarnEngineVector *vector, uint64_t row, TarnPrimitive type,
                       TarnLiteral *literal) {
    static const TarnEngineKind kinds[] = {[TARN_TYPE_BOOLEAN] = TARN_ENGINE_BOOLEAN,
                                           [TARN_TYPE_INT] = TARN_ENGINE_INTEGER,
                                           [TARN_TYPE_LONG] = TARN_ENGINE_BIGINT,
                                           [TARN_TYPE_FLOAT] = TARN_ENGINE_FLOAT,
                                           [TARN_TYPE_DOUBLE] = TARN_ENGINE_DOUBLE,
                                           [TARN_TYPE_DECIMAL] = TARN_ENGINE_DECIMAL,
                                           [TARN_TYPE_DATE] = TARN_ENGINE_DATE,
                                           [TARN_TYPE_TIME] = TARN_ENGINE_TIME,
                                           [TARN_TYPE_TIMESTAMP] = TARN_ENGINE_TIMESTAMP,
                                           [TARN_TYPE_TIMESTAMPTZ] = TARN_ENGINE_TIMESTAMP_TZ,
                                           [TARN_TYPE_TIMESTAMP_NS] = TARN_ENGINE_TIMESTAMP_NS,
                                           [TARN_TYPE_TIMESTAMPTZ_NS] = TARN_ENGINE_INVALID,
                                           [TARN_TYPE_STRING] = TARN_ENGINE_VARCHAR,
                                           [TARN_TYPE_UUID] = TARN_ENGINE_UUID,
                                           [TARN_TYPE_FIXED] = TARN_ENGINE_BLOB,
                                           [TARN_TYPE_BINARY] = TARN_ENGINE_BLOB};
    *literal = (TarnLiteral){.kind = type.kind, .is_null = tarn_engine_vector_null(vector, row)};
    if (vector->type->kind != kinds[type.kind]) return false;
    if (literal->is_null) return true;
    int64_t integer = 0;
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: literal->as.boolean = ((const bool *)vector->data)[row]; return true;
    case TARN_TYPE_FLOAT:
        literal->as.real = (double)((const float *)vector->data)[row];
        return true;
    case TARN_TYPE_DOUBLE: literal->as.real = ((const double *)vector->data)[row]; return true;
    case TARN_TYPE_DECIMAL: return read_decimal(vector, row, type, literal);
    case TARN_TYPE_UUID: read_uuid(vector, row, literal); return true;
    case TARN_TYPE_STRING:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: {
        TarnText text = tarn_engine_vector_text(vector, row);
        literal->as.bytes = (TarnText){tarn_base_text_string(&arena, text), text.size};
        return true;
    }
    default:
        if (!tarn_engine_vector_int64(vector, row, &integer)) return false;
        literal->as.integer = integer;
        return true;
    }
}

static void report(const char *what, const char *sql, TarnPrimitive type,
                   const TarnLiteral *value) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_format_primitive_write(type, &text);
    tarn_base_buffer_byte(&text, ' ');
    tarn_format_literal_to_text(type, value, &text);
    printf("# seed %" PRIu64 ": %s for %s: %.900s\n", SEED, what, text.data, sql);
    tap_fail(__FILE__, __LINE__, what);
    tarn_base_buffer_dispose(&text);
}

/* One row of ROWS columns, or ROWS rows of one column. */
static void compare_answer(const char *what, const TarnBuffer *sql, bool columns,
                           const TarnPrimitive *types, const TarnLiteral *wanted, size_t count) {
    TarnEngineResult *result;
    const TarnEngineChunk *chunk = NULL;
    if (!tarn_engine_query(session, tarn_base_buffer_view(sql), NULL, 0, &result, &failure)) {
        printf("# %s\n", failure.message);
        report("an error", sql->data, types[0], &wanted[0]);
        return;
    }
    bool done = tarn_engine_result_next(result, &chunk, &failure) && chunk != NULL;
    CHECK(done && (columns ? chunk->column_count : chunk->rows) == count);
    for (size_t i = 0; done && i < count; i++) {
        TarnLiteral got;
        const TarnEngineVector *vector = &chunk->columns[columns ? i : 0];
        bool same = read_value(vector, columns ? 0 : i, types[columns ? i : 0], &got) &&
                    tarn_format_literal_compare(&got, &wanted[i]) == 0;
        if (!same) report(what, columns ? "" : sql->data, types[columns ? i : 0], &wanted[i]);
    }
    tarn_engine_result_free(result);
}

/* ---- the tests ---- */

static void literals_are_the_value_and_the_type(void) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 4 * TARN_MIB);
    for (int round = 0; round < 40; round++) {
        TarnPrimitive types[ROWS];
        TarnLiteral literals[ROWS];
        tarn_base_arena_reset(&arena);
        tarn_base_buffer_clear(&sql);
        tarn_base_buffer_string(&sql, "SELECT ");
        for (size_t i = 0; i < ROWS; i++) {
            types[i] = random_type();
            literals[i] = random_literal(types[i]);
            if (i > 0) tarn_base_buffer_string(&sql, ", ");
            tarn_format_literal_to_sql(types[i], &literals[i], &sql);
        }
        compare_answer("another value", &sql, true, types, literals, ROWS);
    }
    tarn_base_buffer_dispose(&sql);
}

/* Timestamps with zone beyond year 3871 are left out: DuckDB prints the far ones inexactly. */
static void texts_of_duckdb_are_read_back(void) {
    TarnBuffer sql;
    tarn_base_buffer_init(&sql, 4 * TARN_MIB);
    for (int round = 0; round < 300; round++) {
        TarnLiteral back;
        TarnText text;
        tarn_base_arena_reset(&arena);
        TarnPrimitive type = random_type();
        TarnLiteral literal = random_literal(type);
        bool far = type.kind == TARN_TYPE_TIMESTAMPTZ &&
                   (literal.as.integer > INT64_C(60000000000000000) ||
                    literal.as.integer < INT64_C(-60000000000000000));
        if (literal.is_null || far) continue;
        tarn_base_buffer_clear(&sql);
        tarn_base_buffer_string(&sql, "SELECT CAST(");
        tarn_format_literal_to_sql(type, &literal, &sql);
        tarn_base_buffer_string(&sql, " AS VARCHAR)");
        bool done = tarn_engine_query_text(session, tarn_base_buffer_view(&sql), NULL, 0, &arena,
                                           &text, &failure) &&
                    tarn_format_literal_from_text(type, text, &arena, &back, &failure) &&
                    tarn_format_literal_compare(&back, &literal) == 0;
        if (!done) report("another value", failure.message, type, &literal);
    }
    tarn_base_buffer_dispose(&sql);
}

/* What the C transform cannot hold must be an error in SQL, too. */
static void check_refusal(TarnTransform transform, TarnPrimitive type, const TarnLiteral *value) {
    TarnBuffer literal;
    TarnBuffer sql;
    tarn_base_buffer_init(&literal, TARN_MIB);
    tarn_base_buffer_init(&sql, TARN_MIB);
    tarn_format_literal_to_sql(type, value, &literal);
    tarn_base_buffer_string(&sql, "SELECT ");
    CHECK(tarn_table_transform_to_sql(transform, type, tarn_base_buffer_view(&literal), &sql));
    if (run(sql.data)) report("no error", sql.data, type, value);
    tarn_base_buffer_dispose(&literal);
    tarn_base_buffer_dispose(&sql);
}

static void check_transform(TarnTransform transform, TarnPrimitive type, TarnPrimitive result) {
    TarnLiteral wanted[ROWS];
    TarnBuffer sql;
    TarnBuffer rows;
    tarn_base_buffer_init(&sql, 4 * TARN_MIB);
    tarn_base_buffer_init(&rows, 4 * TARN_MIB);
    size_t count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        TarnLiteral value = random_literal(type);
        if (!tarn_table_transform_apply(transform, type, &value, &arena, &wanted[count])) {
            check_refusal(transform, type, &value);
            continue;
        }
        tarn_base_buffer_string(&rows, count > 0 ? ", (" : "(");
        tarn_format_literal_to_sql(type, &value, &rows);
        tarn_base_buffer_printf(&rows, ", %zu)", count++);
    }
    if (count > 0) {
        tarn_base_buffer_string(&sql, "SELECT ");
        CHECK(tarn_table_transform_to_sql(transform, type, TARN_TEXT("t.\"a b\""), &sql));
        tarn_base_buffer_printf(&sql, " FROM (VALUES %s) t(\"a b\", i) ORDER BY i", rows.data);
        compare_answer("another result", &sql, false, &result, wanted, count);
    }
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&rows);
}

static void transforms_are_those_of_c(void) {
    for (int round = 0; round < 250; round++) {
        TarnPrimitive type = random_type();
        TarnPrimitive result;
        TarnTransform transform = {.kind = (TarnTransformKind)below(TARN_TRANSFORM_UNKNOWN),
                                   .width = 1 + (int32_t)below(below(4) == 0 ? INT32_MAX : 50)};
        tarn_base_arena_reset(&arena);
        if (!tarn_table_transform_result(transform, type, &result)) continue;
        check_transform(transform, type, result);
    }
}

static TarnType random_nested(int depth) {
    static const char *const names[] = {"a", "b c", "q\"q", "select", "Key", "element", "x.y"};
    TarnType type = {0};
    uint64_t choice = depth > 4 ? 0 : below(8);
    if (choice < 4) {
        type.primitive = random_type();
        if (type.primitive.kind == TARN_TYPE_FIXED) type.primitive.kind = TARN_TYPE_BINARY;
        return type;
    }
    type.primitive.kind = choice < 6    ? TARN_TYPE_STRUCT
                          : choice == 6 ? TARN_TYPE_LIST
                                        : TARN_TYPE_MAP;
    type.field_count = choice < 6 ? 1 + below(4) : choice - 5;
    type.fields = TARN_NEW_ARRAY(&arena, type.field_count, TarnField);
    for (size_t i = 0; i < type.field_count; i++) {
        TarnField *field = &type.fields[i];
        field->name = choice < 6    ? tarn_base_arena_printf(&arena, "%s%zu", names[below(7)], i)
                      : choice == 6 ? "element"
                      : i == 0      ? "key"
                                    : "value";
        field->required = choice == 7 && i == 0;
        field->type = random_nested(depth + 1);
    }
    return type;
}

/* The ids of the fields as they stand in a file: each before those below it. */
static void write_ids(const TarnField *fields, size_t count, TarnBuffer *out) {
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(out, "%s%d", out->size > 0 ? "," : "", fields[i].id);
        write_ids(fields[i].type.fields, fields[i].type.field_count, out);
    }
}

/* A row of nulls of all columns. */
static void write_select(const TarnSchema *schema, TarnBuffer *out) {
    tarn_base_buffer_string(out, "SELECT ");
    for (size_t i = 0; i < schema->field_count; i++) {
        tarn_base_buffer_string(out, i > 0 ? ", CAST(NULL AS " : "CAST(NULL AS ");
        tarn_table_type_to_sql(&schema->fields[i].type, out);
        tarn_base_buffer_string(out, ") AS ");
        tarn_base_buffer_identifier(out, tarn_base_text(schema->fields[i].name));
    }
}

static void check_types(const TarnSchema *schema, int32_t last_id, const TarnBuffer *select) {
    TarnEngineResult *result;
    const char *names[8];
    TarnText types[8];
    if (!tarn_engine_query(session, tarn_base_buffer_view(select), NULL, 0, &result, &failure)) {
        printf("# %s: %s\n", failure.message, select->data);
        tap_fail(__FILE__, __LINE__, "a type is not understood");
        return;
    }
    for (uint32_t i = 0; i < tarn_engine_result_column_count(result); i++) {
        TarnBuffer text;
        tarn_base_buffer_init(&text, TARN_MIB);
        tarn_engine_type_write(tarn_engine_result_column_type(result, i), &text);
        names[i] = tarn_base_arena_string(&arena, tarn_engine_result_column_name(result, i));
        types[i] = (TarnText){tarn_base_text_string(&arena, tarn_base_buffer_view(&text)),
                              text.size};
        tarn_base_buffer_dispose(&text);
    }
    tarn_engine_result_free(result);
    TarnSchema back;
    int32_t last_back;
    CHECK_OK(tarn_table_schema_from_sql(names, types, schema->field_count, 3, &arena, &back,
                                        &last_back, &failure),
             &failure);
    CHECK(tarn_table_schema_same(schema, &back) && last_back == last_id);
}

static void check_field_ids(const TarnSchema *schema, const TarnBuffer *select) {
    TarnBuffer sql;
    TarnBuffer wanted;
    tarn_base_buffer_init(&sql, 4 * TARN_MIB);
    tarn_base_buffer_init(&wanted, TARN_MIB);
    const char *path = path_of("ids.parquet");
    tarn_base_buffer_printf(&sql, "COPY (%s) TO '%s' (FORMAT parquet, FIELD_IDS ", select->data,
                            path);
    tarn_table_schema_to_field_ids(schema, &sql);
    tarn_base_buffer_byte(&sql, ')');
    CHECK_OK(run(sql.data), &failure);
    tarn_base_buffer_clear(&sql);
    tarn_base_buffer_printf(&sql,
                            "SELECT string_agg(CAST(field_id AS VARCHAR), ',' ORDER BY i) FROM "
                            "(SELECT field_id, row_number() OVER () AS i FROM "
                            "parquet_schema('%s')) WHERE field_id IS NOT NULL",
                            path);
    write_ids(schema->fields, schema->field_count, &wanted);
    CHECK_STRING(value(sql.data), wanted.data);
    tarn_base_buffer_dispose(&sql);
    tarn_base_buffer_dispose(&wanted);
}

static void types_and_field_ids_are_understood(void) {
    TarnBuffer select;
    tarn_base_buffer_init(&select, 4 * TARN_MIB);
    for (int round = 0; round < 40; round++) {
        tarn_base_arena_reset(&arena);
        TarnSchema schema = {.field_count = 1 + below(4)};
        schema.fields = TARN_NEW_ARRAY(&arena, schema.field_count, TarnField);
        for (size_t i = 0; i < schema.field_count; i++) {
            schema.fields[i].name = tarn_base_arena_printf(&arena, "c\"'%zu", i);
            schema.fields[i].type = random_nested(0);
        }
        int32_t last_id;
        tarn_table_schema_assign_ids(&schema, &last_id);
        tarn_base_buffer_clear(&select);
        write_select(&schema, &select);
        check_types(&schema, last_id, &select);
        check_field_ids(&schema, &select);
    }
    tarn_base_buffer_dispose(&select);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    if (!start_engine(NULL)) return 0;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    CHECK_OK(register_bucket(), &failure);
    TAP_TEST(texts_of_duckdb_are_read_back); /* texts are those of UTC */
    CHECK_OK(run("SET TimeZone = 'America/New_York'"), &failure);
    TAP_TEST(literals_are_the_value_and_the_type);
    TAP_TEST(transforms_are_those_of_c);
    TAP_TEST(types_and_field_ids_are_understood);
    tarn_base_arena_dispose(&arena);
    return end_engine();
}
