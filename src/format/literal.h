/* Iceberg types of single values, and the values: binary and JSON single-value serialisation,
 * order, hashing for bucket(N), text for paths, SQL and people.
 *
 * Sources: Iceberg table specification, "Primitive Types", "Appendix D: Single-value
 * serialization", "Appendix B: 32-bit Hash Requirements".
 */
#ifndef TARN_FORMAT_LITERAL_H
#define TARN_FORMAT_LITERAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

__extension__ typedef __int128 TarnInt128;

typedef enum TarnTypeKind {
    TARN_TYPE_BOOLEAN,
    TARN_TYPE_INT,
    TARN_TYPE_LONG,
    TARN_TYPE_FLOAT,
    TARN_TYPE_DOUBLE,
    TARN_TYPE_DECIMAL,        /* precision 1..38, scale 0..precision */
    TARN_TYPE_DATE,           /* days since 1970-01-01 */
    TARN_TYPE_TIME,           /* microseconds since midnight */
    TARN_TYPE_TIMESTAMP,      /* microseconds, no zone */
    TARN_TYPE_TIMESTAMPTZ,    /* microseconds, UTC */
    TARN_TYPE_TIMESTAMP_NS,   /* v3 */
    TARN_TYPE_TIMESTAMPTZ_NS, /* v3 */
    TARN_TYPE_STRING,
    TARN_TYPE_UUID,
    TARN_TYPE_FIXED, /* length bytes */
    TARN_TYPE_BINARY,
    TARN_TYPE_UNKNOWN,   /* v3: always null, not stored */
    TARN_TYPE_VARIANT,   /* v3 */
    TARN_TYPE_GEOMETRY,  /* v3; crs kept in TarnType.text */
    TARN_TYPE_GEOGRAPHY, /* v3 */
    TARN_TYPE_STRUCT,
    TARN_TYPE_LIST,
    TARN_TYPE_MAP
} TarnTypeKind;

/* A primitive type; nested ones are table/schema.h's. */
typedef struct TarnPrimitive {
    TarnTypeKind kind;
    int32_t precision; /* DECIMAL */
    int32_t scale;     /* DECIMAL */
    int32_t length;    /* FIXED, bytes */
} TarnPrimitive;

/* One value of a primitive type. Text and bytes are views: they live as long as their source. */
typedef struct TarnLiteral {
    TarnTypeKind kind;
    bool is_null;
    union {
        bool boolean;
        int64_t integer;    /* INT LONG DATE TIME TIMESTAMP* */
        double real;        /* FLOAT (exactly representable as float) DOUBLE */
        TarnInt128 decimal; /* unscaled */
        TarnText bytes;     /* STRING UUID (16, big endian) FIXED BINARY */
    } as;
} TarnLiteral;

/* Type names as in Iceberg JSON: "long", "decimal(9,2)" (spaces allowed), "fixed[16]",
 * "timestamptz_ns", ... */
bool tarn_format_primitive_parse(TarnText name, TarnPrimitive *type);
void tarn_format_primitive_write(TarnPrimitive type, TarnBuffer *out);
bool tarn_format_primitive_equal(TarnPrimitive a, TarnPrimitive b);
/* DuckDB's name of the type: "BIGINT", "DECIMAL(9,2)", "TIMESTAMP WITH TIME ZONE". FIXED is BLOB,
 * GEOGRAPHY is BLOB, UNKNOWN is "NULL" in quotes. TIMESTAMPTZ_NS has no equal in DuckDB: it is
 * TIMESTAMP WITH TIME ZONE, which is what DuckDB reads from such a Parquet column. */
void tarn_format_primitive_to_sql(TarnPrimitive type, TarnBuffer *out);
bool tarn_format_kind_is_nested(TarnTypeKind kind);
/* The format version that added the kind: 1 or 3. */
int32_t tarn_format_kind_version(TarnTypeKind kind);

/* Appendix D binary. Writing: decimals minimal big-endian two's complement; a null writes nothing.
 * Reading accepts the bounds an older schema wrote: 4 bytes for long, 4 bytes (a date) for
 * timestamp and timestamp_ns, 4 bytes (a float) for double, decimals of any length up to 16; and
 * a prefix for fixed, since writers truncate those bounds too. It refuses all else with
 * TARN_E_FORMAT_CORRUPT: wrong lengths, values out of range, strings that are not UTF-8; kinds
 * without a binary form with TARN_E_FORMAT_UNSUPPORTED. Who prunes with bounds may take a refused
 * bound for an absent one. The literal views `bytes`. */
