/* Column types in DuckDB's words, both ways.
 *
 * Writing quotes every field name, so that no name is a keyword or takes another's case. Reading
 * is a small recursive descent over what DESCRIBE and typeof print and people write: aliases,
 * several-word names, suffixes for lists. A type is accepted only if Iceberg has one that holds
 * all its values; the others are refused by name with what to cast to, because DuckDB would write
 * some of them lossily without a word (HUGEINT becomes DOUBLE in Parquet).
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "table/schema_private.h"

/* ---- writing ---- */

static void write_type(const TarnType *type, TarnBuffer *out) {
    switch (type->primitive.kind) {
    case TARN_TYPE_STRUCT:
        tarn_base_buffer_string(out, "STRUCT(");
        for (size_t i = 0; i < type->field_count; i++) {
            if (i > 0) tarn_base_buffer_string(out, ", ");
            tarn_base_buffer_identifier(out, tarn_base_text(type->fields[i].name));
            tarn_base_buffer_byte(out, ' ');
            write_type(&type->fields[i].type, out);
        }
        tarn_base_buffer_byte(out, ')');
        return;
    case TARN_TYPE_LIST:
        write_type(&type->fields[0].type, out);
        tarn_base_buffer_string(out, "[]");
        return;
    case TARN_TYPE_MAP:
        tarn_base_buffer_string(out, "MAP(");
        write_type(&type->fields[0].type, out);
        tarn_base_buffer_string(out, ", ");
        write_type(&type->fields[1].type, out);
        tarn_base_buffer_byte(out, ')');
        return;
    default: tarn_format_primitive_to_sql(type->primitive, out); return;
    }
}

void tarn_table_type_to_sql(const TarnType *type, TarnBuffer *out) { write_type(type, out); }

/* ---- names ---- */

typedef struct TypeName {
    const char *name; /* upper case, one space between words */
    TarnTypeKind kind;
    const char *refusal; /* not NULL: Iceberg has no equal, and this is the hint */
} TypeName;

#define LARGE_HINT "cast it to DECIMAL(38,0), or to BIGINT if the values fit"

