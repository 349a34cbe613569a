/* Thrift's compact protocol, reading only. See thrift_compact_private.h for the contract.
 *
 * The encoding: a struct is a row of fields, each headed by a byte of (id step, type) and ended
 * by a zero byte; integers are zigzag varints; binaries and lists carry their length first. Each
 * length is compared with the bytes that are left before it is used, and nesting is counted, so
 * work and memory are bounded by the size of the input.
 *
 * It does not write, and it knows no message or exception: Parquet uses structs only.
 */
#include "format/thrift_compact_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

#define VARINT_BYTES_MAX 10
#define LONG_LIST 15 /* in the size nibble: the count follows as a varint */
#define UUID_BYTES 16

void tarn_format__thrift_init(TarnThriftReader *reader, TarnText bytes, uint64_t offset,
                              const char *name, TarnError *error) {
    const uint8_t *start = (const uint8_t *)bytes.data;
    *reader = (TarnThriftReader){.at = start,
                                 .end = start + bytes.size,
                                 .start = start,
                                 .offset = offset,
                                 .name = name,
                                 .error = error};
}

void tarn_format__thrift_refuse(TarnThriftReader *reader, const char *format, ...) {
    if (reader->failed) return;
    reader->failed = true;
    char why[256];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    uint64_t place = reader->offset + (uint64_t)(reader->at - reader->start);
    tarn_base_error_set(reader->error, TARN_E_FORMAT_CORRUPT,
                        "the Parquet footer of \"%s\" is broken at byte %" PRIu64 ": %s",
                        reader->name, place, why);
}

static inline size_t bytes_left(const TarnThriftReader *reader) {
    return reader->failed ? 0 : (size_t)(reader->end - reader->at);
}

static uint8_t read_byte(TarnThriftReader *reader) {
    if (bytes_left(reader) == 0) {
        tarn_format__thrift_refuse(reader, "the bytes end in the middle of a value");
        return 0;
    }
    return *reader->at++;
}

static uint64_t read_varint(TarnThriftReader *reader) {
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        uint8_t byte = read_byte(reader);
        /* The tenth byte holds the 64th bit only. */
        if (i == VARINT_BYTES_MAX - 1 && byte > 1) break;
        value |= (uint64_t)(byte & 0x7F) << (7 * i);
        if (byte < 0x80) return value;
    }
    tarn_format__thrift_refuse(reader, "a number of more than 64 bits");
    return 0;
}

