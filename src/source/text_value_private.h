/* Text of one field -> a value of a type, exactly or not at all.
 *
 * Exactly: a value that would have to be rounded, cut or shifted is refused with a reason, never
 * changed. Spaces around numbers, dates and booleans are passed over; strings are taken as they
 * are.
 */
#ifndef TARN_SOURCE_TEXT_VALUE_PRIVATE_H
#define TARN_SOURCE_TEXT_VALUE_PRIVATE_H

#include "format/literal.h"

typedef enum TarnTextProblem {
    TARN_TEXT_FITS,
    TARN_TEXT_WRONG,    /* not a value of the type */
    TARN_TEXT_RANGE,    /* out of the type's range */
    TARN_TEXT_INEXACT,  /* more digits than the type keeps */
    TARN_TEXT_HAS_ZONE, /* a time zone for a type without */
    TARN_TEXT_BAD_UTF8,
    TARN_TEXT_NUL,
    TARN_TEXT_LENGTH /* not the length of a fixed type */
} TarnTextProblem;

const char *tarn_source__problem_text(TarnTextProblem problem);

TarnTextProblem tarn_source__text_int64(TarnText text, int64_t *value);
TarnTextProblem tarn_source__text_int32(TarnText text, int32_t *value);
TarnTextProblem tarn_source__text_double(TarnText text, double *value);
TarnTextProblem tarn_source__text_decimal(TarnText text, int32_t precision, int32_t scale,
                                          TarnInt128 *value);
TarnTextProblem tarn_source__text_bool(TarnText text, bool *value);
/* format NULL = ISO 8601; else strptime's %Y %y %m %d %b %B %H %I %p %M %S %f %z %% */
TarnTextProblem tarn_source__text_date(TarnText text, const char *format, int32_t *days);
/* *has_zone tells whether the text named a zone; the value is then in UTC. */
TarnTextProblem tarn_source__text_timestamp(TarnText text, const char *format, int64_t *us,
                                            bool *has_zone);
/* The same in nanoseconds; their range ends in 2262. */
TarnTextProblem tarn_source__text_timestamp_ns(TarnText text, const char *format, int64_t *ns,
                                               bool *has_zone);
/* The part of a format that is not known, or NULL. */
const char *tarn_source__text_format_check(const char *format);
TarnTextProblem tarn_source__text_time(TarnText text, int64_t *us);
TarnTextProblem tarn_source__text_uuid(TarnText text);
/* Valid UTF-8 without NUL. */
TarnTextProblem tarn_source__text_string(TarnText text);

#endif
