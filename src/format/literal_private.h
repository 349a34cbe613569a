/* Text forms of values, shared by the JSON, SQL and people's renderings of literals. Private to
 * format/. */
#ifndef TARN_FORMAT_LITERAL_PRIVATE_H
#define TARN_FORMAT_LITERAL_PRIVATE_H

#include "format/literal.h"

#define TARN_US_PER_DAY INT64_C(86400000000)
#define TARN_NS_PER_DAY INT64_C(86400000000000)

typedef enum TarnTimeStyle {
    TARN_TIME_ISO, /* "2026-11-21T07:15:00.5", years beyond 0..9999 with a sign */
    TARN_TIME_SQL  /* "2026-11-21 07:15:00.5", years before 1 as "0044-03-15 (BC)" */
} TarnTimeStyle;

/* Microseconds or nanoseconds of a TIME or TIMESTAMP kind. */
int64_t tarn_format__time_units_per_day(TarnTypeKind kind);
bool tarn_format__kind_is_timestamp(TarnTypeKind kind);
bool tarn_format__kind_has_zone(TarnTypeKind kind);

/* Fractions of a second are cut to 3, 6 or 9 digits, or none if zero. */
void tarn_format__date_write(int64_t days, TarnTimeStyle style, TarnBuffer *out);
void tarn_format__time_write(int64_t us, TarnBuffer *out);
/* `zone` follows as it is: "", "Z", "+00:00". */
void tarn_format__timestamp_write(TarnTypeKind kind, int64_t value, TarnTimeStyle style,
                                  const char *zone, TarnBuffer *out);
/* DATE, TIME, TIMESTAMP*: false if the text is not exactly a value of the kind. */
bool tarn_format__time_parse(TarnTypeKind kind, TarnText text, int64_t *value);

/* "-0.05": as many digits after the point as the scale. */
void tarn_format__decimal_write(TarnInt128 unscaled, int32_t scale, TarnBuffer *out);
/* Plain or scientific; false unless exactly a value of DECIMAL(precision, scale). */
bool tarn_format__decimal_parse(TarnText text, int32_t precision, int32_t scale,
                                TarnInt128 *unscaled);
bool tarn_format__decimal_fits(TarnInt128 unscaled, int32_t precision);

/* The fewest digits that read back as the same float or double; "1.0", "1e+20"; "inf", "-inf",
 * "nan", "-nan". */
void tarn_format__real_write(TarnTypeKind kind, double value, TarnBuffer *out);
bool tarn_format__real_parse(TarnTypeKind kind, TarnText text, double *value);

void tarn_format__uuid_write(TarnText bytes, TarnBuffer *out);
/* With or without hyphens; `out` is 16 bytes. */
bool tarn_format__uuid_parse(TarnText text, unsigned char *out);
/* Error: the text is not a value of the type. Returns false. */
bool tarn_format__refuse_text(TarnErrorCode code, TarnPrimitive type, TarnText text,
                              TarnError *error);
/* -1 if not a hexadecimal digit */
int tarn_format__hex_digit(char c);

/* For messages: at most "fixed[2147483647]". `out` is returned. */
#define TARN_FORMAT_TYPE_NAME_BYTES 32
char *tarn_format__type_name(TarnPrimitive type, char out[TARN_FORMAT_TYPE_NAME_BYTES]);

#endif
