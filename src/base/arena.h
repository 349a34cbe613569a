/* Arena: memory by lifetime (process, session, statement, batch).
 *
 * Everything allocated dies at once with reset or dispose. Each arena has a hard limit in bytes;
 * beyond it, or when the system has none left, an allocation returns NULL and
 * tarn_base_arena_failed() stays true until reset, so a builder may allocate freely and check
 * once at its end. Memory is zeroed. Not thread-safe: an arena has one owner.
 *
 * Read for the idea: PostgreSQL's memory contexts (mmgr/README).
 */
#ifndef TARN_BASE_ARENA_H
#define TARN_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct TarnArenaBlock TarnArenaBlock;

typedef struct TarnArena {
    TarnArenaBlock *block; /* newest first */
    size_t used;           /* bytes taken from the system */
    size_t limit;
    bool failed;
} TarnArena;

void tarn_base_arena_init(TarnArena *arena, size_t limit);
void tarn_base_arena_reset(TarnArena *arena);
void tarn_base_arena_dispose(TarnArena *arena); /* init again before reuse; safe on zeroed memory */

void *tarn_base_arena_alloc(TarnArena *arena, size_t size); /* zeroed, aligned to 16 */
void *tarn_base_arena_array(TarnArena *arena, size_t count, size_t size); /* overflow-checked */
void *tarn_base_arena_copy(TarnArena *arena, const void *data, size_t size);
char *tarn_base_arena_string(TarnArena *arena, const char *string); /* NULL stays NULL */
char *tarn_base_arena_string_n(TarnArena *arena, const char *data, size_t size);
char *tarn_base_arena_printf(TarnArena *arena, const char *format, ...) TARN_PRINTF(2, 3);

static inline bool tarn_base_arena_failed(const TarnArena *arena) { return arena->failed; }
/* false and TARN_E_OUT_OF_MEMORY if any allocation since init or reset failed */
bool tarn_base_arena_check(const TarnArena *arena, TarnError *error) TARN_CHECKED;

#define TARN_NEW(arena, type) ((type *)tarn_base_arena_alloc((arena), sizeof(type)))
#define TARN_NEW_ARRAY(arena, count, type)                                                         \
    ((type *)tarn_base_arena_array((arena), (count), sizeof(type)))

/* Growable array living in an arena: `items`, `count`, `capacity` fields of any struct.
 * Evaluates to a pointer to the new, zeroed element, or NULL when the arena failed. */
#define TARN_PUSH(arena, list)                                                                     \
    ((list)->count < (list)->capacity ||                                                           \
             (tarn_base_arena_push_room((arena), (void **)&(list)->items, (list)->count,           \
                                        &(list)->capacity, sizeof(*(list)->items)))                \
         ? &(list)->items[(list)->count++]                                                         \
         : NULL)
bool tarn_base_arena_push_room(TarnArena *arena, void **items, size_t count, size_t *capacity,
                               size_t size);

#endif
