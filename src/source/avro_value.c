/* Avro values -> columns: numbers exactly, text by the parsers of text files.
 *
 * The file's schema says what comes, the columns what is wanted; a decoder pairs them once a file.
 * A value that does not fit refuses its row with a path, and the caller skips the object. Units of
 * times are converted exactly or not at all. Any value fits a column of strings: as its JSON text,
 * if it is not text.
 */
#include "source/avro_value_private.h"

#include <string.h>

#include "base/limits.h"
#include "base/map.h"

static const TarnTextFormats iso_formats = {NULL, NULL};

/* --- decoders --- */

typedef struct Maker {
    TarnArena *arena;
    bool missing_as_null;
    const TarnColumn *absent;
    uint32_t depth;
} Maker;

static bool make_decoder(Maker *maker, const TarnAvroSchema *schema, const TarnColumn *column,
                         TarnAvroDecoder *decoder);

static const char *origin(const TarnColumn *column) {
    return column->origin != NULL ? column->origin : column->name;
}

/* The field of the column's name, or field_count. */
static size_t find_field(const TarnAvroSchema *record, const TarnColumn *column,
                         const TarnMap *folded, TarnArena *arena) {
    const TarnAvroField *field =
        tarn_format_avro_schema_field(record, tarn_base_text(origin(column)));
    if (field != NULL) return (size_t)(field - record->fields);
    TarnText key = tarn_source__folded(tarn_base_text(origin(column)), arena);
    size_t found = (size_t)(uintptr_t)tarn_base_map_get(folded, key);
    return found > 0 ? found - 1 : record->field_count;
}

static bool make_record(Maker *maker, const TarnAvroSchema *schema, const TarnColumn *columns,
                        size_t count, TarnAvroDecoder *decoder) {
    TarnMap folded;
    size_t fields = schema->field_count;
    tarn_base_map_init(&folded, maker->arena);
    decoder->child_count = fields;
    decoder->children = TARN_NEW_ARRAY(maker->arena, fields + 1, TarnAvroDecoder);
    decoder->targets = TARN_NEW_ARRAY(maker->arena, fields + 1, int32_t);
    decoder->missing = TARN_NEW_ARRAY(maker->arena, count + 1, size_t);
    if (tarn_base_arena_failed(maker->arena)) return false;
    for (size_t i = 0; i < fields; i++) {
        TarnText key = tarn_source__folded(schema->fields[i].name, maker->arena);
        decoder->targets[i] = -1;
        decoder->children[i].schema = schema->fields[i].type;
        if (!tarn_base_map_has(&folded, key)) {
            tarn_base_map_put(&folded, key, (void *)(uintptr_t)(i + 1));
        }
    }
    for (size_t c = 0; c < count; c++) {
        size_t field = find_field(schema, &columns[c], &folded, maker->arena);
        if (field < fields && decoder->targets[field] < 0) {
            decoder->targets[field] = (int32_t)c;
            if (!make_decoder(maker, schema->fields[field].type, &columns[c],
                              &decoder->children[field])) {
                return false;
            }
        } else if (columns[c].required || !maker->missing_as_null) {
            maker->absent = &columns[c];
            return false;
        } else {
            decoder->missing[decoder->missing_count++] = c;
        }
    }
    return !tarn_base_arena_failed(maker->arena);
}

static bool make_parts(Maker *maker, const TarnAvroSchema *const *schemas,
                       const TarnColumn *columns, size_t count, bool same_column,
                       TarnAvroDecoder *decoder) {
    decoder->child_count = count;
    decoder->children = TARN_NEW_ARRAY(maker->arena, count + 1, TarnAvroDecoder);
    if (decoder->children == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        const TarnColumn *column = same_column ? columns : &columns[i];
        if (!make_decoder(maker, schemas[i], column, &decoder->children[i])) return false;
    }
    return true;
}