static const TypeName type_names[] = {
    {"BOOLEAN", TARN_TYPE_BOOLEAN, NULL},
    {"BOOL", TARN_TYPE_BOOLEAN, NULL},
    {"LOGICAL", TARN_TYPE_BOOLEAN, NULL},
    {"TINYINT", TARN_TYPE_INT, NULL},
    {"INT1", TARN_TYPE_INT, NULL},
    {"UTINYINT", TARN_TYPE_INT, NULL},
    {"UINT8", TARN_TYPE_INT, NULL},
    {"SMALLINT", TARN_TYPE_INT, NULL},
    {"INT2", TARN_TYPE_INT, NULL},
    {"INT16", TARN_TYPE_INT, NULL},
    {"SHORT", TARN_TYPE_INT, NULL},
    {"USMALLINT", TARN_TYPE_INT, NULL},
    {"UINT16", TARN_TYPE_INT, NULL},
    {"INTEGER", TARN_TYPE_INT, NULL},
    {"INT", TARN_TYPE_INT, NULL},
    {"INT4", TARN_TYPE_INT, NULL},
    {"INT32", TARN_TYPE_INT, NULL},
    {"INTEGRAL", TARN_TYPE_INT, NULL},
    {"SIGNED", TARN_TYPE_INT, NULL},
    {"UINTEGER", TARN_TYPE_LONG, NULL},
    {"UINT32", TARN_TYPE_LONG, NULL},
    {"BIGINT", TARN_TYPE_LONG, NULL},
    {"INT8", TARN_TYPE_LONG, NULL},
    {"INT64", TARN_TYPE_LONG, NULL},
    {"LONG", TARN_TYPE_LONG, NULL},
    {"OID", TARN_TYPE_LONG, NULL},
    {"FLOAT", TARN_TYPE_FLOAT, NULL},
    {"FLOAT4", TARN_TYPE_FLOAT, NULL},
    {"REAL", TARN_TYPE_FLOAT, NULL},
    {"DOUBLE", TARN_TYPE_DOUBLE, NULL},
    {"DOUBLE PRECISION", TARN_TYPE_DOUBLE, NULL},
    {"FLOAT8", TARN_TYPE_DOUBLE, NULL},
    {"DECIMAL", TARN_TYPE_DECIMAL, NULL},
    {"NUMERIC", TARN_TYPE_DECIMAL, NULL},
    {"DEC", TARN_TYPE_DECIMAL, NULL},
    {"DATE", TARN_TYPE_DATE, NULL},
    {"TIME", TARN_TYPE_TIME, NULL},
    {"TIME WITHOUT TIME ZONE", TARN_TYPE_TIME, NULL},
    {"TIMESTAMP", TARN_TYPE_TIMESTAMP, NULL},
    {"TIMESTAMP WITHOUT TIME ZONE", TARN_TYPE_TIMESTAMP, NULL},
    {"DATETIME", TARN_TYPE_TIMESTAMP, NULL},
    {"TIMESTAMP_US", TARN_TYPE_TIMESTAMP, NULL},
    {"TIMESTAMP_MS", TARN_TYPE_TIMESTAMP, NULL},
    {"TIMESTAMP_S", TARN_TYPE_TIMESTAMP, NULL},
    {"TIMESTAMP_NS", TARN_TYPE_TIMESTAMP_NS, NULL},
    {"TIMESTAMP WITH TIME ZONE", TARN_TYPE_TIMESTAMPTZ, NULL},
    {"TIMESTAMPTZ", TARN_TYPE_TIMESTAMPTZ, NULL},
    {"VARCHAR", TARN_TYPE_STRING, NULL},
    {"CHAR", TARN_TYPE_STRING, NULL},
    {"CHARACTER", TARN_TYPE_STRING, NULL},
    {"CHARACTER VARYING", TARN_TYPE_STRING, NULL},
    {"CHAR VARYING", TARN_TYPE_STRING, NULL},
    {"BPCHAR", TARN_TYPE_STRING, NULL},
    {"NVARCHAR", TARN_TYPE_STRING, NULL},
    {"TEXT", TARN_TYPE_STRING, NULL},
    {"STRING", TARN_TYPE_STRING, NULL},
    {"JSON", TARN_TYPE_STRING, NULL},
    {"ENUM", TARN_TYPE_STRING, NULL},
    {"UUID", TARN_TYPE_UUID, NULL},
    {"GUID", TARN_TYPE_UUID, NULL},
    {"BLOB", TARN_TYPE_BINARY, NULL},
    {"BINARY", TARN_TYPE_BINARY, NULL},
    {"VARBINARY", TARN_TYPE_BINARY, NULL},
    {"BYTEA", TARN_TYPE_BINARY, NULL},
    {"NULL", TARN_TYPE_UNKNOWN, NULL},
    {"VARIANT", TARN_TYPE_VARIANT, NULL},
    {"GEOMETRY", TARN_TYPE_GEOMETRY, NULL},
    {"STRUCT", TARN_TYPE_STRUCT, NULL},
    {"ROW", TARN_TYPE_STRUCT, NULL},
    {"MAP", TARN_TYPE_MAP, NULL},
    {"HUGEINT", TARN_TYPE_DECIMAL, LARGE_HINT},
    {"INT128", TARN_TYPE_DECIMAL, LARGE_HINT},
    {"UHUGEINT", TARN_TYPE_DECIMAL, LARGE_HINT},
    {"UINT128", TARN_TYPE_DECIMAL, LARGE_HINT},
    {"UBIGINT", TARN_TYPE_DECIMAL, "cast it to DECIMAL(20,0), or to BIGINT if the values fit"},
    {"UINT64", TARN_TYPE_DECIMAL, "cast it to DECIMAL(20,0), or to BIGINT if the values fit"},
    {"BIGNUM", TARN_TYPE_DECIMAL, "cast it to DECIMAL(38,0) if the values fit, or to VARCHAR"},
    {"VARINT", TARN_TYPE_DECIMAL, "cast it to DECIMAL(38,0) if the values fit, or to VARCHAR"},
    {"INTERVAL", TARN_TYPE_STRING, "cast it to VARCHAR, or store its length: epoch_us(x)"},
    {"BIT", TARN_TYPE_STRING, "cast it to VARCHAR or BLOB"},
    {"BITSTRING", TARN_TYPE_STRING, "cast it to VARCHAR or BLOB"},
    {"TIME WITH TIME ZONE", TARN_TYPE_TIME, "cast it to TIME, or use a TIMESTAMPTZ"},
    {"TIMETZ", TARN_TYPE_TIME, "cast it to TIME, or use a TIMESTAMPTZ"},
    {"TIME_NS", TARN_TYPE_TIME, "cast it to TIME (microseconds)"},
    {"UNION", TARN_TYPE_STRING, "cast it to VARCHAR, or make a STRUCT of its members"},
    {"TYPE", TARN_TYPE_STRING, "cast it to VARCHAR"}};

