/* Text -> value of a column: which parser reads which type, and what is said when none does.
 */
#include "source/column_text_private.h"

#include "source/reader_private.h"

/* Bytes of a value shown in a reason. */
#define SHOWN_BYTES 60

static TarnTextProblem put_timestamp(TarnColumnBuilder *builder, TarnText text,
                                     const char *format) {
    int64_t value;
    bool has_zone;
    TarnTypeKind kind = builder->column->type.kind;
    bool fine = kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS;
    bool zoned = kind == TARN_TYPE_TIMESTAMPTZ || kind == TARN_TYPE_TIMESTAMPTZ_NS;
    TarnTextProblem problem =
        fine ? tarn_source__text_timestamp_ns(text, format, &value, &has_zone)
             : tarn_source__text_timestamp(text, format, &value, &has_zone);
    if (problem == TARN_TEXT_FITS && has_zone && !zoned) problem = TARN_TEXT_HAS_ZONE;
    if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &value, 8);
    return problem;
}

static TarnTextProblem put_number(TarnColumnBuilder *builder, TarnText text) {
    TarnPrimitive type = builder->column->type;
    TarnTextProblem problem;
    int64_t wide;
    int32_t narrow;
    double real;
    float half;
    TarnInt128 decimal;
    switch (type.kind) {
    case TARN_TYPE_INT:
        problem = tarn_source__text_int32(text, &narrow);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &narrow, 4);
        return problem;
    case TARN_TYPE_LONG:
        problem = tarn_source__text_int64(text, &wide);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &wide, 8);
        return problem;
    case TARN_TYPE_FLOAT:
        problem = tarn_source__text_double(text, &real);
        half = problem == TARN_TEXT_FITS ? (float)real : 0;
        if (__builtin_isinf(half) && !__builtin_isinf(real)) problem = TARN_TEXT_RANGE;
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &half, 4);
        return problem;
    case TARN_TYPE_DOUBLE:
        problem = tarn_source__text_double(text, &real);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &real, 8);
        return problem;
    default:
        problem = tarn_source__text_decimal(text, type.precision, type.scale, &decimal);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &decimal, 16);
        return problem;
    }
}

static TarnTextProblem put_bytes(TarnColumnBuilder *builder, TarnText text) {
    TarnTextProblem problem = TARN_TEXT_FITS;
    TarnPrimitive type = builder->column->type;
    switch (type.kind) {
    case TARN_TYPE_STRING: problem = tarn_source__text_string(text); break;
    case TARN_TYPE_UUID:
        problem = tarn_source__text_uuid(text);
        text = tarn_base_text_trim(text);
        break;
    case TARN_TYPE_FIXED:
        if (text.size != (size_t)type.length) problem = TARN_TEXT_LENGTH;
        break;
    default: break;
    }
    if (problem == TARN_TEXT_FITS) tarn_source__builder_bytes(builder, text.data, text.size);
    return problem;
}

TarnTextProblem tarn_source__put_text(TarnColumnBuilder *builder, TarnText text,
                                      const TarnTextFormats *formats) {
    TarnTextProblem problem;
    int64_t us;
    int32_t days;
    bool flag;
    switch (builder->column->type.kind) {
    case TARN_TYPE_BOOLEAN:
        problem = tarn_source__text_bool(text, &flag);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_bool(builder, flag);
        return problem;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_DECIMAL: return put_number(builder, text);
    case TARN_TYPE_DATE:
        problem = tarn_source__text_date(text, formats->date, &days);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &days, 4);
        return problem;
    case TARN_TYPE_TIME:
        problem = tarn_source__text_time(text, &us);
        if (problem == TARN_TEXT_FITS) tarn_source__builder_fixed(builder, &us, 8);
        return problem;
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: return put_timestamp(builder, text, formats->timestamp);
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: return put_bytes(builder, text);
    default: return TARN_TEXT_WRONG;
    }
}

const char *tarn_source__value_reason(TarnArena *arena, const char *column, TarnPrimitive type,
                                      TarnText text, TarnTextProblem problem) {
    TarnBuffer name;
    tarn_base_buffer_init(&name, 256);
    switch (type.kind) {
    case TARN_TYPE_STRUCT: tarn_base_buffer_string(&name, "struct"); break;
    case TARN_TYPE_LIST: tarn_base_buffer_string(&name, "list"); break;
    case TARN_TYPE_MAP: tarn_base_buffer_string(&name, "map"); break;
    default: tarn_format_primitive_write(type, &name); break;
    }
    const char *reason = tarn_base_arena_printf(
        arena, "%s%s%s\"%s\"%s %s (%s)", column != NULL ? "column \"" : "",
        column != NULL ? column : "", column != NULL ? "\": " : "",
        tarn_source__shown(arena, text, SHOWN_BYTES), text.size > SHOWN_BYTES ? "..." : "",
        tarn_source__problem_text(problem), name.data != NULL ? name.data : "");
    tarn_base_buffer_dispose(&name);
    return reason;
}