static bool make_decoder(Maker *maker, const TarnAvroSchema *schema, const TarnColumn *column,
                         TarnAvroDecoder *decoder) {
    TarnTypeKind kind = column->type.kind;
    const TarnAvroSchema *pair[2];
    bool ok = true;
    decoder->schema = schema;
    decoder->column = column;
    if (maker->depth >= TARN_LIMIT_NESTING) return true; /* too deep for any column: refused */
    maker->depth++;
    if (schema->kind == TARN_AVRO_UNION) {
        ok = make_parts(maker, schema->branches, column, schema->branch_count, true, decoder);
    } else if (schema->kind == TARN_AVRO_RECORD && kind == TARN_TYPE_STRUCT) {
        bool optional = maker->missing_as_null;
        maker->missing_as_null = true; /* within a value, what is optional may be absent */
        ok = make_record(maker, schema, column->children, column->child_count, decoder);
        maker->missing_as_null = optional;
    } else if (schema->kind == TARN_AVRO_ARRAY && kind == TARN_TYPE_LIST) {
        pair[0] = schema->item;
        ok = make_parts(maker, pair, column->children, 1, false, decoder);
    } else if (schema->kind == TARN_AVRO_MAP && kind == TARN_TYPE_MAP) {
        pair[0] = schema->fields[0].type;
        pair[1] = schema->fields[1].type;
        ok = make_parts(maker, pair, column->children, 2, false, decoder);
    } else if (schema->logical == TARN_AVRO_LOGICAL_MAP && kind == TARN_TYPE_MAP) {
        pair[0] = schema->item->fields[0].type;
        pair[1] = schema->item->fields[1].type;
        ok = make_parts(maker, pair, column->children, 2, false, decoder);
    }
    maker->depth--;
    return ok;
}

bool tarn_source__avro_decoder(const TarnAvroSchema *record, const TarnColumn *columns,
                               size_t count, bool missing_as_null, TarnArena *arena,
                               TarnAvroDecoder **decoder, const TarnColumn **absent,
                               TarnError *error) {
    Maker maker = {.arena = arena, .missing_as_null = missing_as_null};
    *absent = NULL;
    *decoder = TARN_NEW(arena, TarnAvroDecoder);
    if (*decoder != NULL) {
        (*decoder)->schema = record;
        if (make_record(&maker, record, columns, count, *decoder)) return true;
    }
    *absent = maker.absent;
    return maker.absent == NULL && tarn_base_arena_check(arena, error);
}

/* --- refusals --- */

static bool refuse(TarnAvroRow *row, const char *reason) {
    row->path = "";
    row->reason = reason != NULL ? reason : "out of memory";
    return false;
}

static bool refuse_below(TarnAvroRow *row, const char *separator, const char *step) {
    if (row->reason != NULL && row->path != NULL) {
        const char *dot = row->path[0] != '\0' && row->path[0] != '[' ? separator : "";
        row->path = tarn_base_arena_printf(row->arena, "%s%s%s", step, dot, row->path);
    }
    return false;
}

/* The value is read again from `at` for the reason. */
static bool refuse_value(TarnAvroRow *row, const TarnAvroDecoder *decoder, TarnAvroCursor at,
                         TarnTextProblem problem) {
    TarnAvroJsonOptions options = {.logical = true};
    tarn_base_buffer_clear(row->text);
    if (!tarn_format_avro_value_to_json(&at, decoder->schema, &options, row->text, row->error)) {
        return false;
    }
    TarnText text = tarn_base_buffer_view(row->text);
    if (text.size >= 2 && text.data[0] == '"') text = (TarnText){text.data + 1, text.size - 2};
    return refuse(row, tarn_source__value_reason(row->arena, NULL, decoder->column->type, text,
                                                 problem));
}

/* --- single values --- */

/* Ticks of a second of a logical type; 0 if it is no time. */
static int64_t ticks_of(TarnAvroLogical logical) {
    switch (logical) {
    case TARN_AVRO_LOGICAL_TIME_MILLIS:
    case TARN_AVRO_LOGICAL_TIMESTAMP_MILLIS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS: return 1000;
    case TARN_AVRO_LOGICAL_TIME_MICROS:
    case TARN_AVRO_LOGICAL_TIMESTAMP_MICROS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MICROS: return 1000000;
    case TARN_AVRO_LOGICAL_TIMESTAMP_NANOS:
    case TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_NANOS: return 1000000000;
    default: return 0;
    }
}

