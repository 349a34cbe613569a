/* Types of single values by name, and what one does with values of one type: compare, hash,
 * promote.
 *
 * The table of names below is the one place where a primitive type is spelled, in Iceberg's JSON
 * and in DuckDB's SQL. Values are small tagged unions without memory of their own. Rendering them
 * is elsewhere: bytes in literal_binary.c, JSON in literal_json.c, text and SQL in literal_text.c.
 * Nested types are the table room's.
 */
#include "format/literal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "format/literal_private.h"

/* ---- names ---- */

typedef struct KindName {
    const char *name;
    const char *sql;
    int32_t version;
} KindName;

static const KindName kind_names[] = {
    [TARN_TYPE_BOOLEAN] = {"boolean", "BOOLEAN", 1},
    [TARN_TYPE_INT] = {"int", "INTEGER", 1},
    [TARN_TYPE_LONG] = {"long", "BIGINT", 1},
    [TARN_TYPE_FLOAT] = {"float", "FLOAT", 1},
    [TARN_TYPE_DOUBLE] = {"double", "DOUBLE", 1},
    [TARN_TYPE_DECIMAL] = {"decimal", "DECIMAL", 1},
    [TARN_TYPE_DATE] = {"date", "DATE", 1},
    [TARN_TYPE_TIME] = {"time", "TIME", 1},
    [TARN_TYPE_TIMESTAMP] = {"timestamp", "TIMESTAMP", 1},
    [TARN_TYPE_TIMESTAMPTZ] = {"timestamptz", "TIMESTAMP WITH TIME ZONE", 1},
    [TARN_TYPE_TIMESTAMP_NS] = {"timestamp_ns", "TIMESTAMP_NS", 3},
    [TARN_TYPE_TIMESTAMPTZ_NS] = {"timestamptz_ns", "TIMESTAMP WITH TIME ZONE", 3},
    [TARN_TYPE_STRING] = {"string", "VARCHAR", 1},
    [TARN_TYPE_UUID] = {"uuid", "UUID", 1},
    [TARN_TYPE_FIXED] = {"fixed", "BLOB", 1},
    [TARN_TYPE_BINARY] = {"binary", "BLOB", 1},
    [TARN_TYPE_UNKNOWN] = {"unknown", "\"NULL\"", 3},
    [TARN_TYPE_VARIANT] = {"variant", "VARIANT", 3},
    [TARN_TYPE_GEOMETRY] = {"geometry", "GEOMETRY", 3},
    [TARN_TYPE_GEOGRAPHY] = {"geography", "BLOB", 3},
    [TARN_TYPE_STRUCT] = {"struct", "STRUCT", 1},
    [TARN_TYPE_LIST] = {"list", "LIST", 1},
    [TARN_TYPE_MAP] = {"map", "MAP", 1}};

bool tarn_format_kind_is_nested(TarnTypeKind kind) { return kind >= TARN_TYPE_STRUCT; }

int32_t tarn_format_kind_version(TarnTypeKind kind) { return kind_names[kind].version; }

static bool find_kind(TarnText name, TarnTypeKind *kind) {
    for (size_t i = 0; i < TARN_TYPE_STRUCT; i++) {
        const char *known = kind_names[i].name;
        if (strlen(known) != name.size || strncasecmp(known, name.data, name.size) != 0) continue;
        *kind = (TarnTypeKind)i;
        return true;
    }
    return false;
}

/* "( 9 , 2 )" -> up to two whole numbers; false on anything else */
static bool parse_parameters(TarnText text, char opening, char closing, int64_t *values,
                             size_t count) {
    text = tarn_base_text_trim(text);
    if (text.size < 2 || text.data[0] != opening || text.data[text.size - 1] != closing) {
        return false;
    }
    TarnText rest = {text.data + 1, text.size - 2};
    for (size_t i = 0; i < count; i++) {
        if (rest.data == NULL) return false;
        TarnText part = tarn_base_text_trim(tarn_base_text_split(rest, ',', &rest));
        if (!tarn_base_text_to_int64(part, &values[i])) return false;
    }
    return rest.data == NULL;
}

bool tarn_format_primitive_parse(TarnText name, TarnPrimitive *type) {
    name = tarn_base_text_trim(name);
    size_t size = 0;
    while (size < name.size && name.data[size] != '(' && name.data[size] != '[') size++;
    TarnText parameters = {name.data + size, name.size - size};
    *type = (TarnPrimitive){0};
    if (!find_kind(tarn_base_text_trim((TarnText){name.data, size}), &type->kind)) return false;
    int64_t values[2];
    switch (type->kind) {
    case TARN_TYPE_DECIMAL:
        if (!parse_parameters(parameters, '(', ')', values, 2)) return false;
        if (values[0] < 1 || values[0] > 38 || values[1] < 0 || values[1] > values[0]) return false;
        type->precision = (int32_t)values[0];
        type->scale = (int32_t)values[1];
        return true;
    case TARN_TYPE_FIXED:
        if (!parse_parameters(parameters, '[', ']', values, 1)) return false;
        if (values[0] < 1 || values[0] > INT32_MAX) return false;
        type->length = (int32_t)values[0];
        return true;
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY: /* the parameters are for who keeps the text */
        return parameters.size == 0 ||
               (parameters.data[0] == '(' && parameters.data[parameters.size - 1] == ')');
    default: return parameters.size == 0;
    }
}

void tarn_format_primitive_to_sql(TarnPrimitive type, TarnBuffer *out) {
    tarn_base_buffer_string(out, kind_names[type.kind].sql);
    if (type.kind == TARN_TYPE_DECIMAL) {
        tarn_base_buffer_printf(out, "(%d,%d)", type.precision, type.scale);
    }
}

