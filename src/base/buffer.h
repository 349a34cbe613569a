/* Buffer: bytes that grow up to a maximum given at birth (read: curl's dynbuf).
 *
 * Once an append fails (limit or memory) the buffer is `failed`, further appends do nothing, and
 * one check at the end reports it. data is always zero-terminated one byte past size (unless
 * NULL because empty). Heap memory, freed by dispose.
 */
#ifndef TARN_BASE_BUFFER_H
#define TARN_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

typedef struct TarnBuffer {
    char *data;
    size_t size;
    size_t capacity;
    size_t limit;
    bool failed;
    bool out_of_memory; /* why it failed: not the limit */
} TarnBuffer;

void tarn_base_buffer_init(TarnBuffer *buffer, size_t limit);
void tarn_base_buffer_dispose(TarnBuffer *buffer); /* safe on zeroed memory, and twice */
void tarn_base_buffer_clear(TarnBuffer *buffer);   /* keeps the memory, forgets failure */
char *tarn_base_buffer_take(TarnBuffer *buffer);   /* caller frees; NULL if failed */

bool tarn_base_buffer_reserve(TarnBuffer *buffer, size_t extra);
void tarn_base_buffer_append(TarnBuffer *buffer, const void *data, size_t size);
void tarn_base_buffer_byte(TarnBuffer *buffer, uint8_t byte);
void tarn_base_buffer_string(TarnBuffer *buffer, const char *string);
void tarn_base_buffer_text(TarnBuffer *buffer, TarnText text);
void tarn_base_buffer_printf(TarnBuffer *buffer, const char *format, ...) TARN_PRINTF(2, 3);
/* SQL: "name" with inner quotes doubled, 'literal' likewise */
void tarn_base_buffer_identifier(TarnBuffer *buffer, TarnText name);
void tarn_base_buffer_literal(TarnBuffer *buffer, TarnText value);

static inline TarnText tarn_base_buffer_view(const TarnBuffer *buffer) {
    return (TarnText){buffer->data != NULL ? buffer->data : "", buffer->size};
}
/* A copy in the arena; where the buffer has failed the arena fails with it, so that one check of
 * the arena is enough. */
char *tarn_base_buffer_keep(const TarnBuffer *buffer, TarnArena *arena);
/* `buffer` got bytes of `part`: if that has failed, so has this. */
void tarn_base_buffer_inherit(TarnBuffer *buffer, const TarnBuffer *part);
/* TARN_E_LIMIT_EXCEEDED or TARN_E_OUT_OF_MEMORY. */
bool tarn_base_buffer_check(const TarnBuffer *buffer, TarnError *error) TARN_CHECKED;

#endif