static TarnTextProblem put_ticks(TarnColumnBuilder *builder, TarnAvroLogical logical,
                                 int64_t value) {
    TarnTypeKind kind = builder->column->type.kind;
    bool fine = kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS;
    bool of_day = logical == TARN_AVRO_LOGICAL_TIME_MILLIS ||
                  logical == TARN_AVRO_LOGICAL_TIME_MICROS;
    int64_t from = ticks_of(logical);
    int64_t to = fine ? 1000000000 : 1000000;
    if (from == 0 || of_day != (kind == TARN_TYPE_TIME)) return TARN_TEXT_WRONG;
    if (from > to) {
        if (value % (from / to) != 0) return TARN_TEXT_INEXACT;
        value /= from / to;
    } else if (__builtin_mul_overflow(value, to / from, &value)) {
        return TARN_TEXT_RANGE;
    }
    if (of_day && (value < 0 || value >= INT64_C(86400000000))) return TARN_TEXT_RANGE;
    tarn_source__builder_fixed(builder, &value, 8);
    return TARN_TEXT_FITS;
}

static TarnTextProblem put_decimal(TarnColumnBuilder *builder, TarnInt128 value, int32_t scale) {
    TarnPrimitive type = builder->column->type;
    TarnInt128 limit = 1;
    for (; scale < type.scale; scale++) {
        if (__builtin_mul_overflow(value, (TarnInt128)10, &value)) return TARN_TEXT_RANGE;
    }
    for (; scale > type.scale; scale--) {
        if (value % 10 != 0) return TARN_TEXT_INEXACT;
        value /= 10;
    }
    for (int32_t i = 0; i < type.precision; i++) limit *= 10;
    if (value >= limit || value <= -limit) return TARN_TEXT_RANGE;
    tarn_source__builder_fixed(builder, &value, 16);
    return TARN_TEXT_FITS;
}

static TarnTextProblem put_integer(TarnColumnBuilder *builder, const TarnAvroSchema *schema,
                                   int64_t value) {
    int32_t narrow = (int32_t)value;
    double real = (double)value;
    float half = (float)value;
    bool fits = value >= INT32_MIN && value <= INT32_MAX;
    switch (builder->column->type.kind) {
    case TARN_TYPE_INT:
        if (!fits) return TARN_TEXT_RANGE;
        tarn_source__builder_fixed(builder, &narrow, 4);
        return TARN_TEXT_FITS;
    case TARN_TYPE_DATE:
        if (schema->logical != TARN_AVRO_LOGICAL_DATE || !fits) return TARN_TEXT_WRONG;
        tarn_source__builder_fixed(builder, &narrow, 4);
        return TARN_TEXT_FITS;
    case TARN_TYPE_LONG:
        tarn_source__builder_fixed(builder, &value, 8);
        return TARN_TEXT_FITS;
    case TARN_TYPE_FLOAT:
        if (value > (1 << 24) || value < -(1 << 24)) return TARN_TEXT_INEXACT;
        tarn_source__builder_fixed(builder, &half, 4);
        return TARN_TEXT_FITS;
    case TARN_TYPE_DOUBLE:
        if (value > (INT64_C(1) << 53) || value < -(INT64_C(1) << 53)) return TARN_TEXT_INEXACT;
        tarn_source__builder_fixed(builder, &real, 8);
        return TARN_TEXT_FITS;
    case TARN_TYPE_DECIMAL: return put_decimal(builder, value, 0);
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: return put_ticks(builder, schema->logical, value);
    default: return TARN_TEXT_WRONG;
    }
}

static TarnTextProblem put_real(TarnColumnBuilder *builder, double value) {
    float half = (float)value;
    switch (builder->column->type.kind) {
    case TARN_TYPE_DOUBLE: tarn_source__builder_fixed(builder, &value, 8); return TARN_TEXT_FITS;
    case TARN_TYPE_FLOAT:
        if ((double)half != value && !__builtin_isnan(value)) return TARN_TEXT_INEXACT;
        tarn_source__builder_fixed(builder, &half, 4);
        return TARN_TEXT_FITS;
    default: return TARN_TEXT_WRONG;
    }
}

/* Big-endian two's complement of any length whose value fits. */
static TarnTextProblem put_decimal_bytes(TarnColumnBuilder *builder, TarnText bytes,
                                         int32_t scale) {
    const unsigned char *data = (const unsigned char *)bytes.data;
    bool negative = bytes.size > 0 && (data[0] & 0x80) != 0;
    unsigned char sign = negative ? 0xFF : 0;
    size_t skip = 0;
    while (bytes.size - skip > 16 && data[skip] == sign) skip++;
    bool beyond = bytes.size - skip > 16 ||
                  (skip > 0 && ((data[skip] & 0x80) != 0) != negative);
    if (bytes.size == 0) return TARN_TEXT_WRONG;
    if (beyond) return TARN_TEXT_RANGE;
    TarnInt128 value = negative ? -1 : 0;
    for (size_t i = skip; i < bytes.size; i++) value = value * 256 + data[i];
    return put_decimal(builder, value, scale);
}