static int64_t read_zigzag(TarnThriftReader *reader) {
    uint64_t raw = read_varint(reader);
    return (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
}

static TarnText read_binary(TarnThriftReader *reader) {
    uint64_t size = read_varint(reader);
    if (size > bytes_left(reader)) {
        tarn_format__thrift_refuse(reader, "a text of %" PRIu64 " bytes where %zu are left", size,
                                   bytes_left(reader));
    }
    if (reader->failed) return (TarnText){"", 0};
    TarnText text = {(const char *)reader->at, (size_t)size};
    reader->at += size;
    return text;
}

/* ---- structs and fields ---- */

static void deepen(TarnThriftReader *reader) {
    if (reader->depth == TARN_LIMIT_NESTING) {
        tarn_format__thrift_refuse(reader, "values nested deeper than %d", TARN_LIMIT_NESTING);
        return;
    }
    reader->depth++;
}

TarnThriftField tarn_format__thrift_struct_begin(TarnThriftReader *reader) {
    deepen(reader);
    return (TarnThriftField){.id = 0, .type = TARN_THRIFT_STOP};
}

bool tarn_format__thrift_field_next(TarnThriftReader *reader, TarnThriftField *field) {
    uint8_t header = read_byte(reader);
    if (reader->failed) return false;
    if (header == TARN_THRIFT_STOP) {
        reader->depth--;
        return false;
    }
    unsigned step = header >> 4;
    int64_t id = step != 0 ? field->id + (int64_t)step : read_zigzag(reader);
    unsigned type = header & 0x0F;
    if (type == TARN_THRIFT_STOP || type > TARN_THRIFT_UUID) {
        tarn_format__thrift_refuse(reader, "a field of the unknown type %u", type);
    } else if (id < INT16_MIN || id > INT16_MAX) {
        tarn_format__thrift_refuse(reader, "a field with the number %" PRId64, id);
    }
    if (reader->failed) return false;
    field->id = (int16_t)id;
    field->type = (TarnThriftType)type;
    return true;
}

/* ---- values ---- */

static void refuse_type(TarnThriftReader *reader, const TarnThriftField *field,
                        const char *wanted) {
    tarn_format__thrift_refuse(reader, "field %d has type %d where %s must be", field->id,
                               (int)field->type, wanted);
}

bool tarn_format__thrift_bool(TarnThriftReader *reader, const TarnThriftField *field) {
    if (field->type != TARN_THRIFT_TRUE && field->type != TARN_THRIFT_FALSE) {
        refuse_type(reader, field, "a boolean");
    }
    return field->type == TARN_THRIFT_TRUE;
}

int64_t tarn_format__thrift_i64(TarnThriftReader *reader, const TarnThriftField *field) {
    switch (field->type) {
    case TARN_THRIFT_BYTE: return (int8_t)read_byte(reader);
    case TARN_THRIFT_I16:
    case TARN_THRIFT_I32:
    case TARN_THRIFT_I64: return read_zigzag(reader);
    default: refuse_type(reader, field, "an integer"); return 0;
    }
}

int32_t tarn_format__thrift_i32(TarnThriftReader *reader, const TarnThriftField *field) {
    int64_t value = tarn_format__thrift_i64(reader, field);
    if (value >= INT32_MIN && value <= INT32_MAX) return (int32_t)value;
    tarn_format__thrift_refuse(reader, "field %d does not fit in 32 bits", field->id);
    return 0;
}

double tarn_format__thrift_double(TarnThriftReader *reader, const TarnThriftField *field) {
    if (field->type != TARN_THRIFT_DOUBLE) refuse_type(reader, field, "a double");
    if (bytes_left(reader) < 8) {
        tarn_format__thrift_refuse(reader, "the bytes end in the middle of a double");
        return 0;
    }
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++) bits |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += 8;
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

TarnText tarn_format__thrift_binary(TarnThriftReader *reader, const TarnThriftField *field) {
    if (field->type != TARN_THRIFT_BINARY) refuse_type(reader, field, "a text");
    return read_binary(reader);
}

TarnText tarn_format__thrift_binary_element(TarnThriftReader *reader) {
    return read_binary(reader);
}

void tarn_format__thrift_expect_struct(TarnThriftReader *reader, const TarnThriftField *field) {
    if (field->type != TARN_THRIFT_STRUCT) refuse_type(reader, field, "a struct");
}

static size_t read_list_header(TarnThriftReader *reader, TarnThriftType *element) {
    uint8_t header = read_byte(reader);
    uint64_t count = header >> 4;
    if (count == LONG_LIST) count = read_varint(reader);
    unsigned type = header & 0x0F;
    if (count > 0 && (type == TARN_THRIFT_STOP || type > TARN_THRIFT_UUID)) {
        tarn_format__thrift_refuse(reader, "a list of the unknown type %u", type);
    }
    /* Every element takes a byte at least. */
    if (count > bytes_left(reader)) {
        tarn_format__thrift_refuse(reader, "a list of %" PRIu64 " where %zu bytes are left", count,
                                   bytes_left(reader));
    }
    *element = (TarnThriftType)type;
    return reader->failed ? 0 : (size_t)count;
}

size_t tarn_format__thrift_list(TarnThriftReader *reader, const TarnThriftField *field,
                                TarnThriftType element, size_t least) {
    if (field->type != TARN_THRIFT_LIST && field->type != TARN_THRIFT_SET) {
        refuse_type(reader, field, "a list");
    }
    TarnThriftType found;
    size_t count = read_list_header(reader, &found);
    if (count == 0) return 0;
    if (found != element) {
        tarn_format__thrift_refuse(reader, "field %d is a list of type %d where %d must be",
                                   field->id, (int)found, (int)element);
    } else if (count > bytes_left(reader) / least) {
        tarn_format__thrift_refuse(reader, "a list of %zu where %zu bytes are left", count,
                                   bytes_left(reader));
    }
    return reader->failed ? 0 : count;
}

/* ---- skipping ---- */

static void skip_value(TarnThriftReader *reader, TarnThriftType type, bool in_list);

static void skip_bytes(TarnThriftReader *reader, size_t size) {
    if (size > bytes_left(reader)) {
        tarn_format__thrift_refuse(reader, "the bytes end in the middle of a value");
        return;
    }
    reader->at += size;
}

static void skip_struct(TarnThriftReader *reader) {
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) skip_value(reader, field.type, false);
}

static void skip_list(TarnThriftReader *reader) {
    TarnThriftType element;
    size_t count = read_list_header(reader, &element);
    deepen(reader);
    for (size_t i = 0; i < count && !reader->failed; i++) skip_value(reader, element, true);
    if (!reader->failed) reader->depth--;
}

static void skip_map(TarnThriftReader *reader) {
    uint64_t count = read_varint(reader);
    if (count == 0) return;
    uint8_t types = read_byte(reader);
    if (count > bytes_left(reader) / 2) {
        tarn_format__thrift_refuse(reader, "a map of %" PRIu64 " where %zu bytes are left", count,
                                   bytes_left(reader));
    }
    deepen(reader);
    for (uint64_t i = 0; i < count && !reader->failed; i++) {
        skip_value(reader, (TarnThriftType)(types >> 4), true);
        skip_value(reader, (TarnThriftType)(types & 0x0F), true);
    }
    if (!reader->failed) reader->depth--;
}

/* Recursion ends with the nesting limit: each container deepens first. */
static void skip_value(TarnThriftReader *reader, TarnThriftType type, bool in_list) {
    if (reader->failed) return;
    switch (type) {
    case TARN_THRIFT_TRUE:
    case TARN_THRIFT_FALSE:
        if (in_list) skip_bytes(reader, 1); /* a field's boolean is its type */
        break;
    case TARN_THRIFT_BYTE: skip_bytes(reader, 1); break;
    case TARN_THRIFT_I16:
    case TARN_THRIFT_I32:
    case TARN_THRIFT_I64: read_varint(reader); break;
    case TARN_THRIFT_DOUBLE: skip_bytes(reader, 8); break;
    case TARN_THRIFT_BINARY: read_binary(reader); break;
    case TARN_THRIFT_LIST:
    case TARN_THRIFT_SET: skip_list(reader); break;
    case TARN_THRIFT_MAP: skip_map(reader); break;
    case TARN_THRIFT_STRUCT: skip_struct(reader); break;
    case TARN_THRIFT_UUID: skip_bytes(reader, UUID_BYTES); break;
    case TARN_THRIFT_STOP:
    default: tarn_format__thrift_refuse(reader, "a value of the unknown type %d", (int)type); break;
    }
}

void tarn_format__thrift_skip(TarnThriftReader *reader, const TarnThriftField *field) {
    skip_value(reader, field->type, false);
}