#define TYPE_NAME_COUNT (sizeof(type_names) / sizeof(type_names[0]))

/* ---- reading ---- */

typedef struct Parser {
    TarnText sql;
    size_t at;
    TarnArena *arena;
    TarnError *error;
    int levels;
} Parser;

static bool parse_type(Parser *parser, TarnType *type);

static bool refuse_syntax(Parser *parser, const char *what) {
    TarnText shown = tarn_format_bound_lower((TarnPrimitive){.kind = TARN_TYPE_STRING}, parser->sql,
                                             120);
    return tarn_base_error_set(parser->error, TARN_E_SQL_SYNTAX,
                               "%s at byte %zu of the type \"%.*s%s\"", what, parser->at + 1,
                               TARN_TEXT_ARG(shown), shown.size < parser->sql.size ? ".." : "");
}

static void skip_space(Parser *parser) {
    while (parser->at < parser->sql.size && strchr(" \t\r\n", parser->sql.data[parser->at]) &&
           parser->sql.data[parser->at] != '\0') {
        parser->at++;
    }
}

static char peek(Parser *parser) {
    skip_space(parser);
    return parser->at < parser->sql.size ? parser->sql.data[parser->at] : '\0';
}

static bool take(Parser *parser, char c) {
    if (c == '\0' || peek(parser) != c) return false;
    parser->at++;
    return true;
}

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static TarnText take_word(Parser *parser) {
    skip_space(parser);
    size_t start = parser->at;
    while (parser->at < parser->sql.size && is_word_byte(parser->sql.data[parser->at])) {
        parser->at++;
    }
    return (TarnText){parser->sql.data + start, parser->at - start};
}

