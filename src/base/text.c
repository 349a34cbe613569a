/* Views of UTF-8 text: comparing, splitting, numbers, units, and the nearest known name. */
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

bool tarn_base_text_equal(TarnText a, TarnText b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool tarn_base_text_is(TarnText text, const char *string) {
    return tarn_base_text_equal(text, tarn_base_text(string));
}

bool tarn_base_text_starts(TarnText text, const char *prefix) {
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

bool tarn_base_text_ends(TarnText text, const char *suffix) {
    size_t size = strlen(suffix);
    return text.size >= size && memcmp(text.data + text.size - size, suffix, size) == 0;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

TarnText tarn_base_text_trim(TarnText text) {
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) text.size--;
    return text;
}

TarnText tarn_base_text_split(TarnText text, char separator, TarnText *rest) {
    const char *found = text.size > 0 ? memchr(text.data, separator, text.size) : NULL;
    if (found == NULL) {
        *rest = (TarnText){NULL, 0};
        return text;
    }
    size_t size = (size_t)(found - text.data);
    *rest = (TarnText){found + 1, text.size - size - 1};
    return (TarnText){text.data, size};
}

char *tarn_base_text_string(TarnArena *arena, TarnText text) {
    return tarn_base_arena_string_n(arena, text.data, text.size);
}

int32_t tarn_base_text_utf8_next(TarnText text, size_t *offset) {
    const unsigned char *at = (const unsigned char *)text.data + *offset;
    size_t left = text.size - *offset;
    if (left == 0) return -1;
    if (at[0] < 0x80) {
        *offset += 1;
        return at[0];
    }
    size_t size = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    static const int32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (at[0] < 0xC2 || at[0] > 0xF4 || left < size) return -1;
    int32_t code_point = at[0] & (0x7F >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xC0) != 0x80) return -1;
        code_point = code_point << 6 | (at[i] & 0x3F);
    }
    bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    if (code_point < smallest[size] || code_point > 0x10FFFF || surrogate) return -1;
    *offset += size;
    return code_point;
}

size_t tarn_base_text_utf8_valid(TarnText text) {
    size_t offset = 0;
    while (offset < text.size) {
        uint64_t word;
        while (text.size - offset >= sizeof(word)) {
            memcpy(&word, text.data + offset, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) != 0) break;
            offset += sizeof(word);
        }
        if (offset < text.size && tarn_base_text_utf8_next(text, &offset) < 0) break;
    }
    return offset;
}

size_t tarn_base_text_utf8_count(TarnText text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

size_t tarn_base_text_utf8_put(int32_t code_point, char out[4]) {
    uint32_t c = (uint32_t)code_point;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

bool tarn_base_text_to_int64(TarnText text, int64_t *value) {
    bool negative = text.size > 0 && text.data[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == text.size) return false;
    int64_t result = 0;
    for (; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        int digit = text.data[i] - '0';
        if (__builtin_mul_overflow(result, 10, &result)) return false;
        if (negative ? __builtin_sub_overflow(result, digit, &result)
                     : __builtin_add_overflow(result, digit, &result)) {
            return false;
        }
    }
    *value = result;
    return true;
}

bool tarn_base_text_to_double(TarnText text, double *value) {
    char copy[512];
    if (text.size == 0 || text.size >= sizeof(copy) || is_space(text.data[0]) ||
        text.data[0] == '+') {
        return false;
    }
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    char *end = NULL;
    *value = strtod(copy, &end);
    return end == copy + text.size;
}

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

/* "<number><unit>", the number with an optional fraction; the unit without regard to case. */
static bool parse_with_unit(TarnText text, const Unit *units, size_t count, int64_t *value) {
    text = tarn_base_text_trim(text);
    size_t digits = 0;
    while (digits < text.size && strchr("0123456789.", text.data[digits]) != NULL &&
           text.data[digits] != '\0') {
        digits++;
    }
    TarnText name = tarn_base_text_trim((TarnText){text.data + digits, text.size - digits});
    double number;
    if (!tarn_base_text_to_double((TarnText){text.data, digits}, &number)) return false;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(units[i].name);
        if (size != name.size || strncasecmp(units[i].name, name.data, size) != 0) continue;
        double scaled = number * (double)units[i].factor;
        if (!(scaled >= 0 && scaled < 9.2e18)) return false;
        *value = (int64_t)scaled;
        return true;
    }
    return false;
}

bool tarn_base_text_to_bytes(TarnText text, uint64_t *bytes) {
    static const Unit units[] = {
        {"", 1},           {"b", 1},          {"kb", 1 << 10},          {"kib", 1 << 10},
        {"mb", 1 << 20},   {"mib", 1 << 20},  {"gb", 1 << 30},          {"gib", 1 << 30},
        {"tb", 1LL << 40}, {"tib", 1LL << 40}};
    int64_t value;
    if (!parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), &value)) return false;
    *bytes = (uint64_t)value;
    return true;
}

bool tarn_base_text_to_duration_ms(TarnText text, int64_t *ms) {
    static const Unit units[] = {{"ms", 1},        {"s", 1000},      {"m", 60000},
                                 {"h", 3600000},   {"d", 86400000},  {"w", 604800000},
                                 {"y", 31557600000}};
    return parse_with_unit(text, units, sizeof(units) / sizeof(units[0]), ms);
}

#define NEAREST_MAX 64

static size_t edit_distance(const char *a, size_t a_size, const char *b, size_t b_size) {
    size_t row[NEAREST_MAX + 1];
    for (size_t j = 0; j <= b_size; j++) row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_size];
}

const char *tarn_base_text_nearest(const char *wanted, const char *const *candidates,
                                   size_t count) {
    size_t wanted_size = strlen(wanted);
    if (wanted_size > NEAREST_MAX) return NULL;
    size_t best = wanted_size / 3 + 1; /* a third of the letters wrong is still a typing slip */
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(candidates[i]);
        if (size > NEAREST_MAX || size == 0) continue;
        size_t distance = edit_distance(wanted, wanted_size, candidates[i], size);
        if (distance < size && (distance < best || (distance == best && nearest == NULL))) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

size_t tarn_base_text_put_uint64(uint64_t value, size_t width, char out[TARN_TEXT_UINT64_BYTES]) {
    char reversed[TARN_TEXT_UINT64_BYTES];
    size_t size = 0;
    do {
        reversed[size++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (size < width && size < sizeof(reversed)) reversed[size++] = '0';
    for (size_t i = 0; i < size; i++) out[i] = reversed[size - 1 - i];
    return size;
}

char *tarn_base_text_human_bytes(uint64_t bytes, char out[TARN_TEXT_HUMAN_BYTES]) {
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit < 6) {
        value /= 1024;
        unit++;
    }
    snprintf(out, TARN_TEXT_HUMAN_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

char *tarn_base_text_human_count(uint64_t count, char out[TARN_TEXT_HUMAN_BYTES]) {
    char digits[TARN_TEXT_UINT64_BYTES];
    size_t size = tarn_base_text_put_uint64(count, 1, digits);
    size_t at = 0;
    for (size_t i = 0; i < size; i++) {
        if (i > 0 && (size - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

void tarn_base_text_hex(const void *data, size_t size, char *out) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}
