/* Map: text -> pointer, insertion order kept, memory in an arena. Keys are copied by view: the
 * caller's bytes must live as long as the map. SipHash-free but seeded per map, so that hostile
 * keys cannot be prepared. No removal: a map lives as long as its statement. */
#ifndef TARN_BASE_MAP_H
#define TARN_BASE_MAP_H

#include "base/arena.h"
#include "base/text.h"

typedef struct TarnMapEntry {
    TarnText key;
    uint64_t hash;
    void *value;
} TarnMapEntry;

typedef struct TarnMap {
    TarnArena *arena;
    TarnMapEntry *items; /* insertion order: iterate 0..count-1 */
    size_t count;
    size_t capacity;
    uint32_t *slots; /* index + 1, 0 = empty */
    size_t slot_count;
    uint64_t seed;
} TarnMap;

void tarn_base_map_init(TarnMap *map, TarnArena *arena);
void *tarn_base_map_get(const TarnMap *map, TarnText key); /* NULL if absent */
bool tarn_base_map_has(const TarnMap *map, TarnText key);
/* Sets or replaces; returns the previous value or NULL. Failure shows in the arena. */
void *tarn_base_map_put(TarnMap *map, TarnText key, void *value);

#endif
