/* JSON text straight into column builders, in one pass and without a tree.
 *
 * An object's members go to the columns of their names; the member that came next in the last
 * object is expected first, so that regular files compare each name once. What is refused is told
 * with its path, which is put together on the way out of the recursion. Whether a column got its
 * value is seen by its builder's length, so nothing else is kept per row.
 * Numbers are exact: a fraction never becomes an integer, and a decimal never a double.
 */
#include "source/json_private.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "source/scan_private.h"

/* Bytes of a member's name shown in a path. */
#define SHOWN_NAME_BYTES 60
/* Digits of a number that is written with an exponent. */
#define EXPONENT_MAX 400

static const TarnTextFormats iso_formats = {NULL, NULL};

/* --- plans --- */

static void fill_plan(TarnJsonPlan *plan, const TarnColumn *columns, size_t count,
                      TarnArena *arena) {
    plan->child_count = count;
    plan->children = TARN_NEW_ARRAY(arena, count + 1, TarnJsonPlan);
    tarn_base_map_init(&plan->exact, arena);
    tarn_base_map_init(&plan->folded, arena);
    for (size_t i = 0; plan->children != NULL && i < count; i++) {
        TarnJsonPlan *child = &plan->children[i];
        const char *name = columns[i].origin != NULL ? columns[i].origin : columns[i].name;
        child->column = &columns[i];
        child->key = tarn_base_text(name);
        void *place = (void *)(uintptr_t)(i + 1);
        TarnText folded = tarn_source__folded(child->key, arena);
        if (!tarn_base_map_has(&plan->exact, child->key)) {
            tarn_base_map_put(&plan->exact, child->key, place);
        }
        if (!tarn_base_map_has(&plan->folded, folded)) {
            tarn_base_map_put(&plan->folded, folded, place);
        }
        fill_plan(child, columns[i].children, columns[i].child_count, arena);
    }
}

TarnJsonPlan *tarn_source__json_plan(const TarnColumn *columns, size_t count, TarnArena *arena) {
    TarnJsonPlan *plan = TARN_NEW(arena, TarnJsonPlan);
    if (plan != NULL) fill_plan(plan, columns, count, arena);
    return plan;
}

/* The child of that name, or child_count. */
static size_t find_child(const TarnJsonPlan *plan, TarnText key, size_t expected) {
    if (expected < plan->child_count) {
        TarnText name = plan->children[expected].key;
        if (name.size == key.size && memcmp(name.data, key.data, key.size) == 0) return expected;
    }
    size_t found = (size_t)(uintptr_t)tarn_base_map_get(&plan->exact, key);
    if (found == 0 && key.size <= TARN_LIMIT_IDENTIFIER_BYTES) {
        char folded[TARN_LIMIT_IDENTIFIER_BYTES + 1];
        for (size_t i = 0; i < key.size; i++) {
            char c = key.data[i];
            folded[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        }
        found = (size_t)(uintptr_t)tarn_base_map_get(&plan->folded, (TarnText){folded, key.size});
    }
    return found > 0 ? found - 1 : plan->child_count;
}

/* --- refusals --- */

static bool refuse(TarnJsonRow *row, const char *reason) {
    if (row->reason == NULL) row->reason = reason != NULL ? reason : "out of memory";
    return false;
}

static bool refuse_syntax(TarnJsonRow *row, const char *what) {
    row->path = NULL;
    return refuse(row, tarn_base_arena_printf(row->arena, "not JSON at byte %zu of the row: %s",
                                              (size_t)(row->at - row->start) + 1, what));
}

static bool refuse_value(TarnJsonRow *row, TarnPrimitive type, TarnText text,
                         TarnTextProblem problem) {
    row->is_value = true;
    row->path = "";
    return refuse(row, tarn_source__value_reason(row->arena, NULL, type, text, problem));
}

static bool refuse_missing(TarnJsonRow *row) {
    row->is_value = true;
    row->path = "";
    return refuse(row, "is required and has no value");
}

/* Adds a step to the path of what was refused below it. */
static bool refuse_below(TarnJsonRow *row, const char *separator, TarnText step) {
    if (row->path != NULL) {
        const char *dot = row->path[0] != '\0' && row->path[0] != '[' ? separator : "";
        row->path = tarn_base_arena_printf(row->arena, "%s%s%s",
                                           tarn_source__shown(row->arena, step, SHOWN_NAME_BYTES),
                                           dot, row->path);
    }
    return false;
}

const char *tarn_source__json_reason(TarnJsonRow *row) {
    if (!row->is_value || row->path == NULL) return row->reason;
    const char *colon = row->reason[0] == '"' ? ":" : "";
    const char *reason = tarn_base_arena_printf(row->arena, "column \"%s\"%s %s", row->path,
                                                colon, row->reason);
    return reason != NULL ? reason : "out of memory";
}

/* --- tokens --- */

void tarn_source__json_spaces(TarnJsonRow *row) {
    while (row->at < row->end && (*row->at == ' ' || *row->at == '\n' || *row->at == '\t' ||
                                  *row->at == '\r')) {
        row->at++;
    }
}

static bool take_char(TarnJsonRow *row, uint8_t c, const char *otherwise) {
    if (row->at < row->end && *row->at == c) {
        row->at++;
        return true;
    }
    return refuse_syntax(row, otherwise);
}

/* The first quote, backslash or control character at or after `at`. The piece is readable
 * TARN_SCAN_PADDING bytes behind its end. */
static const uint8_t *find_special(const uint8_t *at, const uint8_t *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1F);
    for (; at < end; at += 16) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(part, quote),
                                                  _mm_cmpeq_epi8(part, backslash)),
                                     _mm_cmpeq_epi8(_mm_min_epu8(part, control), part));
        int mask = _mm_movemask_epi8(found);
        if (mask == 0) continue;
        at += __builtin_ctz((unsigned)mask);
        return at < end ? at : end;
    }
    return end;
