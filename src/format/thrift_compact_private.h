/* Thrift's compact protocol, reading only, from bytes that may be hostile.
 *
 * Source: Apache Thrift, "Thrift Compact protocol encoding". The reader is sticky: the first
 * thing that is wrong fills *error and sets `failed`; from then on every call returns zero and
 * every loop ends, so a parser reads straight on and checks once at the end of each structure.
 * Nothing is copied: binaries are views into the bytes.
 *
 *   TarnThriftField field = tarn_format__thrift_struct_begin(reader);
 *   while (tarn_format__thrift_field_next(reader, &field)) {
 *       switch (field.id) {
 *       case 1: version = tarn_format__thrift_i32(reader, &field); break;
 *       default: tarn_format__thrift_skip(reader, &field); break;
 *       }
 *   }
 */
#ifndef TARN_FORMAT_THRIFT_COMPACT_PRIVATE_H
#define TARN_FORMAT_THRIFT_COMPACT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

typedef enum TarnThriftType {
    TARN_THRIFT_STOP = 0,
    TARN_THRIFT_TRUE = 1, /* in a list: any boolean */
    TARN_THRIFT_FALSE = 2,
    TARN_THRIFT_BYTE = 3,
    TARN_THRIFT_I16 = 4,
    TARN_THRIFT_I32 = 5,
    TARN_THRIFT_I64 = 6,
    TARN_THRIFT_DOUBLE = 7,
    TARN_THRIFT_BINARY = 8,
    TARN_THRIFT_LIST = 9,
    TARN_THRIFT_SET = 10,
    TARN_THRIFT_MAP = 11,
    TARN_THRIFT_STRUCT = 12,
    TARN_THRIFT_UUID = 13
} TarnThriftType;

typedef struct TarnThriftReader {
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *start;
    uint64_t offset;  /* of `start` in the file, for messages */
    const char *name; /* of the file, for messages */
    uint32_t depth;
    bool failed;
    TarnError *error;
} TarnThriftReader;

typedef struct TarnThriftField {
    int16_t id; /* 0 before the first */
    TarnThriftType type;
} TarnThriftField;

void tarn_format__thrift_init(TarnThriftReader *reader, TarnText bytes, uint64_t offset,
                              const char *name, TarnError *error);
/* TARN_E_FORMAT_CORRUPT with the place in the file, unless it has failed before. */
void tarn_format__thrift_refuse(TarnThriftReader *reader, const char *format, ...)
    TARN_PRINTF(2, 3);

/* Each struct is begun once, as a field or as an element of a list, and read to its stop. */
TarnThriftField tarn_format__thrift_struct_begin(TarnThriftReader *reader);
/* False at the struct's end and after a failure. The value must be read or skipped. */
bool tarn_format__thrift_field_next(TarnThriftReader *reader, TarnThriftField *field);

/* The value of a field; a value of another type than asked for is refused. Integers of any wire
 * width are taken if they fit. */
bool tarn_format__thrift_bool(TarnThriftReader *reader, const TarnThriftField *field);
int32_t tarn_format__thrift_i32(TarnThriftReader *reader, const TarnThriftField *field);
int64_t tarn_format__thrift_i64(TarnThriftReader *reader, const TarnThriftField *field);
double tarn_format__thrift_double(TarnThriftReader *reader, const TarnThriftField *field);
TarnText tarn_format__thrift_binary(TarnThriftReader *reader, const TarnThriftField *field);
/* Refuses a field that is not a struct. */
void tarn_format__thrift_expect_struct(TarnThriftReader *reader, const TarnThriftField *field);
/* Begins a list of `element` and returns its count. `least` is the fewest bytes an element can
 * take: a count the rest of the bytes cannot hold is refused before memory is asked for it. */
size_t tarn_format__thrift_list(TarnThriftReader *reader, const TarnThriftField *field,
                                TarnThriftType element, size_t least);
/* One element of a list of binaries. */
TarnText tarn_format__thrift_binary_element(TarnThriftReader *reader);
void tarn_format__thrift_skip(TarnThriftReader *reader, const TarnThriftField *field);

#endif
