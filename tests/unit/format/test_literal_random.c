/* Single values at random: what survives every form, bounds that bracket their value, and memory
 * that runs out. Each failure prints its seed and round. */
#include "format/literal.h"

#include <math.h>

#include "base/hash.h"
#include "base/limits.h"
#include "tap.h"

#define SEED UINT64_C(0x5EED0001)

static TarnArena arena;
static TarnBuffer out;

static void fresh(void) {
    tarn_base_arena_dispose(&arena);
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    tarn_base_buffer_dispose(&out);
    tarn_base_buffer_init(&out, 16 * TARN_MIB);
}

static uint64_t state;

static uint64_t next_random(void) {
    state += UINT64_C(0x9E3779B97F4A7C15);
    return tarn_base_hash64(&state, sizeof(state), SEED);
}

static uint64_t below(uint64_t limit) { return next_random() % limit; }

static TarnText random_text(bool any_bytes, size_t count) {
    char *text = tarn_base_arena_alloc(&arena, 4 * count + 1);
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        static const int32_t edges[] = {0, 0x7F, 0x80, 0x7FF, 0xD7FF, 0xE000, 0xFFFF, 0x10FFFF};
        int32_t code_point = below(3) == 0 ? edges[below(8)] : (int32_t)below(0xD800);
        if (any_bytes) {
            text[size++] = (char)(below(3) == 0 ? 0xFF : below(256));
        } else {
            size += tarn_base_text_utf8_put(code_point, text + size);
        }
    }
    return (TarnText){text, size};
}

static TarnInt128 random_decimal(int32_t precision) {
    TarnInt128 value = 0;
    int32_t digits = 1 + (int32_t)below((uint64_t)precision);
    for (int32_t i = 0; i < digits; i++) value = value * 10 + (int)below(10);
    return below(2) == 0 ? value : -value;
}

static TarnLiteral random_literal(TarnPrimitive type) {
    TarnLiteral literal = {.kind = type.kind};
    int64_t wide = (int64_t)next_random() >> below(63);
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: literal.as.boolean = below(2) == 1; break;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE: literal.as.integer = (int32_t)next_random() >> below(31); break;
    case TARN_TYPE_TIME: literal.as.integer = (int64_t)below(UINT64_C(86400000001)); break;
    case TARN_TYPE_FLOAT: {
        uint32_t bits = (uint32_t)next_random();
        float value;
        memcpy(&value, &bits, sizeof(value));
        literal.as.real = isnan(value) ? (double)NAN : (double)value;
        break;
    }
    case TARN_TYPE_DOUBLE: {
        uint64_t bits = next_random();
        memcpy(&literal.as.real, &bits, sizeof(bits));
        if (isnan(literal.as.real)) literal.as.real = (double)NAN;
        break;
    }
    case TARN_TYPE_DECIMAL: literal.as.decimal = random_decimal(type.precision); break;
    case TARN_TYPE_STRING: literal.as.bytes = random_text(false, below(20)); break;
    case TARN_TYPE_UUID: literal.as.bytes = random_text(true, 16); break;
    case TARN_TYPE_FIXED: literal.as.bytes = random_text(true, (size_t)type.length); break;
    case TARN_TYPE_BINARY: literal.as.bytes = random_text(true, below(20)); break;
    default: literal.as.integer = wide; break;
    }
    return literal;
}

static bool survives_json(TarnPrimitive type, const TarnLiteral *literal, TarnLiteral *back) {
    TarnJsonWriter writer;
    TarnJson *tree;
    TarnError error;
    tarn_base_buffer_clear(&out);
    tarn_base_json_writer_init(&writer, &out, 0);
    tarn_format_literal_to_json(type, literal, &writer);
    return tarn_base_json_parse(tarn_base_buffer_view(&out), NULL, &arena, &tree, &error) &&
           tarn_format_literal_from_json(type, tree, &arena, back, &error);
}

static bool survives_text(TarnPrimitive type, const TarnLiteral *literal, TarnLiteral *back) {
    TarnError error;
    if (type.kind == TARN_TYPE_FIXED || type.kind == TARN_TYPE_BINARY) {
        *back = *literal; /* base64 is for reading only */
        return true;
    }
    tarn_base_buffer_clear(&out);
    tarn_format_literal_to_text(type, literal, &out);
    return tarn_format_literal_from_text(type, tarn_base_buffer_view(&out), &arena, back, &error);
}