static void put_uuid(TarnColumnBuilder *builder, TarnText bytes) {
    char hex[33];
    char text[36];
    size_t at = 0;
    tarn_base_text_hex(bytes.data, 16, hex);
    for (size_t i = 0; i < 32; i++) {
        if (i == 8 || i == 12 || i == 16 || i == 20) text[at++] = '-';
        text[at++] = hex[i];
    }
    tarn_source__builder_bytes(builder, text, sizeof(text));
}

static TarnTextProblem put_bytes(TarnColumnBuilder *builder, const TarnAvroSchema *schema,
                                 TarnText bytes) {
    TarnPrimitive type = builder->column->type;
    switch (type.kind) {
    case TARN_TYPE_DECIMAL:
        if (schema->logical != TARN_AVRO_LOGICAL_DECIMAL) return TARN_TEXT_WRONG;
        return put_decimal_bytes(builder, bytes, schema->scale);
    case TARN_TYPE_UUID:
        if (bytes.size != 16) return TARN_TEXT_LENGTH;
        put_uuid(builder, bytes);
        return TARN_TEXT_FITS;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: return tarn_source__put_text(builder, bytes, &iso_formats);
    default: return TARN_TEXT_WRONG;
    }
}

static TarnTextProblem put_scalar(TarnColumnBuilder *builder, const TarnAvroValue *value) {
    const TarnAvroSchema *schema = value->type;
    switch (schema->kind) {
    case TARN_AVRO_BOOLEAN:
        if (builder->column->type.kind != TARN_TYPE_BOOLEAN) return TARN_TEXT_WRONG;
        tarn_source__builder_bool(builder, value->as.boolean);
        return TARN_TEXT_FITS;
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG: return put_integer(builder, schema, value->as.integer);
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE: return put_real(builder, value->as.real);
    case TARN_AVRO_STRING: return tarn_source__put_text(builder, value->as.bytes, &iso_formats);
    case TARN_AVRO_ENUM:
        return tarn_source__put_text(builder, schema->symbols[value->as.integer], &iso_formats);
    case TARN_AVRO_BYTES:
    case TARN_AVRO_FIXED: return put_bytes(builder, schema, value->as.bytes);
    default: return TARN_TEXT_WRONG;
    }
}

/* Anything that is not text itself, in a column of strings. */
static bool read_as_json(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                         TarnColumnBuilder *builder) {
    TarnAvroJsonOptions options = {.logical = true};
    tarn_base_buffer_clear(row->text);
    if (!tarn_format_avro_value_to_json(row->cursor, decoder->schema, &options, row->text,
                                        row->error)) {
        return false;
    }
    TarnText text = tarn_base_buffer_view(row->text);
    bool bare = decoder->schema->logical != TARN_AVRO_LOGICAL_NONE && text.size >= 2 &&
                text.data[0] == '"'; /* a date or decimal: text without escapes */
    if (bare) text = (TarnText){text.data + 1, text.size - 2};
    tarn_source__builder_bytes(builder, text.data, text.size);
    return true;
}

/* --- values --- */

static bool read_value(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                       TarnColumnBuilder *builder);

static bool put_null(TarnAvroRow *row, TarnColumnBuilder *builder) {
    if (builder->column->required) return refuse(row, "is required and has no value");
    tarn_source__builder_null(builder);
    return true;
}

static bool read_union(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                       TarnColumnBuilder *builder) {
    const TarnAvroSchema *branch;
    if (!tarn_format_avro_cursor_branch(row->cursor, decoder->schema, &branch, row->error)) {
        return false;
    }
    if (branch->kind == TARN_AVRO_NULL) return put_null(row, builder);
    for (size_t i = 0; i < decoder->child_count; i++) {
        if (decoder->children[i].schema == branch) {
            return read_value(row, &decoder->children[i], builder);
        }
    }
    return refuse(row, "nests too deeply");
}

