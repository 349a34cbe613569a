/* Exact conversion of a literal to a column's type, for binding. */
#ifndef TARN_TABLE_PREDICATE_CONVERT_PRIVATE_H
#define TARN_TABLE_PREDICATE_CONVERT_PRIVATE_H

#include "format/literal.h"

typedef enum TarnConversion {
    TARN_CONVERTED,         /* equal value */
    TARN_CONVERTED_BETWEEN, /* lies strictly between *result and the next value of the type */
    TARN_CONVERTED_ABOVE,   /* above every value of the type (but NaN) */
    TARN_CONVERTED_BELOW,
    TARN_CONVERTED_NAN,
    TARN_NOT_CONVERTIBLE /* not comparable, or the engine's own comparison would round */
} TarnConversion;

/* `literal` is not null; `from` matters for decimals only (their scale). */
TarnConversion tarn_table__literal_convert(TarnPrimitive from, const TarnLiteral *literal,
                                           TarnPrimitive to, TarnLiteral *result);

#endif