bool tarn_format_primitive_equal(TarnPrimitive a, TarnPrimitive b) {
    if (a.kind != b.kind) return false;
    if (a.kind == TARN_TYPE_DECIMAL) return a.precision == b.precision && a.scale == b.scale;
    return a.kind != TARN_TYPE_FIXED || a.length == b.length;
}

char *tarn_format__type_name(TarnPrimitive type, char out[TARN_FORMAT_TYPE_NAME_BYTES]) {
    const char *name = kind_names[type.kind].name;
    if (type.kind == TARN_TYPE_DECIMAL) {
        snprintf(out, TARN_FORMAT_TYPE_NAME_BYTES, "%s(%d,%d)", name, type.precision, type.scale);
    } else if (type.kind == TARN_TYPE_FIXED) {
        snprintf(out, TARN_FORMAT_TYPE_NAME_BYTES, "%s[%d]", name, type.length);
    } else {
        snprintf(out, TARN_FORMAT_TYPE_NAME_BYTES, "%s", name);
    }
    return out;
}

void tarn_format_primitive_write(TarnPrimitive type, TarnBuffer *out) {
    char name[TARN_FORMAT_TYPE_NAME_BYTES];
    tarn_base_buffer_string(out, tarn_format__type_name(type, name));
}

/* ---- order ---- */

static int compare_integers(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* IEEE 754 totalOrder: the bits as sign and magnitude, made to two's complement. */
static int64_t real_order(double value) {
    int64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits < 0 ? bits ^ INT64_MAX : bits;
}

static int compare_bytes(TarnText a, TarnText b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    if (order != 0) return order < 0 ? -1 : 1;
    return (a.size > b.size) - (a.size < b.size);
}

int tarn_format_literal_compare(const TarnLiteral *a, const TarnLiteral *b) {
    if (a->is_null || b->is_null) return (int)b->is_null - (int)a->is_null;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    switch (a->kind) {
    case TARN_TYPE_BOOLEAN: return (int)a->as.boolean - (int)b->as.boolean;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE: return compare_integers(real_order(a->as.real), real_order(b->as.real));
    case TARN_TYPE_DECIMAL:
        return (a->as.decimal > b->as.decimal) - (a->as.decimal < b->as.decimal);
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: return compare_bytes(a->as.bytes, b->as.bytes);
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: return compare_integers(a->as.integer, b->as.integer);
    default: return 0; /* the other kinds have no values but null here */
    }
}

bool tarn_format_literal_equal(const TarnLiteral *a, const TarnLiteral *b) {
    bool real = a->kind == TARN_TYPE_FLOAT || a->kind == TARN_TYPE_DOUBLE;
    if (real && a->kind == b->kind && !a->is_null && !b->is_null && a->as.real != a->as.real &&
        b->as.real != b->as.real) {
        return true;
    }
    return tarn_format_literal_compare(a, b) == 0;
}

/* ---- hash ---- */

static uint32_t hash_long(int64_t value) {
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (unsigned char)((uint64_t)value >> 8 * i);
    return tarn_base_murmur3_32(bytes, sizeof(bytes), 0);
}

bool tarn_format_literal_hash(TarnPrimitive type, const TarnLiteral *literal, uint32_t *hash) {
    if (literal->is_null) return false;
    int64_t value = literal->as.integer;
    switch (type.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DATE: /* the specification's test value is that of 8 bytes, not of 4 */
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: *hash = hash_long(value); return true;
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        *hash = hash_long(value / 1000 - (value % 1000 < 0));
        return true;
    case TARN_TYPE_DECIMAL: {
        unsigned char bytes[16];
        size_t size = tarn_format_decimal_bytes(literal->as.decimal, bytes);
        *hash = tarn_base_murmur3_32(bytes, size, 0);
        return true;
    }
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        *hash = tarn_base_murmur3_32(literal->as.bytes.data, literal->as.bytes.size, 0);
        return true;
    default: return false;
    }
}

/* ---- promotion ---- */

bool tarn_format_primitive_promotes(TarnPrimitive from, TarnPrimitive to, int32_t version) {
    if (tarn_format_kind_is_nested(to.kind)) return false;
    switch (from.kind) {
    case TARN_TYPE_INT: return to.kind == TARN_TYPE_LONG;
    case TARN_TYPE_FLOAT: return to.kind == TARN_TYPE_DOUBLE;
    case TARN_TYPE_DECIMAL:
        return to.kind == TARN_TYPE_DECIMAL && to.scale == from.scale &&
               to.precision > from.precision;
    case TARN_TYPE_DATE:
        return version >= 3 &&
               (to.kind == TARN_TYPE_TIMESTAMP || to.kind == TARN_TYPE_TIMESTAMP_NS);
    case TARN_TYPE_UNKNOWN: return version >= 3 && to.kind != TARN_TYPE_UNKNOWN;
    default: return false;
    }
}

bool tarn_format_literal_promote(TarnPrimitive to, const TarnLiteral *from, TarnLiteral *out) {
    TarnLiteral result = *from;
    result.kind = to.kind;
    bool date = from->kind == TARN_TYPE_DATE &&
                (to.kind == TARN_TYPE_TIMESTAMP || to.kind == TARN_TYPE_TIMESTAMP_NS);
    bool known = from->kind == to.kind || date ||
                 (from->kind == TARN_TYPE_INT && to.kind == TARN_TYPE_LONG) ||
                 (from->kind == TARN_TYPE_FLOAT && to.kind == TARN_TYPE_DOUBLE) ||
                 (from->kind == TARN_TYPE_UNKNOWN && from->is_null);
    if (!known) return false;
    if (date && !from->is_null &&
        __builtin_mul_overflow(from->as.integer, tarn_format__time_units_per_day(to.kind),
                               &result.as.integer)) {
        return false;
    }
    *out = result;
    return true;
}
