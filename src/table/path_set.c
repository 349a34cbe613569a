/* Sets of paths: open addressing over 128-bit hashes, in memory of their own since an arena would
 * keep each table that was outgrown. See the header for why hashes are enough.
 */
#include "table/path_set.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"

#define SLOTS_FIRST 1024
/* A path is at most what an object store allows for a key, and its bucket. */
#define PATH_BYTES_MAX (64 * TARN_KIB)

/* --- locations --- */

typedef struct Location {
    TarnText scheme; /* size 0 = none */
    TarnText host;
    TarnText path;
} Location;

static bool is_scheme_byte(char c, bool first) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (!first && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
}

static Location split_location(TarnText text) {
    Location location = {.path = text};
    size_t i = 0;
    while (i < text.size && is_scheme_byte(text.data[i], i == 0)) i++;
    if (i == 0 || i == text.size || text.data[i] != ':') return location;
    location.scheme = (TarnText){text.data, i};
    location.path = (TarnText){text.data + i + 1, text.size - i - 1};
    if (!tarn_base_text_starts(location.path, "//")) return location;
    TarnText rest = {location.path.data + 2, location.path.size - 2};
    size_t host = 0;
    while (host < rest.size && rest.data[host] != '/') host++;
    location.host = (TarnText){rest.data, host};
    location.path = (TarnText){rest.data + host, rest.size - host};
    return location;
}

static void write_lower(TarnText text, TarnBuffer *out) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        tarn_base_buffer_byte(out, (uint8_t)(c >= 'A' && c <= 'Z' ? c | 0x20 : c));
    }
}

static bool is_word(TarnText text, const char *word) {
    size_t size = strlen(word);
    if (text.size != size) return false;
    for (size_t i = 0; i < size; i++) {
        if ((text.data[i] | 0x20) != word[i]) return false;
    }
    return true;
}

static bool is_file(const Location *location) {
    return location->scheme.size == 0 || is_word(location->scheme, "file");
}

static void write_scheme(const Location *location, TarnBuffer *out) {
    if (is_word(location->scheme, "s3a") || is_word(location->scheme, "s3n")) {
        tarn_base_buffer_string(out, "s3");
    } else {
        write_lower(location->scheme, out);
    }
}

void tarn_table_location_canonical(TarnText text, TarnBuffer *out) {
    Location location = split_location(text);
    tarn_base_buffer_clear(out);
    if (!is_file(&location)) {
        write_scheme(&location, out);
        tarn_base_buffer_string(out, "://");
        tarn_base_buffer_text(out, location.host);
        tarn_base_buffer_text(out, location.path);
        return;
    }
    /* "localhost" and no host are the same place; another one is no place of this machine. */
    if (location.host.size > 0 && !is_word(location.host, "localhost")) {
        tarn_base_buffer_string(out, "//");
        tarn_base_buffer_text(out, location.host);
    }
    bool absolute = tarn_base_text_starts(location.path, "/");
    TarnText rest = location.path;
    bool first = true;
    while (rest.data != NULL) {
        TarnText segment = tarn_base_text_split(rest, '/', &rest);
        if (segment.size == 0 || tarn_base_text_is(segment, ".")) continue;
        if (absolute || !first) tarn_base_buffer_byte(out, '/');
        tarn_base_buffer_text(out, segment);
        first = false;
    }
}

void tarn_table_location_authority(TarnText text, TarnBuffer *out) {
    Location location = split_location(text);
    if (!is_file(&location)) {
        write_scheme(&location, out);
        tarn_base_buffer_string(out, "://");
        tarn_base_buffer_text(out, location.host);
        return;
    }
    if (!tarn_base_text_starts(location.path, "/")) return;
    tarn_base_buffer_string(out, "file");
    if (location.host.size > 0 && !is_word(location.host, "localhost")) {
        tarn_base_buffer_string(out, "://");
        tarn_base_buffer_text(out, location.host);
    }
}

/* --- the set --- */

bool tarn_table_path_set_init(TarnPathSet *set, const TarnOs *os, TarnError *error) {
    *set = (TarnPathSet){0};
    tarn_base_buffer_init(&set->canonical, PATH_BYTES_MAX);
    return os->random(os, set->seeds, sizeof(set->seeds), error);
}

void tarn_table_path_set_dispose(TarnPathSet *set) {
    free(set->slots);
    tarn_base_buffer_dispose(&set->canonical);
    *set = (TarnPathSet){0};
}

static bool hash_path(TarnPathSet *set, TarnText path, uint64_t hash[2], TarnError *error) {
    tarn_table_location_canonical(path, &set->canonical);
    if (!tarn_base_buffer_check(&set->canonical, error)) return false;
    TarnText text = tarn_base_buffer_view(&set->canonical);
    hash[0] = tarn_base_hash64(text.data, text.size, set->seeds[0]);
    hash[1] = tarn_base_hash64(text.data, text.size, set->seeds[1]);
    if (hash[0] == 0 && hash[1] == 0) hash[1] = 1;
    return true;
}

/* The slot that holds the hash, or the empty one where it belongs. */
static uint64_t *find_slot(uint64_t *slots, size_t slot_count, const uint64_t hash[2]) {
    size_t mask = slot_count - 1;
    for (size_t at = hash[0] & mask;; at = (at + 1) & mask) {
        uint64_t *slot = slots + 2 * at;
        if ((slot[0] == hash[0] && slot[1] == hash[1]) || (slot[0] == 0 && slot[1] == 0)) {
            return slot;
        }
    }
}

static bool grow(TarnPathSet *set, TarnError *error) {
    size_t slot_count = set->slot_count == 0 ? SLOTS_FIRST : set->slot_count * 2;
    if (slot_count > TARN_LIMIT_PATH_SET_BYTES / (2 * sizeof(uint64_t))) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the table names more than %zu files", set->count);
    }
    uint64_t *slots = calloc(slot_count, 2 * sizeof(uint64_t));
    if (slots == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for a set of paths");
    }
    for (size_t i = 0; i < set->slot_count; i++) {
        const uint64_t *old = set->slots + 2 * i;
        if (old[0] == 0 && old[1] == 0) continue;
        uint64_t *slot = find_slot(slots, slot_count, old);
        slot[0] = old[0];
        slot[1] = old[1];
    }
    free(set->slots);
    set->slots = slots;
    set->slot_count = slot_count;
    return true;
}

bool tarn_table_path_set_add(TarnPathSet *set, TarnText path, bool *added, TarnError *error) {
    uint64_t hash[2];
    if (added != NULL) *added = false;
    if (!hash_path(set, path, hash, error)) return false;
    if (set->count >= set->slot_count / 4 * 3 && !grow(set, error)) return false;
    uint64_t *slot = find_slot(set->slots, set->slot_count, hash);
    if (slot[0] != 0 || slot[1] != 0) return true;
    slot[0] = hash[0];
    slot[1] = hash[1];
    set->count++;
    if (added != NULL) *added = true;
    return true;
}

bool tarn_table_path_set_has(TarnPathSet *set, TarnText path, bool *has, TarnError *error) {
    uint64_t hash[2];
    *has = false;
    if (!hash_path(set, path, hash, error)) return false;
    if (set->count == 0) return true;
    const uint64_t *slot = find_slot(set->slots, set->slot_count, hash);
    *has = slot[0] != 0 || slot[1] != 0;
    return true;
}
