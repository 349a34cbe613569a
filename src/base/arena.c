/* Arena allocation: a list of blocks, newest first, bump allocation inside the newest.
 *
 * Blocks double up to 1 MiB so that small arenas stay small and large ones need few calls. A
 * request larger than a block gets a block of its own, placed behind the current one so that the
 * current one stays in use. Reset keeps nothing: a statement's peak must not become a session's
 * floor.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define ALIGNMENT 16
#define FIRST_BLOCK_BYTES (4 * TARN_KIB)
#define LARGEST_BLOCK_BYTES (1 * TARN_MIB)

struct TarnArenaBlock {
    TarnArenaBlock *older;
    size_t size; /* of data */
    size_t used;
    size_t padding;
    unsigned char data[];
};

void tarn_base_arena_init(TarnArena *arena, size_t limit) {
    memset(arena, 0, sizeof(*arena));
    arena->limit = limit;
}

void tarn_base_arena_dispose(TarnArena *arena) {
    TarnArenaBlock *block = arena->block;
    while (block != NULL) {
        TarnArenaBlock *older = block->older;
        free(block);
        block = older;
    }
    arena->block = NULL;
    arena->used = 0;
}

void tarn_base_arena_reset(TarnArena *arena) {
    tarn_base_arena_dispose(arena);
    arena->failed = false;
}

static TarnArenaBlock *add_block(TarnArena *arena, size_t size) {
    size_t total = sizeof(TarnArenaBlock) + size;
    if (total > arena->limit - arena->used || arena->used > arena->limit) return NULL;
    TarnArenaBlock *block = malloc(total);
    if (block == NULL) return NULL;
    block->size = size;
    block->used = 0;
    arena->used += total;
    return block;
}

static size_t next_block_size(const TarnArena *arena) {
    if (arena->block == NULL) return FIRST_BLOCK_BYTES - sizeof(TarnArenaBlock);
    size_t size = arena->block->size * 2;
    return size > LARGEST_BLOCK_BYTES ? LARGEST_BLOCK_BYTES : size;
}

static void *take(TarnArenaBlock *block, size_t size) {
    void *memory = block->data + block->used;
    block->used += size;
    return memset(memory, 0, size);
}

static void *alloc_slow(TarnArena *arena, size_t size) {
    size_t wanted = next_block_size(arena);
    bool oversized = size > wanted / 4 && arena->block != NULL;
    TarnArenaBlock *block = add_block(arena, oversized || size > wanted ? size : wanted);
    /* Near the limit the comfortable size may not fit while the request itself does. */
    if (block == NULL && size < wanted) block = add_block(arena, size);
    if (block == NULL) {
        arena->failed = true;
        return NULL;
    }
    if (oversized) {
        block->older = arena->block->older;
        arena->block->older = block;
    } else {
        block->older = arena->block;
        arena->block = block;
    }
    return take(block, size);
}

void *tarn_base_arena_alloc(TarnArena *arena, size_t size) {
    if (arena->failed || size > SIZE_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    TarnArenaBlock *block = arena->block;
    if (block != NULL && size <= block->size - block->used) return take(block, size);
    return alloc_slow(arena, size);
}

void *tarn_base_arena_array(TarnArena *arena, size_t count, size_t size) {
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        arena->failed = true;
        return NULL;
    }
    return tarn_base_arena_alloc(arena, total);
}

void *tarn_base_arena_copy(TarnArena *arena, const void *data, size_t size) {
    void *copy = tarn_base_arena_alloc(arena, size);
    if (copy != NULL && size > 0) memcpy(copy, data, size);
    return copy;
}

char *tarn_base_arena_string_n(TarnArena *arena, const char *data, size_t size) {
    if (size == SIZE_MAX) {
        arena->failed = true;
        return NULL;
    }
    char *copy = tarn_base_arena_alloc(arena, size + 1);
    if (copy != NULL && size > 0) memcpy(copy, data, size);
    return copy;
}

char *tarn_base_arena_string(TarnArena *arena, const char *string) {
    return string != NULL ? tarn_base_arena_string_n(arena, string, strlen(string)) : NULL;
}

char *tarn_base_arena_printf(TarnArena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) {
        arena->failed = true;
        return NULL;
    }
    char *text = tarn_base_arena_alloc(arena, (size_t)size + 1);
    if (text == NULL) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)size + 1, format, args);
    va_end(args);
    return text;
}

bool tarn_base_arena_push_room(TarnArena *arena, void **items, size_t count, size_t *capacity,
                               size_t size) {
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    void *grown = tarn_base_arena_array(arena, wanted, size);
    if (grown == NULL) return false;
    if (count > 0) memcpy(grown, *items, count * size);
    *items = grown;
    *capacity = wanted;
    return true;
}

bool tarn_base_arena_check(const TarnArena *arena, TarnError *error) {
    if (!arena->failed) return true;
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                               "out of memory: this work may use %zu MB and needs more",
                               arena->limit / TARN_MIB);
}