/* "name" or 'word' with doubled quotes inside; an arena copy without them. */
static bool take_quoted(Parser *parser, char quote, char **name) {
    if (!take(parser, quote)) return refuse_syntax(parser, "a quote is missing");
    const char *start = parser->sql.data + parser->at;
    size_t left = parser->sql.size - parser->at;
    size_t end = 0;
    while (end < left && start[end] != '\0' &&
           (start[end] != quote || (end + 1 < left && start[end + 1] == quote))) {
        end += start[end] == quote ? 2 : 1;
    }
    if (end == left || start[end] == '\0') return refuse_syntax(parser, "a quoted name has no end");
    char *copy = tarn_base_arena_alloc(parser->arena, end + 1);
    if (copy == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    size_t size = 0;
    for (size_t i = 0; i < end; i++) {
        copy[size++] = start[i];
        i += start[i] == quote;
    }
    parser->at += end + 1;
    *name = copy;
    return true;
}

static bool parse_field_name(Parser *parser, const char **name) {
    if (peek(parser) == '"') {
        char *quoted;
        if (!take_quoted(parser, '"', &quoted)) return false;
        *name = quoted;
        return true;
    }
    TarnText word = take_word(parser);
    if (word.size == 0) return refuse_syntax(parser, "a field name is missing");
    *name = tarn_base_text_string(parser->arena, word);
    return *name != NULL || tarn_base_arena_check(parser->arena, parser->error);
}

typedef struct FieldArray {
    TarnField *items;
    size_t count;
    size_t capacity;
} FieldArray;

static bool parse_struct(Parser *parser, TarnType *type) {
    FieldArray fields = {0};
    if (!take(parser, '(')) return refuse_syntax(parser, "\"(\" is missing");
    do {
        TarnField field = {0};
        if (!parse_field_name(parser, &field.name)) return false;
        char next = peek(parser);
        if (next == ',' || next == ')' || next == '(' || next == '[') {
            tarn_base_error_set(parser->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                "a struct's fields have no names");
            return tarn_base_error_hint(parser->error, "name them: struct_pack(a := .., b := ..)");
        }
        if (!parse_type(parser, &field.type)) return false;
        TarnField *slot = TARN_PUSH(parser->arena, &fields);
        if (slot == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        *slot = field;
    } while (take(parser, ','));
    type->fields = fields.items;
    type->field_count = fields.count;
    return take(parser, ')') || refuse_syntax(parser, "\")\" is missing");
}

static bool parse_map(Parser *parser, TarnType *type) {
    type->fields = TARN_NEW_ARRAY(parser->arena, 2, TarnField);
    if (type->fields == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    type->field_count = 2;
    type->fields[0].name = "key";
    type->fields[0].required = true;
    type->fields[1].name = "value";
    if (!take(parser, '(')) return refuse_syntax(parser, "\"(\" is missing");
    if (!parse_type(parser, &type->fields[0].type)) return false;
    if (!take(parser, ',')) return refuse_syntax(parser, "\",\" is missing");
    if (!parse_type(parser, &type->fields[1].type)) return false;
    return take(parser, ')') || refuse_syntax(parser, "\")\" is missing");
}

static bool parse_number(Parser *parser, int64_t *value) {
    TarnText word = take_word(parser);
    return tarn_base_text_to_int64(word, value) || refuse_syntax(parser, "a number is missing");
}

static bool parse_decimal(Parser *parser, TarnPrimitive *primitive) {
    int64_t precision = 18; /* DuckDB's defaults */
    int64_t scale = 3;
    if (take(parser, '(')) {
        scale = 0;
        if (!parse_number(parser, &precision)) return false;
        if (take(parser, ',') && !parse_number(parser, &scale)) return false;
        if (!take(parser, ')')) return refuse_syntax(parser, "\")\" is missing");
    }
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision) {
        return refuse_syntax(parser, "a decimal has 1 to 38 digits, and no more after the point,");
    }
    primitive->precision = (int32_t)precision;
    primitive->scale = (int32_t)scale;
    return true;
}

/* The words of an ENUM, which a string column does not keep. */
static bool skip_enum(Parser *parser) {
    if (!take(parser, '(')) return refuse_syntax(parser, "\"(\" is missing");
    do {
        char *word;
        if (!take_quoted(parser, '\'', &word)) return false;
    } while (take(parser, ','));
    return take(parser, ')') || refuse_syntax(parser, "\")\" is missing");
}

/* VARCHAR(10): the length means nothing to DuckDB either. */
static bool skip_length(Parser *parser) {
    int64_t ignored;
    if (!take(parser, '(')) return true;
    if (!parse_number(parser, &ignored)) return false;
    return take(parser, ')') || refuse_syntax(parser, "\")\" is missing");
}

static bool parse_geometry(Parser *parser, TarnType *type) {
    char *crs;
    if (!take(parser, '(')) return true;
    if (!take_quoted(parser, '\'', &crs)) return false;
    const char *text = tarn_base_arena_printf(parser->arena, "geometry(%s)", crs);
    if (text == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    type->text = tarn_base_text(text);
    return take(parser, ')') || refuse_syntax(parser, "\")\" is missing");
}

/* TIMESTAMP(3) and the like: DuckDB picks the unit by the digits. */
static bool parse_timestamp(Parser *parser, TarnPrimitive *primitive) {
    int64_t digits;
    if (!take(parser, '(')) return true;
    if (!parse_number(parser, &digits)) return false;
    if (digits < 0 || digits > 9) return refuse_syntax(parser, "a timestamp has 0 to 9 digits");
    if (digits > 6) primitive->kind = TARN_TYPE_TIMESTAMP_NS;
    return take(parser, ')') || refuse_syntax(parser, "\")\" is missing");
}

static const TypeName *find_name(const char *name, size_t size) {
    for (size_t i = 0; i < TYPE_NAME_COUNT; i++) {
        if (strlen(type_names[i].name) == size &&
            strncasecmp(type_names[i].name, name, size) == 0) {
            return &type_names[i];
        }
    }
    return NULL;
}

/* The longest known name of one to four words from here on; moves behind it. */
static const TypeName *take_name(Parser *parser) {
    char joined[64];
    size_t size = 0;
    const TypeName *found = NULL;
    size_t behind = parser->at;
    for (size_t words = 0; words < 4; words++) {
        TarnText word = take_word(parser);
        if (word.size == 0 || size + word.size + 1 > sizeof(joined)) break;
        if (words > 0) joined[size++] = ' ';
        memcpy(joined + size, word.data, word.size);
        size += word.size;
        const TypeName *known = find_name(joined, size);
        if (known == NULL) continue;
        found = known;
        behind = parser->at;
    }
    parser->at = behind;
    return found;
}

static bool refuse_unknown(Parser *parser, TarnText name) {
    const char *names[TYPE_NAME_COUNT];
    for (size_t i = 0; i < TYPE_NAME_COUNT; i++) names[i] = type_names[i].name;
    if (name.size == 0) return refuse_syntax(parser, "a type is missing");
    char upper[64];
    size_t size = name.size < sizeof(upper) ? name.size : sizeof(upper) - 1;
    for (size_t i = 0; i < size; i++) {
        char c = name.data[i];
        upper[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    upper[size] = '\0';
    const char *nearest = tarn_base_text_nearest(upper, names, TYPE_NAME_COUNT);
    tarn_base_error_set(parser->error, TARN_E_SQL_SYNTAX, "unknown type \"%.*s\"",
                        (int)(name.size < 200 ? name.size : 200), name.data);
    if (nearest == NULL) return false;
    return tarn_base_error_hint(parser->error, "did you mean %s?", nearest);
}

static bool parse_base(Parser *parser, TarnType *type) {
    const TypeName *known;
    if (peek(parser) == '"') {
        char *quoted;
        if (!take_quoted(parser, '"', &quoted)) return false;
        known = find_name(quoted, strlen(quoted));
        if (known == NULL) return refuse_unknown(parser, tarn_base_text(quoted));
    } else {
        size_t start = parser->at;
        known = take_name(parser);
        if (known == NULL) {
            parser->at = start;
            return refuse_unknown(parser, take_word(parser));
        }
    }
    if (known->refusal != NULL) {
        tarn_base_error_set(parser->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "the type %s has no equal in Iceberg", known->name);
        return tarn_base_error_hint(parser->error, "%s", known->refusal);
    }
    type->primitive.kind = known->kind;
    switch (known->kind) {
    case TARN_TYPE_STRUCT: return parse_struct(parser, type);
    case TARN_TYPE_MAP: return parse_map(parser, type);
    case TARN_TYPE_DECIMAL: return parse_decimal(parser, &type->primitive);
    case TARN_TYPE_GEOMETRY: return parse_geometry(parser, type);
    case TARN_TYPE_TIMESTAMP: return parse_timestamp(parser, &type->primitive);
    case TARN_TYPE_STRING:
        return strcmp(known->name, "ENUM") == 0 ? skip_enum(parser) : skip_length(parser);
    default: return true;
    }
}

/* T[], T[3], T ARRAY, T ARRAY[3]: *found tells whether there was one. */
static bool parse_list_suffix(Parser *parser, bool *found) {
    size_t start = parser->at;
    TarnText word = take_word(parser);
    *found = word.size == 5 && strncasecmp(word.data, "ARRAY", 5) == 0;
    if (!*found) parser->at = start;
    if (!take(parser, '[')) return true;
    *found = true;
    int64_t length;
    if (peek(parser) != ']' && !parse_number(parser, &length)) return false;
    return take(parser, ']') || refuse_syntax(parser, "\"]\" is missing");
}

static bool wrap_in_list(Parser *parser, TarnType *type) {
    TarnField *element = TARN_NEW(parser->arena, TarnField);
    if (element == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    element->name = "element";
    element->type = *type;
    *type = (TarnType){.primitive.kind = TARN_TYPE_LIST, .fields = element, .field_count = 1};
    return true;
}

static bool refuse_depth(Parser *parser) {
    return tarn_base_error_set(parser->error, TARN_E_LIMIT_EXCEEDED,
                               "a type is nested more deeply than table metadata allows");
}

static bool parse_type(Parser *parser, TarnType *type) {
    if (++parser->levels > TARN_TABLE_TYPE_LEVELS_MAX) return refuse_depth(parser);
    if (!parse_base(parser, type)) return false;
    bool more = true;
    for (int suffixes = 0; more; suffixes++) {
        if (suffixes > TARN_TABLE_TYPE_LEVELS_MAX) return refuse_depth(parser);
        if (!parse_list_suffix(parser, &more)) return false;
        if (more && !wrap_in_list(parser, type)) return false;
    }
    parser->levels--;
    return true;
}

bool tarn_table_type_from_sql(TarnText sql, int32_t *next_id, TarnArena *arena, TarnType *type,
                              TarnError *error) {
    *type = (TarnType){0};
    Parser parser = {.sql = sql, .arena = arena, .error = error};
    if (sql.size > TARN_LIMIT_SQL_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the text of a type has %zu bytes, and %zu is the limit",
                                   sql.size, TARN_LIMIT_SQL_BYTES);
    }
    if (!parse_type(&parser, type)) return false;
    if (peek(&parser) != '\0' || parser.at != sql.size) {
        return refuse_syntax(&parser, "unexpected text");
    }
    if (tarn_table__type_levels(type) + TARN_TABLE_STRUCT_LEVELS > TARN_TABLE_TYPE_LEVELS_MAX) {
        return refuse_depth(&parser);
    }
    TarnField column = {.name = "column", .type = *type};
    if (!tarn_table__fields_check(&column, 1, 3, error)) return false;
    int32_t last_id = *next_id - 1;
    if (!tarn_table__type_renumber(type, &last_id, NULL, NULL)) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "the field ids are used up");
    }
    *next_id = last_id + 1;
    return tarn_base_arena_check(arena, error);
}

bool tarn_table_schema_from_sql(const char *const *names, const TarnText *types, size_t count,
                                int32_t format_version, TarnArena *arena, TarnSchema *schema,
                                int32_t *last_column_id, TarnError *error) {
    *schema = (TarnSchema){0};
    schema->fields = TARN_NEW_ARRAY(arena, count, TarnField);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < count; i++) {
        TarnField *field = &schema->fields[schema->field_count++];
        int32_t next_id = 1; /* all ids are assigned below, level by level */
        field->name = tarn_base_arena_string(arena, names[i]);
        if (field->name == NULL) return tarn_base_arena_check(arena, error);
        if (!tarn_table_type_from_sql(types[i], &next_id, arena, &field->type, error)) {
            return tarn_base_error_context(error, "reading the type of column \"%.100s\"",
                                           names[i]);
        }
    }
    tarn_table_schema_assign_ids(schema, last_column_id);
    return tarn_table_schema_check_new(schema, format_version, error);
}