static void random_values_survive_every_form(void) {
    state = SEED;
    for (int round = 0; round < 20000; round++) {
        if (round % 500 == 0) fresh();
        TarnPrimitive type = {.kind = (TarnTypeKind)below(TARN_TYPE_BINARY + 1)};
        type.precision = 1 + (int32_t)below(38);
        type.scale = (int32_t)below((uint64_t)type.precision + 1);
        type.length = 1 + (int32_t)below(20);
        TarnLiteral literal = random_literal(type);
        TarnLiteral back;
        TarnError error;
        tarn_base_buffer_clear(&out);
        tarn_format_literal_to_bytes(&literal, &out);
        bool same = tarn_format_literal_from_bytes(type, tarn_base_buffer_view(&out), &back,
                                                   &error) &&
                    tarn_format_literal_compare(&literal, &back) == 0;
        same = same && survives_json(type, &literal, &back) &&
               tarn_format_literal_compare(&literal, &back) == 0;
        same = same && survives_text(type, &literal, &back) &&
               tarn_format_literal_compare(&literal, &back) == 0;
        if (same) continue;
        printf("# seed %" PRIu64 " round %d kind %d: %s\n", SEED, round, type.kind,
               out.data != NULL ? out.data : "");
        tap_fail(__FILE__, __LINE__, "a value changed");
    }
}

static void random_bounds_bracket_their_values(void) {
    state = SEED + 1;
    for (int round = 0; round < 20000; round++) {
        if (round % 500 == 0) fresh();
        bool bytes = below(2) == 0;
        TarnPrimitive type = {.kind = bytes ? TARN_TYPE_BINARY : TARN_TYPE_STRING};
        TarnLiteral value = {.kind = type.kind, .as.bytes = random_text(bytes, below(12))};
        int32_t width = 1 + (int32_t)below(10);
        TarnLiteral low = value;
        TarnLiteral high = value;
        low.as.bytes = tarn_format_bound_lower(type, value.as.bytes, width);
        CHECK(tarn_format_literal_compare(&low, &value) <= 0);
        if (!tarn_format_bound_upper(type, value.as.bytes, width, &arena, &high.as.bytes)) {
            /* only if every unit of the prefix is the highest there is */
            for (size_t i = 0; bytes && i < low.as.bytes.size; i++) {
                CHECK((unsigned char)low.as.bytes.data[i] == 0xFF);
            }
            CHECK(bytes || low.as.bytes.size == 4 * (size_t)width);
            continue;
        }
        CHECK(tarn_format_literal_compare(&value, &high) <= 0);
        if (bytes) continue;
        CHECK_INT(tarn_base_text_utf8_valid(high.as.bytes), high.as.bytes.size);
        CHECK(tarn_base_text_utf8_count(high.as.bytes) <= (size_t)width);
    }
}

static void exhausted_memory_is_an_error(void) {
    int done_count = 0;
    for (size_t limit = 0; limit < 400; limit += 8) {
        TarnArena small;
        TarnLiteral literal;
        TarnError error = {0};
        TarnText text = TARN_TEXT("0123456789012345678901234567890123456");
        tarn_base_arena_init(&small, limit);
        bool done = tarn_format_literal_from_text((TarnPrimitive){.kind = TARN_TYPE_BINARY}, text,
                                                  &small, &literal, &error);
        CHECK(done || error.code == TARN_E_OUT_OF_MEMORY);
        done_count += done;
        tarn_base_arena_dispose(&small);
    }
    CHECK(done_count > 0 && done_count < 50);
    TarnArena none;
    TarnText bound;
    tarn_base_arena_init(&none, 0);
    CHECK(!tarn_format_bound_upper((TarnPrimitive){.kind = TARN_TYPE_STRING}, TARN_TEXT("abc"), 2,
                                   &none, &bound));
    tarn_base_arena_dispose(&none);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(random_values_survive_every_form);
    TAP_TEST(random_bounds_bracket_their_values);
    TAP_TEST(exhausted_memory_is_an_error);
    tarn_base_arena_dispose(&arena);
    tarn_base_buffer_dispose(&out);
    return tap_end();
}
