/* Text: views of UTF-8 bytes, and what one does to names and numbers.
 *
 * A TarnText is a pointer and a length, never owning, not zero-terminated. char pointers in tarn
 * are zero-terminated UTF-8 unless their comment says otherwise.
 */
#ifndef TARN_BASE_TEXT_H
#define TARN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"

typedef struct TarnText {
    const char *data;
    size_t size;
} TarnText;

#define TARN_TEXT(literal) ((TarnText){(literal), sizeof(literal) - 1})
#define TARN_TEXT_ARG(text) (int)(text).size, (text).data /* for "%.*s" */

static inline TarnText tarn_base_text(const char *string) {
    return (TarnText){string, string != NULL ? strlen(string) : 0};
}
bool tarn_base_text_equal(TarnText a, TarnText b);
bool tarn_base_text_is(TarnText text, const char *string);
bool tarn_base_text_starts(TarnText text, const char *prefix);
bool tarn_base_text_ends(TarnText text, const char *suffix);
TarnText tarn_base_text_trim(TarnText text); /* ASCII white space at both ends */
/* Splits off the part before the first `separator`; *rest is what follows (data NULL if none). */
TarnText tarn_base_text_split(TarnText text, char separator, TarnText *rest);
char *tarn_base_text_string(TarnArena *arena, TarnText text);

/* Length of the valid UTF-8 prefix: == text.size when all is valid. Refuses overlong forms,
 * surrogates and code points above 10FFFF (RFC 3629). */
size_t tarn_base_text_utf8_valid(TarnText text);
size_t tarn_base_text_utf8_count(TarnText text); /* code points, of valid UTF-8 */
/* Decodes the code point at *offset and moves past it; -1 on bad bytes. */
int32_t tarn_base_text_utf8_next(TarnText text, size_t *offset);
size_t tarn_base_text_utf8_put(int32_t code_point, char out[4]);

/* Whole text must be the number, in range; no spaces, no '+'. */
bool tarn_base_text_to_int64(TarnText text, int64_t *value);
bool tarn_base_text_to_double(TarnText text, double *value);
/* "128MB", "10GB", "64KiB", "512" -> bytes (MB = 1024*1024, as PostgreSQL users expect) */
bool tarn_base_text_to_bytes(TarnText text, uint64_t *bytes);
/* "60s", "5m", "2h", "30d", "7y" -> milliseconds */
bool tarn_base_text_to_duration_ms(TarnText text, int64_t *ms);

/* The candidate nearest to `wanted` by edit distance, or NULL if none is near enough to suggest. */
const char *tarn_base_text_nearest(const char *wanted, const char *const *candidates, size_t count);

/* Decimal digits, at least `width` of them with zeros in front; returns how many characters, which
 * are not zero-terminated. */
#define TARN_TEXT_UINT64_BYTES 20
size_t tarn_base_text_put_uint64(uint64_t value, size_t width, char out[TARN_TEXT_UINT64_BYTES]);
/* Zero-terminated; "1.4 GB", "336,776" for people. `out` is returned. */
#define TARN_TEXT_HUMAN_BYTES 32
char *tarn_base_text_human_bytes(uint64_t bytes, char out[TARN_TEXT_HUMAN_BYTES]);
char *tarn_base_text_human_count(uint64_t count, char out[TARN_TEXT_HUMAN_BYTES]);

void tarn_base_text_hex(const void *data, size_t size, char *out); /* writes 2*size+1 bytes */

#endif
