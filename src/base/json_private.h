/* What the JSON parser shares with the YAML loader and the writer: the number grammar, unique
 * member names, foreign text in messages, and the scan over ordinary bytes. Private to base/. */
#ifndef TARN_BASE_JSON_PRIVATE_H
#define TARN_BASE_JSON_PRIVATE_H

#include <string.h>

#include "base/json.h"

/* Memory for the search in large objects, kept between calls; zeroed before the first. */
typedef struct TarnJsonNames {
    const TarnJson **slots;
    size_t capacity; /* a power of two */
} TarnJsonNames;

/* The second child with a name that occurred before, and that first one; NULL if all differ or
 * the arena failed. */
const TarnJson *tarn_base__json_duplicate(const TarnJson *object, TarnArena *arena,
                                          TarnJsonNames *names, const TarnJson **earlier);

/* Bytes of the JSON number (RFC 8259 section 6) that the text starts with; 0 if none. */
size_t tarn_base__json_number_size(TarnText text);

/* For messages: at most about 60 code points, control characters as '?'. `out` is returned. */
#define TARN_JSON_SHOWN_BYTES 256
char *tarn_base__json_show(TarnText text, char out[TARN_JSON_SHOWN_BYTES]);

static inline uint64_t tarn_base__json_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

#define TARN_JSON_EACH_BYTE UINT64_C(0x0101010101010101)

/* The high bit of each byte that a string cannot run over: quote, backslash, control, not ASCII.
 * Above the lowest such byte there may be false ones (borrows), below it there are none. */
static inline uint64_t tarn_base__json_special(uint64_t word) {
    uint64_t quote = (word ^ (TARN_JSON_EACH_BYTE * '"')) - TARN_JSON_EACH_BYTE;
    uint64_t backslash = (word ^ (TARN_JSON_EACH_BYTE * '\\')) - TARN_JSON_EACH_BYTE;
    uint64_t control = word - TARN_JSON_EACH_BYTE * 0x20;
    return (quote | backslash | control | word) & (TARN_JSON_EACH_BYTE * 0x80);
}

static inline bool tarn_base__json_is_special(char c) {
    unsigned char byte = (unsigned char)c;
    return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\';
}

/* The first byte from `at` on that a string cannot simply run over, or `end`. */
static inline const char *tarn_base__json_skip_ordinary(const char *at, const char *end) {
    while (end - at >= 8) {
        uint64_t special = tarn_base__json_special(tarn_base__json_word(at));
        if (special == 0) {
            at += 8;
            continue;
        }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return at + __builtin_ctzll(special) / 8;
#else
        break;
#endif
    }
    while (at != end && !tarn_base__json_is_special(*at)) at++;
    return at;
}

#endif