/* Passes over a field that is not wanted. */
static bool skip_field(TarnAvroRow *row, const TarnAvroDecoder *record, size_t field) {
    const TarnAvroSchema *schema = record->children[field].schema;
    const TarnAvroSchema *branch = schema;
    TarnText name = record->schema->fields[field].name;
    TarnAvroCursor at = *row->cursor;
    if (schema->kind == TARN_AVRO_UNION &&
        !tarn_format_avro_cursor_branch(&at, schema, &branch, row->error)) {
        return false;
    }
    if (branch->kind != TARN_AVRO_NULL) {
        if (row->refuse_extra_fields && record->column == NULL) {
            (void)refuse(row, tarn_base_arena_printf(
                                  row->arena, "the field \"%.*s\" is not a column of the table",
                                  TARN_TEXT_ARG(name)));
            row->path = NULL;
            return false;
        }
        tarn_source__drops_note(row->drops, record->column, name);
    }
    return tarn_format_avro_cursor_skip(row->cursor, schema, row->error);
}

static bool read_fields(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                        TarnColumnBuilder *builders) {
    for (size_t i = 0; i < decoder->child_count; i++) {
        int32_t target = decoder->targets[i];
        if (target < 0) {
            if (!skip_field(row, decoder, i)) return false;
            continue;
        }
        const TarnColumn *column = builders[target].column;
        if (decoder->column == NULL) row->column = column->name;
        if (!read_value(row, &decoder->children[i], &builders[target])) {
            return refuse_below(row, ".", column->name);
        }
    }
    for (size_t i = 0; i < decoder->missing_count; i++) {
        tarn_source__builder_null(&builders[decoder->missing[i]]);
    }
    return true;
}

static bool read_items(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                       TarnColumnBuilder *builder) {
    TarnAvroItems items = {0};
    bool more = true;
    for (size_t index = 0;; index++) {
        if (!tarn_format_avro_cursor_items(row->cursor, decoder->schema, &items, &more,
                                           row->error)) {
            return false;
        }
        if (!more) break;
        for (size_t i = 0; i < decoder->child_count; i++) {
            if (read_value(row, &decoder->children[i], &builder->children[i])) continue;
            const char *step = tarn_base_arena_printf(row->arena, "[%zu]", index);
            return refuse_below(row, ".", step != NULL ? step : "");
        }
    }
    tarn_source__builder_end_list(builder);
    return true;
}

static bool read_value(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                       TarnColumnBuilder *builder) {
    const TarnAvroSchema *schema = decoder->schema;
    TarnTypeKind kind = builder->column->type.kind;
    if (schema->kind == TARN_AVRO_UNION) return read_union(row, decoder, builder);
    if (schema->kind == TARN_AVRO_NULL) return put_null(row, builder);
    if (decoder->children != NULL && kind == TARN_TYPE_STRUCT) {
        if (!read_fields(row, decoder, builder->children)) return false;
        tarn_source__builder_end_struct(builder);
        return true;
    }
    if (decoder->children != NULL) return read_items(row, decoder, builder);
    bool text = schema->kind == TARN_AVRO_STRING || schema->kind == TARN_AVRO_ENUM;
    if (kind == TARN_TYPE_STRING && !text) return read_as_json(row, decoder, builder);
    TarnAvroCursor at = *row->cursor;
    bool nested = schema->kind == TARN_AVRO_RECORD || schema->kind == TARN_AVRO_ARRAY ||
                  schema->kind == TARN_AVRO_MAP;
    if (nested) return refuse_value(row, decoder, at, TARN_TEXT_WRONG);
    TarnAvroValue value;
    if (!tarn_format_avro_cursor_scalar(row->cursor, schema, &value, row->error)) return false;
    TarnTextProblem problem = put_scalar(builder, &value);
    return problem == TARN_TEXT_FITS || refuse_value(row, decoder, at, problem);
}

bool tarn_source__avro_read_row(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                                TarnColumnBuilder *builders) {
    row->reason = NULL;
    row->path = NULL;
    row->column = NULL;
    if (read_fields(row, decoder, builders)) return true;
    if (row->reason == NULL || row->path == NULL) return false;
    const char *colon = row->reason[0] == '"' ? ":" : "";
    const char *reason = tarn_base_arena_printf(row->arena, "column \"%s\"%s %s", row->path,
                                                colon, row->reason);
    row->reason = reason != NULL ? reason : "out of memory";
    return false;
}
