/* A map of text keys: open addressing over indexes into an array in insertion order. */
#include "base/map.h"

#include <stdint.h>

#include "base/hash.h"

void tarn_base_map_init(TarnMap *map, TarnArena *arena) {
    *map = (TarnMap){.arena = arena};
    /* Address-space randomisation seeds the hash: an attacker cannot prepare colliding keys. */
    map->seed = (uint64_t)(uintptr_t)arena * UINT64_C(0x9E3779B97F4A7C15) + (uintptr_t)map;
}

/* The slot that holds the key or the empty one where it would go. */
static uint32_t *find_slot(const TarnMap *map, TarnText key, uint64_t hash) {
    size_t mask = map->slot_count - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t *slot = &map->slots[i];
        if (*slot == 0) return slot;
        const TarnMapEntry *entry = &map->items[*slot - 1];
        if (entry->hash == hash && tarn_base_text_equal(entry->key, key)) return slot;
    }
}

static bool grow_slots(TarnMap *map) {
    size_t slot_count = map->slot_count == 0 ? 16 : map->slot_count * 2;
    uint32_t *slots = TARN_NEW_ARRAY(map->arena, slot_count, uint32_t);
    if (slots == NULL) return false;
    map->slots = slots;
    map->slot_count = slot_count;
    for (size_t i = 0; i < map->count; i++) {
        *find_slot(map, map->items[i].key, map->items[i].hash) = (uint32_t)(i + 1);
    }
    return true;
}

bool tarn_base_map_has(const TarnMap *map, TarnText key) {
    if (map->slot_count == 0) return false;
    return *find_slot(map, key, tarn_base_hash64(key.data, key.size, map->seed)) != 0;
}

void *tarn_base_map_get(const TarnMap *map, TarnText key) {
    if (map->slot_count == 0) return NULL;
    uint32_t slot = *find_slot(map, key, tarn_base_hash64(key.data, key.size, map->seed));
    return slot != 0 ? map->items[slot - 1].value : NULL;
}

void *tarn_base_map_put(TarnMap *map, TarnText key, void *value) {
    if ((map->count + 1) * 4 > map->slot_count * 3 && !grow_slots(map)) return NULL;
    uint64_t hash = tarn_base_hash64(key.data, key.size, map->seed);
    uint32_t *slot = find_slot(map, key, hash);
    if (*slot != 0) {
        void *previous = map->items[*slot - 1].value;
        map->items[*slot - 1].value = value;
        return previous;
    }
    TarnMapEntry *entry = TARN_PUSH(map->arena, map);
    if (entry == NULL) return NULL;
    *entry = (TarnMapEntry){.key = key, .hash = hash, .value = value};
    *slot = (uint32_t)map->count;
    return NULL;
}