#else
    while (at < end && *at != '"' && *at != '\\' && *at >= 0x20) at++;
    return at;
#endif
}

static bool take_hex(TarnJsonRow *row, uint32_t *value) {
    *value = 0;
    if (row->end - row->at < 4) return refuse_syntax(row, "a \\u escape has four digits");
    for (int i = 0; i < 4; i++) {
        uint8_t c = *row->at;
        uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                         : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                                : 16;
        if (digit == 16) return refuse_syntax(row, "a \\u escape has four digits");
        *value = *value * 16 + digit;
        row->at++;
    }
    return true;
}

static bool take_unicode(TarnJsonRow *row) {
    uint32_t code;
    uint32_t low;
    char bytes[4];
    if (!take_hex(row, &code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
        bool pair = row->end - row->at >= 6 && row->at[0] == '\\' && row->at[1] == 'u';
        if (!pair) return refuse_syntax(row, "half of a surrogate pair");
        row->at += 2;
        if (!take_hex(row, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF) return refuse_syntax(row, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        return refuse_syntax(row, "half of a surrogate pair");
    }
    tarn_base_buffer_append(row->unescaped, bytes, tarn_base_text_utf8_put((int32_t)code, bytes));
    return true;
}

static bool take_escape(TarnJsonRow *row) {
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    if (row->at == row->end) return refuse_syntax(row, "a string is not closed");
    uint8_t c = *row->at++;
    if (c == 'u') return take_unicode(row);
    const char *known = c != '\0' ? strchr(from, c) : NULL;
    if (known == NULL) return refuse_syntax(row, "an unknown escape");
    tarn_base_buffer_byte(row->unescaped, (uint8_t)to[known - from]);
    return true;
}

/* The string whose opening quote is at row->at: a view of the source, or of row->unescaped. */
static bool take_string(TarnJsonRow *row, TarnText *text) {
    const uint8_t *start = ++row->at;
    bool escaped = false;
    for (;;) {
        const uint8_t *special = find_special(row->at, row->end);
        size_t size = (size_t)(special - start);
        row->at = special;
        if (special == row->end) return refuse_syntax(row, "a string is not closed");
        if (*special == '"' && !escaped) {
            *text = (TarnText){(const char *)start, size};
            row->at++;
            break;
        }
        if (*special != '"' && *special != '\\') {
            return refuse_syntax(row, "a control character in a string");
        }
        if (!escaped) tarn_base_buffer_clear(row->unescaped);
        escaped = true;
        tarn_base_buffer_append(row->unescaped, start, size);
        row->at++;
        if (*special == '"') {
            *text = tarn_base_buffer_view(row->unescaped);
            break;
        }
        if (!take_escape(row)) return false;
        start = row->at;
    }
    if (!row->valid_utf8 && tarn_base_text_utf8_valid(*text) != text->size) {
        return refuse_syntax(row, "a string is not valid UTF-8");
    }
    return true;
}

typedef struct Number {
    TarnText text;
    bool whole; /* neither fraction nor exponent */
    bool exponent;
} Number;

static size_t take_digits(TarnJsonRow *row) {
    const uint8_t *start = row->at;
    while (row->at < row->end && *row->at >= '0' && *row->at <= '9') row->at++;
    return (size_t)(row->at - start);
}

static bool take_number(TarnJsonRow *row, Number *number) {
    const uint8_t *start = row->at;
    number->whole = true;
    number->exponent = false;
    if (*row->at == '-') row->at++;
    const uint8_t *digits = row->at;
    size_t count = take_digits(row);
    if (count == 0) return refuse_syntax(row, "no value begins here");
    if (count > 1 && *digits == '0') return refuse_syntax(row, "a number begins with zero");
    if (row->at < row->end && *row->at == '.') {
        row->at++;
        number->whole = false;
        if (take_digits(row) == 0) return refuse_syntax(row, "a number ends in a point");
    }
    if (row->at < row->end && (*row->at == 'e' || *row->at == 'E')) {
        row->at++;
        number->whole = false;
        number->exponent = true;
        if (row->at < row->end && (*row->at == '+' || *row->at == '-')) row->at++;
        if (take_digits(row) == 0) return refuse_syntax(row, "a number has no exponent");
    }
    number->text = (TarnText){(const char *)start, (size_t)(row->at - start)};
    return true;
}

static bool take_word(TarnJsonRow *row, const char *word) {
    size_t size = strlen(word);
    if ((size_t)(row->end - row->at) < size || memcmp(row->at, word, size) != 0) {
        return refuse_syntax(row, "no value begins here");
    }
    row->at += size;
    return true;
}

/* --- values passed over --- */

static bool skip_value(TarnJsonRow *row);

static bool enter(TarnJsonRow *row) {
    if (row->depth >= TARN_LIMIT_NESTING) return refuse_syntax(row, "it nests too deeply");
    row->depth++;
    row->at++;
    tarn_source__json_spaces(row);
    return true;
}

/* Behind an item: true if another follows; row->at is then on it. False at the end or on error. */
static bool next_item(TarnJsonRow *row, uint8_t close, bool *ok) {
    tarn_source__json_spaces(row);
    *ok = true;
    if (row->at < row->end && *row->at == close) {
        row->at++;
        row->depth--;
        return false;
    }
    *ok = take_char(row, ',', close == '}' ? "a comma or } must follow"
                                           : "a comma or ] must follow");
    tarn_source__json_spaces(row);
    return *ok;
}

static bool take_key(TarnJsonRow *row, TarnText *key) {
    if (row->at == row->end || *row->at != '"') return refuse_syntax(row, "a name must follow");
    if (!take_string(row, key)) return false;
    tarn_source__json_spaces(row);
    if (!take_char(row, ':', "a colon must follow")) return false;
    tarn_source__json_spaces(row);
    return true;
}

static bool skip_nested(TarnJsonRow *row, uint8_t close) {
    TarnText key;
    bool ok = true;
    if (!enter(row)) return false;
    if (row->at < row->end && *row->at == close) {
        row->at++;
        row->depth--;
        return true;
    }
    do {
        if (close == '}' && !take_key(row, &key)) return false;
        if (!skip_value(row)) return false;
    } while (next_item(row, close, &ok));
    return ok;
}

static bool skip_value(TarnJsonRow *row) {
    TarnText text;
    Number number;
    switch (row->at < row->end ? *row->at : 0) {
    case '{': return skip_nested(row, '}');
    case '[': return skip_nested(row, ']');
    case '"': return take_string(row, &text);
    case 't': return take_word(row, "true");
    case 'f': return take_word(row, "false");
    case 'n': return take_word(row, "null");
    case '\0': return refuse_syntax(row, "no value begins here");
    default: return take_number(row, &number);
    }
}

/* --- values --- */

static bool read_value(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builder);

static bool read_exponent(TarnText text, int64_t *exponent) {
    if (text.size > 0 && text.data[0] == '+') text = (TarnText){text.data + 1, text.size - 1};
    return tarn_base_text_to_int64(text, exponent) && *exponent <= EXPONENT_MAX &&
           *exponent >= -EXPONENT_MAX;
}

/* A number with an exponent as plain digits: "-12.50e1" is "-125.0". False if that takes too
 * many. */
static bool plain_digits(TarnText text, TarnBuffer *out) {
    size_t mark = 0;
    int64_t exponent = 0;
    while (mark < text.size && text.data[mark] != 'e' && text.data[mark] != 'E') mark++;
    TarnText power = {text.data + mark + 1, text.size - mark - 1};
    if (mark > EXPONENT_MAX || (mark < text.size && !read_exponent(power, &exponent))) {
        return false;
    }
    bool negative = text.data[0] == '-';
    TarnText mantissa = {text.data + negative, mark - negative};
    TarnText fraction;
    TarnText whole = tarn_base_text_split(mantissa, '.', &fraction);
    int64_t count = (int64_t)(whole.size + fraction.size);
    int64_t point = (int64_t)whole.size + exponent; /* digits before it */
    tarn_base_buffer_clear(out);
    if (negative) tarn_base_buffer_byte(out, '-');
    if (point <= 0) tarn_base_buffer_string(out, "0.");
    for (int64_t i = point; i < 0; i++) tarn_base_buffer_byte(out, '0');
    for (int64_t i = 0; i < count || i < point; i++) {
        size_t place = (size_t)i;
        if (i == point && point > 0) tarn_base_buffer_byte(out, '.');
        tarn_base_buffer_byte(out, i >= count ? '0'
                                   : place < whole.size
                                       ? (uint8_t)whole.data[place]
                                       : (uint8_t)fraction.data[place - whole.size]);
    }
    return !out->failed;
}

/* 1.0 and 17e2 are whole numbers, and 1.50e1 a decimal(3,1). */
static TarnTextProblem put_odd_number(TarnJsonRow *row, TarnColumnBuilder *builder,
                                      TarnText text) {
    TarnInt128 wide;
    if (!plain_digits(text, row->unescaped)) return TARN_TEXT_RANGE;
    TarnText digits = tarn_base_buffer_view(row->unescaped);
    if (builder->column->type.kind == TARN_TYPE_DECIMAL) {
        return tarn_source__put_text(builder, digits, &iso_formats);
    }
    TarnTextProblem problem = tarn_source__text_decimal(digits, 38, 0, &wide);
    if (problem != TARN_TEXT_FITS) return problem;
    if (builder->column->type.kind == TARN_TYPE_INT) {
        int32_t narrow = (int32_t)wide;
        if (narrow != wide) return TARN_TEXT_RANGE;
        tarn_source__builder_fixed(builder, &narrow, 4);
    } else {
        int64_t whole = (int64_t)wide;
        if (whole != wide) return TARN_TEXT_RANGE;
        tarn_source__builder_fixed(builder, &whole, 8);
    }
    return TARN_TEXT_FITS;
}

static bool read_number(TarnJsonRow *row, TarnColumnBuilder *builder) {
    Number number;
    TarnTextProblem problem = TARN_TEXT_WRONG;
    int64_t whole;
    if (!take_number(row, &number)) return false;
    switch (builder->column->type.kind) {
    case TARN_TYPE_LONG:
        if (number.whole && tarn_source__text_int64(number.text, &whole) == TARN_TEXT_FITS) {
            tarn_source__builder_fixed(builder, &whole, 8);
            return true;
        }
        problem = put_odd_number(row, builder, number.text);
        break;
    case TARN_TYPE_INT: problem = put_odd_number(row, builder, number.text); break;
    case TARN_TYPE_DECIMAL:
        problem = number.exponent ? put_odd_number(row, builder, number.text)
                                  : tarn_source__put_text(builder, number.text, &iso_formats);
        break;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_STRING:
        problem = tarn_source__put_text(builder, number.text, &iso_formats);
        break;
    default: break;
    }
    return problem == TARN_TEXT_FITS ||
           refuse_value(row, builder->column->type, number.text, problem);
}

/* RFC 4648, with or without padding, either alphabet. */
static bool put_base64(TarnJsonRow *row, TarnColumnBuilder *builder, TarnText text) {
    TarnBuffer out;
    uint32_t bits = 0;
    int held = 0;
    size_t size = text.size;
    while (size > 0 && text.size - size < 2 && text.data[size - 1] == '=') size--;
    bool ok = size % 4 != 1 && (size == text.size || text.size % 4 == 0);
    tarn_base_buffer_init(&out, TARN_LIMIT_FIELD_BYTES);
    for (size_t i = 0; ok && i < size; i++) {
        char c = text.data[i];
        uint32_t six = c >= 'A' && c <= 'Z'   ? (uint32_t)(c - 'A')
                       : c >= 'a' && c <= 'z' ? (uint32_t)(c - 'a' + 26)
                       : c >= '0' && c <= '9' ? (uint32_t)(c - '0' + 52)
                       : c == '+' || c == '-' ? 62
                       : c == '/' || c == '_' ? 63
                                              : 64;
        ok = six < 64;
        bits = bits << 6 | (six & 63);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        tarn_base_buffer_byte(&out, (uint8_t)(bits >> held));
    }
    ok = ok && (bits & ((1U << held) - 1)) == 0;
    TarnText bytes = tarn_base_buffer_view(&out);
    TarnPrimitive type = builder->column->type;
    bool length = type.kind != TARN_TYPE_FIXED || bytes.size == (size_t)type.length;
    if (ok && length) tarn_source__builder_bytes(builder, bytes.data, bytes.size);
    tarn_base_buffer_dispose(&out);
    return (ok && length) ||
           refuse_value(row, type, text, ok ? TARN_TEXT_LENGTH : TARN_TEXT_WRONG);
}

static bool put_string(TarnJsonRow *row, TarnColumnBuilder *builder, TarnText text) {
    TarnTextProblem problem = TARN_TEXT_FITS;
    switch (builder->column->type.kind) {
    case TARN_TYPE_STRING:
        if (text.size > 0 && text.data == row->unescaped->data &&
            memchr(text.data, '\0', text.size) != NULL) {
            problem = TARN_TEXT_NUL; /* from an escape: as it is, it would not be JSON */
            break;
        }
        tarn_source__builder_text(builder, text.data, text.size);
        return true;
    case TARN_TYPE_BOOLEAN:
        if (tarn_base_text_is(text, "true") || tarn_base_text_is(text, "false")) {
            tarn_source__builder_bool(builder, text.size == 4);
            return true;
        }
        problem = TARN_TEXT_WRONG;
        break;
    case TARN_TYPE_BINARY:
    case TARN_TYPE_FIXED: return put_base64(row, builder, text);
    default: problem = tarn_source__put_text(builder, text, &iso_formats); break;
    }
    return problem == TARN_TEXT_FITS || refuse_value(row, builder->column->type, text, problem);
}

/* Any value as its JSON text, for columns of strings. */
static bool read_raw(TarnJsonRow *row, TarnColumnBuilder *builder) {
    const uint8_t *start = row->at;
    if (!skip_value(row)) return false;
    tarn_source__builder_bytes(builder, start, (size_t)(row->at - start));
    return true;
}

static bool wrong_kind(TarnJsonRow *row, const TarnColumnBuilder *builder) {
    const uint8_t *start = row->at;
    if (!skip_value(row)) return false; /* what is not JSON at all is the better reason */
    return refuse_value(row, builder->column->type,
                        (TarnText){(const char *)start, (size_t)(row->at - start)},
                        TARN_TEXT_WRONG);
}

/* --- objects and arrays --- */

static bool read_member(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builders,
                        size_t length, size_t *expected) {
    TarnText key;
    if (!take_key(row, &key)) return false;
    size_t child = find_child(plan, key, *expected);
    if (child == plan->child_count) {
        bool is_null = row->at < row->end && *row->at == 'n';
        if (row->refuse_extra_fields && !is_null) {
            row->path = NULL;
            return refuse(row, tarn_base_arena_printf(
                                   row->arena, "the field \"%s\" is not a column of the table",
                                   tarn_source__shown(row->arena, key, SHOWN_NAME_BYTES)));
        }
        if (!is_null) tarn_source__drops_note(row->drops, plan->column, key);
        return skip_value(row);
    }
    *expected = child + 1;
    if (builders[child].length > length) {
        row->path = NULL;
        return refuse(row, tarn_base_arena_printf(row->arena, "the field \"%s\" comes twice",
                                                  plan->children[child].column->name));
    }
    if (plan->column == NULL) row->column = plan->children[child].column->name;
    if (read_value(row, &plan->children[child], &builders[child])) return true;
    return refuse_below(row, ".", tarn_base_text(plan->children[child].column->name));
}

static bool fill_absent(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builders,
                        size_t length) {
    for (size_t i = 0; i < plan->child_count; i++) {
        if (builders[i].length > length || builders[i].failed) continue;
        const TarnColumn *column = plan->children[i].column;
        if (column->required) {
            if (plan->column == NULL) row->column = column->name;
            (void)refuse_missing(row);
            return refuse_below(row, ".", tarn_base_text(column->name));
        }
        tarn_source__builder_null(&builders[i]);
    }
    return true;
}

/* The members of an object at row->at, one value to each child. */
static bool read_members(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builders,
                         size_t length) {
    size_t expected = 0;
    bool ok = true;
    if (!enter(row)) return false;
    if (row->at < row->end && *row->at == '}') {
        row->at++;
        row->depth--;
    } else {
        do {
            if (!read_member(row, plan, builders, length, &expected)) return false;
        } while (next_item(row, '}', &ok));
    }
    return ok && fill_absent(row, plan, builders, length);
}

bool tarn_source__json_read_row(TarnJsonRow *row, const TarnJsonPlan *plan,
                                TarnColumnBuilder *builders) {
    if (row->at == row->end || *row->at != '{') {
        if (row->at < row->end && !skip_value(row)) return false;
        return refuse(row, "the row is not a JSON object");
    }
    size_t length = plan->child_count > 0 ? builders[0].length : 0;
    return read_members(row, plan, builders, length);
}

static bool read_list(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builder) {
    TarnColumnBuilder *element = &builder->children[0];
    bool ok = true;
    if (!enter(row)) return false;
    if (row->at < row->end && *row->at == ']') {
        row->at++;
        row->depth--;
    } else {
        size_t index = 0;
        do {
            if (!read_value(row, &plan->children[0], element)) {
                char step[32];
                snprintf(step, sizeof(step), "[%zu]", index);
                return refuse_below(row, ".", tarn_base_text(step));
            }
            index++;
        } while (next_item(row, ']', &ok));
    }
    if (ok) tarn_source__builder_end_list(builder);
    return ok;
}

static bool read_map(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builder) {
    bool ok = true;
    if (!enter(row)) return false;
    if (row->at < row->end && *row->at == '}') {
        row->at++;
        row->depth--;
    } else {
        do {
            TarnText key;
            if (!take_key(row, &key)) return false;
            if (!put_string(row, &builder->children[0], key)) {
                return refuse_below(row, ".", TARN_TEXT("key"));
            }
            size_t at = builder->children[0].length;
            if (!read_value(row, &plan->children[1], &builder->children[1])) {
                if (row->path == NULL || at == 0) return false;
                const int32_t *offsets = builder->children[0].offsets;
                bool text = builder->children[0].data != NULL && offsets != NULL;
                TarnText name = text ? (TarnText){(const char *)builder->children[0].data +
                                                      offsets[at - 1],
                                                  (size_t)(offsets[at] - offsets[at - 1])}
                                     : TARN_TEXT("value");
                return refuse_below(row, ".", name);
            }
        } while (next_item(row, '}', &ok));
    }
    if (ok) tarn_source__builder_end_list(builder);
    return ok;
}

static bool read_nested(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builder) {
    TarnTypeKind kind = builder->column->type.kind;
    bool is_list = *row->at == '[';
    if (kind == TARN_TYPE_STRING) return read_raw(row, builder);
    if (kind == TARN_TYPE_LIST && is_list) return read_list(row, plan, builder);
    if (kind == TARN_TYPE_MAP && !is_list) return read_map(row, plan, builder);
    if (kind != TARN_TYPE_STRUCT || is_list) return wrong_kind(row, builder);
    if (!read_members(row, plan, builder->children, builder->length)) return false;
    tarn_source__builder_end_struct(builder);
    return true;
}

static bool read_value(TarnJsonRow *row, const TarnJsonPlan *plan, TarnColumnBuilder *builder) {
    TarnText text;
    TarnTypeKind kind = builder->column->type.kind;
    switch (row->at < row->end ? *row->at : 0) {
    case '"': return take_string(row, &text) && put_string(row, builder, text);
    case '{':
    case '[': return read_nested(row, plan, builder);
    case 'n':
        if (!take_word(row, "null")) return false;
        if (builder->column->required) return refuse_missing(row);
        tarn_source__builder_null(builder);
        return true;
    case 't':
    case 'f':
        if (kind == TARN_TYPE_STRING) return read_raw(row, builder);
        if (kind != TARN_TYPE_BOOLEAN) return wrong_kind(row, builder);
        bool value = *row->at == 't';
        if (!take_word(row, value ? "true" : "false")) return false;
        tarn_source__builder_bool(builder, value);
        return true;
    case '\0': return refuse_syntax(row, "no value begins here");
    default: return read_number(row, builder);
    }
}