void tarn_format_literal_to_bytes(const TarnLiteral *literal, TarnBuffer *out);
bool tarn_format_literal_from_bytes(TarnPrimitive type, TarnText bytes, TarnLiteral *literal,
                                    TarnError *error) TARN_CHECKED;

/* The minimal big-endian two's complement of a decimal's unscaled value: its size, 1..16. */
size_t tarn_format_decimal_bytes(TarnInt128 unscaled, unsigned char out[16]);

/* Appendix D JSON: default values, bounds in REST plans. NaN and the infinities, for which JSON
 * has no number, are the strings "NaN", "Infinity", "-Infinity". Reading: JSON null is null;
 * anything not exactly a value of the type is TARN_E_METADATA_INVALID. */
void tarn_format_literal_to_json(TarnPrimitive type, const TarnLiteral *literal,
                                 TarnJsonWriter *out);
bool tarn_format_literal_from_json(TarnPrimitive type, const TarnJson *json, TarnArena *arena,
                                   TarnLiteral *literal, TarnError *error) TARN_CHECKED;

/* For people, paths and logs: dates and times ISO 8601 (timestamps with a zone end in "Z"), binary
 * and fixed base64, null "null". */
void tarn_format_literal_to_text(TarnPrimitive type, const TarnLiteral *literal, TarnBuffer *out);
/* A DuckDB SQL expression of exactly this value and type: "DATE '2026-11-21'",
 * "CAST('1.50' AS DECIMAL(9,2))", "CAST('\x01' AS BLOB)", typed NULLs. Independent of the
 * session's time zone. The largest and the negated largest integer of dates and timestamps are
 * 'infinity' and '-infinity', as DuckDB stores them; values beyond DuckDB's range (timestamps
 * before 290309-12-22 BC, timestamp_ns before 1677-09-22) give SQL that DuckDB refuses. A
 * TIMESTAMPTZ_NS is cut towards zero to microseconds, as DuckDB reads one. */
void tarn_format_literal_to_sql(TarnPrimitive type, const TarnLiteral *literal, TarnBuffer *out);
/* Text as a user or DuckDB's CAST(x AS VARCHAR) writes it -> value. BLOB text is "\xAB" escapes;
 * timestamps with a zone take an offset or mean UTC, those without refuse one; decimals and
 * fractions of seconds must fit exactly. TARN_E_FORMAT_CORRUPT names text and type. */
bool tarn_format_literal_from_text(TarnPrimitive type, TarnText text, TarnArena *arena,
                                   TarnLiteral *literal, TarnError *error) TARN_CHECKED;

/* Total order of one kind: -1, 0, 1. Null first; floats: -NaN < -inf .. -0.0 < +0.0 .. +inf < NaN;
 * strings and bytes unsigned bytewise; decimals of equal scale. */
int tarn_format_literal_compare(const TarnLiteral *a, const TarnLiteral *b);
/* Equality for partition tuples: as compare, with every NaN equal. */
bool tarn_format_literal_equal(const TarnLiteral *a, const TarnLiteral *b);

/* Appendix B: murmur3_x86_32; int, date, time and timestamps hashed as 8-byte longs. Not defined
 * for boolean, float, double: returns false. Null: false. */
bool tarn_format_literal_hash(TarnPrimitive type, const TarnLiteral *literal, uint32_t *hash);

/* Widening by schema evolution (int->long, float->double, decimal precision, v3 date->timestamp
 * and timestamp_ns, null of unknown -> null of any). Same kind passes through. False if not a
 * promotion, or the value does not fit (a date beyond the timestamp's range). */
bool tarn_format_literal_promote(TarnPrimitive to, const TarnLiteral *from, TarnLiteral *out);
/* The same rule on types, by the table's format version; false for equal types. */
bool tarn_format_primitive_promotes(TarnPrimitive from, TarnPrimitive to, int32_t format_version);

/* truncate(16)-style bounds (metrics mode truncate(N)) of STRING (N code points), BINARY and FIXED
 * (N bytes); other types pass whole. lower = prefix; upper = the value itself if it is short
 * enough, else the prefix with its last code point (or byte) incremented, carrying left,
 * surrogates skipped; false when no such value exists or the prefix is not UTF-8 (then the bound
 * is omitted) or the arena failed. A new bound's memory is in `arena`. `width` > 0. */
TarnText tarn_format_bound_lower(TarnPrimitive type, TarnText value, int32_t width);
bool tarn_format_bound_upper(TarnPrimitive type, TarnText value, int32_t width, TarnArena *arena,
                             TarnText *bound);

#endif
