/* Text of any column's type into its builder. */
#ifndef TARN_SOURCE_COLUMN_TEXT_PRIVATE_H
#define TARN_SOURCE_COLUMN_TEXT_PRIVATE_H

#include "source/column_builder_private.h"
#include "source/text_value_private.h"

/* How dates are written; NULL = ISO 8601. */
typedef struct TarnTextFormats {
    const char *date;
    const char *timestamp;
} TarnTextFormats;

/* Appends one value, or nothing if it does not fit. Binary takes the bytes of the text as they
 * are. Nested types are TARN_TEXT_WRONG. */
TarnTextProblem tarn_source__put_text(TarnColumnBuilder *builder, TarnText text,
                                      const TarnTextFormats *formats);

/* Why a value was refused: `column "a": "x" is out of range (int)`; column NULL: without that
 * part, and then it begins with a quote. */
const char *tarn_source__value_reason(TarnArena *arena, const char *column, TarnPrimitive type,
                                      TarnText text, TarnTextProblem problem);

#endif
