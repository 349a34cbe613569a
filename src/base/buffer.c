/* Growing bytes with a maximum. See buffer.h for the contract; the idea of a sticky failure is
 * that builders append freely and check once.
 */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

void tarn_base_buffer_init(TarnBuffer *buffer, size_t limit) {
    memset(buffer, 0, sizeof(*buffer));
    buffer->limit = limit;
}

void tarn_base_buffer_dispose(TarnBuffer *buffer) {
    free(buffer->data);
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
}

void tarn_base_buffer_clear(TarnBuffer *buffer) {
    buffer->size = 0;
    buffer->failed = buffer->out_of_memory = false;
    if (buffer->data != NULL) buffer->data[0] = '\0';
}

char *tarn_base_buffer_take(TarnBuffer *buffer) {
    if (!tarn_base_buffer_reserve(buffer, 0)) return NULL;
    char *data = buffer->data;
    buffer->data = NULL;
    buffer->size = buffer->capacity = 0;
    return data;
}

bool tarn_base_buffer_reserve(TarnBuffer *buffer, size_t extra) {
    if (buffer->failed) return false;
    if (extra > buffer->limit - buffer->size) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->size + extra + 1;
    if (needed <= buffer->capacity) return true;
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity * 2;
    if (capacity < needed) capacity = needed;
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = buffer->out_of_memory = true;
        return false;
    }
    data[buffer->size] = '\0';
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void tarn_base_buffer_append(TarnBuffer *buffer, const void *data, size_t size) {
    if (size == 0 || !tarn_base_buffer_reserve(buffer, size)) return;
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
    buffer->data[buffer->size] = '\0';
}

void tarn_base_buffer_byte(TarnBuffer *buffer, uint8_t byte) {
    if (!tarn_base_buffer_reserve(buffer, 1)) return;
    buffer->data[buffer->size++] = (char)byte;
    buffer->data[buffer->size] = '\0';
}

void tarn_base_buffer_string(TarnBuffer *buffer, const char *string) {
    tarn_base_buffer_append(buffer, string, strlen(string));
}

void tarn_base_buffer_text(TarnBuffer *buffer, TarnText text) {
    tarn_base_buffer_append(buffer, text.data, text.size);
}

void tarn_base_buffer_printf(TarnBuffer *buffer, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) {
        buffer->failed = true;
        return;
    }
    if (!tarn_base_buffer_reserve(buffer, (size_t)size)) return;
    va_start(args, format);
    vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, args);
    va_end(args);
    buffer->size += (size_t)size;
}

static void append_quoted(TarnBuffer *buffer, TarnText text, char quote) {
    tarn_base_buffer_byte(buffer, (uint8_t)quote);
    size_t start = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != quote) continue;
        tarn_base_buffer_append(buffer, text.data + start, i + 1 - start);
        tarn_base_buffer_byte(buffer, (uint8_t)quote);
        start = i + 1;
    }
    tarn_base_buffer_append(buffer, text.data + start, text.size - start);
    tarn_base_buffer_byte(buffer, (uint8_t)quote);
}

void tarn_base_buffer_identifier(TarnBuffer *buffer, TarnText name) {
    append_quoted(buffer, name, '"');
}

void tarn_base_buffer_literal(TarnBuffer *buffer, TarnText value) {
    append_quoted(buffer, value, '\'');
}

char *tarn_base_buffer_keep(const TarnBuffer *buffer, TarnArena *arena) {
    if (!buffer->failed) return tarn_base_text_string(arena, tarn_base_buffer_view(buffer));
    arena->failed = true;
    return NULL;
}

void tarn_base_buffer_inherit(TarnBuffer *buffer, const TarnBuffer *part) {
    buffer->failed |= part->failed;
    buffer->out_of_memory |= part->out_of_memory;
}

bool tarn_base_buffer_check(const TarnBuffer *buffer, TarnError *error) {
    if (!buffer->failed) return true;
    if (buffer->out_of_memory) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                               "cannot hold more than %zu bytes here", buffer->limit);
}
