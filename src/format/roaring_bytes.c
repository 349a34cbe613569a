/* Roaring bitmaps to their portable bytes and back.
 *
 * A 32-bit bitmap is a header (a cookie, which containers are runs, key and cardinality of each
 * container, mostly their offsets) and the containers. With runs the cookie also holds the count
 * and few containers have no offsets; the form of a container without runs follows from its
 * cardinality. Reading checks every statement of the header against what follows it, so two
 * readers cannot see different members. Writing chooses the smallest form of each container
 * first, because the header tells of it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/roaring_private.h"

#define COOKIE_NO_RUNS 12346u
#define COOKIE_RUNS 12347u /* in the low half; the count less one is in the high half */
#define OFFSETS_LEAST 4    /* with runs, fewer containers have no offsets */
#define KEY_SHIFT 16       /* from a prefix (48 bits) to the key of its 32-bit bitmap */
#define DESCRIPTOR_BYTES 4
#define OFFSET_BYTES 4
#define RUN_BYTES 4
/* A key and a 32-bit bitmap without containers. */
#define KEYED_BITMAP_BYTES_LEAST 12

/* ---- writing ---- */

static void put_uint(TarnBuffer *out, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> 8 * i);
    tarn_base_buffer_append(out, bytes, size);
}

static size_t plain_bytes(const TarnRoaringContainer *container) {
    return container->cardinality <= TARN_ROARING_ARRAY_MAX ? 2 * (size_t)container->cardinality
                                                            : TARN_ROARING_BITMAP_BYTES;
}

static size_t run_bytes(uint32_t run_count) { return 2 + RUN_BYTES * (size_t)run_count; }

/* The count of runs if that form is the smallest, else 0. */
static uint32_t choose_runs(const TarnRoaringContainer *container) {
    uint32_t run_count = tarn_format__roaring_container_run_count(container);
    return run_bytes(run_count) < plain_bytes(container) ? run_count : 0;
}

static uint8_t *encode_uint16(uint32_t value, uint8_t *at) {
    *at++ = (uint8_t)value;
    *at++ = (uint8_t)(value >> 8);
    return at;
}

static size_t encode_runs(const TarnRoaringRun *runs, uint32_t run_count, uint8_t *bytes) {
    uint8_t *at = encode_uint16(run_count, bytes);
    for (uint32_t i = 0; i < run_count; i++) {
        at = encode_uint16(runs[i].first, at);
        at = encode_uint16((uint32_t)runs[i].last - runs[i].first, at);
    }
    return (size_t)(at - bytes);
}

static size_t encode_array(const uint16_t *array, uint32_t cardinality, uint8_t *bytes) {
    uint8_t *at = bytes;
    for (uint32_t i = 0; i < cardinality; i++) at = encode_uint16(array[i], at);
    return (size_t)(at - bytes);
}

/* In another form than the one it has in memory. */
static size_t encode_converted(const TarnRoaringContainer *container, uint32_t run_count,
                               uint8_t *bytes) {
    uint64_t words[TARN_ROARING_WORDS] = {0};
    tarn_format__roaring_container_to_words(container, words);
    if (run_count > 0) {
        TarnRoaringRun runs[TARN_ROARING_RUNS_MAX];
        tarn_format__roaring_words_to_runs(words, runs);
        return encode_runs(runs, run_count, bytes);
    }
    if (container->cardinality <= TARN_ROARING_ARRAY_MAX) {
        uint16_t array[TARN_ROARING_ARRAY_MAX];
        tarn_format__roaring_words_to_array(words, array);
        return encode_array(array, container->cardinality, bytes);
    }
    for (size_t i = 0; i < TARN_ROARING_BITMAP_BYTES; i++) {
        bytes[i] = (uint8_t)(words[i / 8] >> i % 8 * 8);
    }
    return TARN_ROARING_BITMAP_BYTES;
}

static void put_container(const TarnRoaringContainer *container, uint32_t run_count,
                          TarnBuffer *out) {
    uint8_t bytes[TARN_ROARING_BITMAP_BYTES];
    size_t size;
    if (container->kind == TARN_ROARING_RUNS && run_count > 0) {
        size = encode_runs(container->runs, run_count, bytes);
    } else if (container->kind == TARN_ROARING_ARRAY && run_count == 0) {
        size = encode_array(container->array, container->cardinality, bytes);
    } else {
        size = encode_converted(container, run_count, bytes);
    }
    tarn_base_buffer_append(out, bytes, size);
}

/* Containers first to end - 1 have the same key; run_counts is that of all containers. */
static void put_bitmap(const TarnRoaring *bitmap, const uint32_t *run_counts, size_t first,
                       size_t end, TarnBuffer *out) {
    size_t count = end - first;
    size_t flag_bytes = (count + 7) / 8;
    uint8_t flags[TARN_ROARING_VALUES / 8] = {0};
    bool has_runs = false;
    for (size_t i = 0; i < count; i++) {
        if (run_counts[first + i] == 0) continue;
        flags[i / 8] |= (uint8_t)(1u << i % 8);
        has_runs = true;
    }
    size_t offset = 8 + DESCRIPTOR_BYTES * count;
    bool has_offsets = !has_runs || count >= OFFSETS_LEAST;
    if (has_runs) {
        put_uint(out, COOKIE_RUNS | (count - 1) << 16, 4);
        tarn_base_buffer_append(out, flags, flag_bytes);
        offset += flag_bytes - 4;
    } else {
        put_uint(out, COOKIE_NO_RUNS, 4);
        put_uint(out, count, 4);
    }
    for (size_t i = first; i < end; i++) {
        put_uint(out, bitmap->prefixes[i] & 0xFFFF, 2);
        put_uint(out, bitmap->containers[i].cardinality - 1, 2);
    }
    if (has_offsets) offset += OFFSET_BYTES * count;
    for (size_t i = first; has_offsets && i < end; i++) {
        put_uint(out, offset, OFFSET_BYTES);
        offset += run_counts[i] > 0 ? run_bytes(run_counts[i])
                                    : plain_bytes(&bitmap->containers[i]);
    }
    for (size_t i = first; i < end; i++) {
        put_container(&bitmap->containers[i], run_counts[i], out);
    }
}

bool tarn_format_roaring_write(const TarnRoaring *bitmap, TarnBuffer *out, TarnError *error) {
    uint32_t *run_counts = calloc(bitmap->count + 1, sizeof(*run_counts));
    if (run_counts == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory to write a bitmap of row positions");
    }
    uint64_t keys = 0;
    for (size_t i = 0; i < bitmap->count; i++) {
        bool is_new = i == 0 ||
                      bitmap->prefixes[i] >> KEY_SHIFT != bitmap->prefixes[i - 1] >> KEY_SHIFT;
        if (is_new) keys++;
        run_counts[i] = choose_runs(&bitmap->containers[i]);
    }
    put_uint(out, keys, 8);
    for (size_t first = 0; first < bitmap->count && !out->failed;) {
        uint64_t key = bitmap->prefixes[first] >> KEY_SHIFT;
        size_t end = first;
        while (end < bitmap->count && bitmap->prefixes[end] >> KEY_SHIFT == key) end++;
        put_uint(out, key, 4);
        put_bitmap(bitmap, run_counts, first, end, out);
        first = end;
    }
    free(run_counts);
    return tarn_base_buffer_check(out, error);
}

/* ---- reading ---- */

typedef struct Reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    const char *name;
    TarnRoaring *bitmap;
    TarnError *error;
} Reader;

/* One 32-bit bitmap's header: arrays of `count`, as they lie in the bytes. */
typedef struct Header {
    const uint8_t *start;
    const uint8_t *flags; /* NULL: no container is runs */
    const uint8_t *descriptors;
    const uint8_t *offsets; /* NULL: there are none */
    size_t count;
} Header;

static bool refuse(const Reader *reader, const char *format, ...) TARN_PRINTF(2, 3);

static bool refuse(const Reader *reader, const char *format, ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return tarn_base_error_set(reader->error, TARN_E_FORMAT_CORRUPT,
                               "cannot read the row positions in \"%s\": byte %zu of the bitmap: "
                               "%s",
                               reader->name, (size_t)(reader->at - reader->start), what);
}

static size_t bytes_left(const Reader *reader) { return (size_t)(reader->end - reader->at); }

static uint64_t get_uint(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static bool take(Reader *reader, size_t size, const char *what, const uint8_t **bytes) {
    if (size > bytes_left(reader)) {
        return refuse(reader, "%s of %zu bytes, %zu are left", what, size, bytes_left(reader));
    }
    *bytes = reader->at;
    reader->at += size;
    return true;
}

static bool take_uint(Reader *reader, size_t size, const char *what, uint64_t *value) {
    const uint8_t *bytes = NULL;
    if (!take(reader, size, what, &bytes)) return false;
    *value = get_uint(bytes, size);
    return true;
}

static bool read_header(Reader *reader, Header *header) {
    uint64_t cookie = 0;
    uint64_t count = 0;
    *header = (Header){.start = reader->at};
    if (!take_uint(reader, 4, "a cookie", &cookie)) return false;
    if (cookie == COOKIE_NO_RUNS) {
        if (!take_uint(reader, 4, "a count", &count)) return false;
        if (count > TARN_ROARING_VALUES) return refuse(reader, "%" PRIu64 " containers", count);
    } else if ((cookie & 0xFFFF) == COOKIE_RUNS) {
        count = (cookie >> 16) + 1;
        if (!take(reader, (count + 7) / 8, "the flags of runs", &header->flags)) return false;
    } else {
        return refuse(reader, "%" PRIu64 " is not a roaring bitmap's cookie", cookie);
    }
    header->count = (size_t)count;
    if (!take(reader, DESCRIPTOR_BYTES * header->count, "descriptors", &header->descriptors)) {
        return false;
    }
    bool has_offsets = header->flags == NULL || header->count >= OFFSETS_LEAST;
    return !has_offsets || take(reader, OFFSET_BYTES * header->count, "offsets", &header->offsets);
}

static bool read_array(Reader *reader, uint32_t cardinality, TarnRoaringContainer *container) {
    const uint8_t *bytes = NULL;
    if (!take(reader, 2 * (size_t)cardinality, "an array", &bytes)) return false;
    if (!tarn_format__roaring_container_new(reader->bitmap, TARN_ROARING_ARRAY, cardinality,
                                            container, reader->error)) {
        return false;
    }
    uint32_t least = 0;
    for (uint32_t i = 0; i < cardinality; i++) {
        uint32_t value = (uint32_t)get_uint(bytes + 2 * (size_t)i, 2);
        if (value < least) return refuse(reader, "the values of an array do not ascend");
        container->array[i] = (uint16_t)value;
        least = value + 1;
    }
    container->cardinality = cardinality;
    return true;
}

static bool read_bitmap(Reader *reader, uint32_t cardinality, TarnRoaringContainer *container) {
    const uint8_t *bytes = NULL;
    if (!take(reader, TARN_ROARING_BITMAP_BYTES, "a bitmap", &bytes)) return false;
    if (!tarn_format__roaring_container_new(reader->bitmap, TARN_ROARING_BITMAP, 0, container,
                                            reader->error)) {
        return false;
    }
    for (size_t i = 0; i < TARN_ROARING_WORDS; i++) {
        container->words[i] = get_uint(bytes + 8 * i, 8);
    }
    uint32_t found = tarn_format__roaring_words_cardinality(container->words);
    if (found != cardinality) {
        return refuse(reader, "a bitmap has %" PRIu32 " members, its header says %" PRIu32, found,
                      cardinality);
    }
    container->cardinality = cardinality;
    return true;
}

/* Checks runs as they are stored and counts them as one where they touch. */
static bool check_runs(Reader *reader, const uint8_t *bytes, size_t stored, uint32_t cardinality,
                       uint32_t *run_count) {
    uint32_t least = 0;
    uint32_t members = 0;
    *run_count = 0;
    for (size_t i = 0; i < stored; i++) {
        uint32_t first = (uint32_t)get_uint(bytes + RUN_BYTES * i, 2);
        uint32_t length = (uint32_t)get_uint(bytes + RUN_BYTES * i + 2, 2) + 1;
        if (first < least) return refuse(reader, "runs do not ascend");
        if (length > TARN_ROARING_VALUES - first) {
            return refuse(reader, "a run ends behind its container");
        }
        if (i == 0 || first > least) ++*run_count;
        members += length;
        least = first + length;
    }
    if (members == cardinality) return true;
    return refuse(reader, "runs have %" PRIu32 " members, their header says %" PRIu32, members,
                  cardinality);
}

static void store_runs(const uint8_t *bytes, size_t stored, TarnRoaringContainer *container) {
    TarnRoaringRun *run = NULL;
    for (size_t i = 0; i < stored; i++) {
        uint16_t first = (uint16_t)get_uint(bytes + RUN_BYTES * i, 2);
        uint16_t last = (uint16_t)(first + get_uint(bytes + RUN_BYTES * i + 2, 2));
        if (run != NULL && run->last + 1 == first) {
            run->last = last;
        } else {
            run = &container->runs[container->run_count++];
            *run = (TarnRoaringRun){first, last};
        }
    }
}

static bool read_runs(Reader *reader, uint32_t cardinality, TarnRoaringContainer *container) {
    uint64_t stored = 0;
    const uint8_t *bytes = NULL;
    uint32_t run_count = 0;
    if (!take_uint(reader, 2, "a count of runs", &stored) ||
        !take(reader, RUN_BYTES * (size_t)stored, "runs", &bytes) ||
        !check_runs(reader, bytes, (size_t)stored, cardinality, &run_count)) {
        return false;
    }
    if (run_count > TARN_ROARING_RUNS_MAX) {
        uint64_t words[TARN_ROARING_WORDS] = {0};
        for (size_t i = 0; i < stored; i++) {
            uint32_t first = (uint32_t)get_uint(bytes + RUN_BYTES * i, 2);
            uint32_t more = (uint32_t)get_uint(bytes + RUN_BYTES * i + 2, 2);
            tarn_format__roaring_words_set(words, first, first + more);
        }
        return tarn_format__roaring_container_from_words(reader->bitmap, words, container,
                                                         reader->error);
    }
    if (!tarn_format__roaring_container_new(reader->bitmap, TARN_ROARING_RUNS, run_count, container,
                                            reader->error)) {
        return false;
    }
    container->cardinality = cardinality;
    store_runs(bytes, (size_t)stored, container);
    return true;
}

static bool read_container(Reader *reader, const Header *header, size_t i,
                           TarnRoaringContainer *container) {
    uint32_t cardinality = (uint32_t)get_uint(header->descriptors + DESCRIPTOR_BYTES * i + 2, 2) +
                           1;
    if (header->offsets != NULL) {
        uint64_t offset = get_uint(header->offsets + OFFSET_BYTES * i, OFFSET_BYTES);
        if (offset != (size_t)(reader->at - header->start)) {
            return refuse(reader, "the header says a container is at %" PRIu64, offset);
        }
    }
    if (header->flags != NULL && (header->flags[i / 8] >> i % 8 & 1) != 0) {
        return read_runs(reader, cardinality, container);
    }
    return cardinality <= TARN_ROARING_ARRAY_MAX ? read_array(reader, cardinality, container)
                                                 : read_bitmap(reader, cardinality, container);
}

static bool read_keyed_bitmap(Reader *reader, int64_t *key_before) {
    TarnRoaring *bitmap = reader->bitmap;
    uint64_t key = 0;
    Header header;
    if (!take_uint(reader, 4, "a key", &key)) return false;
    if ((int64_t)key <= *key_before) return refuse(reader, "the keys do not ascend");
    *key_before = (int64_t)key;
    if (!read_header(reader, &header)) return false;
    if (!tarn_format__roaring_room(bitmap, header.count, reader->error)) return false;
    int32_t low_before = -1;
    for (size_t i = 0; i < header.count; i++) {
        int32_t low = (int32_t)get_uint(header.descriptors + DESCRIPTOR_BYTES * i, 2);
        TarnRoaringContainer container = {.data = NULL};
        if (low <= low_before) return refuse(reader, "the containers' keys do not ascend");
        low_before = low;
        if (!read_container(reader, &header, i, &container)) {
            tarn_format__roaring_container_dispose(bitmap, &container);
            return false;
        }
        tarn_format__roaring_insert(bitmap, bitmap->count, key << KEY_SHIFT | (uint64_t)low,
                                    &container);
    }
    return true;
}

static bool read_all(Reader *reader) {
    uint64_t keys = 0;
    int64_t key_before = -1;
    if (!take_uint(reader, 8, "a count", &keys)) return false;
    if (keys > bytes_left(reader) / KEYED_BITMAP_BYTES_LEAST) {
        return refuse(reader, "%" PRIu64 " bitmaps in %zu bytes", keys, bytes_left(reader));
    }
    for (uint64_t i = 0; i < keys; i++) {
        if (!read_keyed_bitmap(reader, &key_before)) return false;
    }
    if (bytes_left(reader) == 0) return true;
    return refuse(reader, "%zu bytes behind the last container", bytes_left(reader));
}

bool tarn_format_roaring_read(TarnText bytes, const char *name, size_t memory, TarnRoaring **bitmap,
                              TarnError *error) {
    TarnRoaring *made = NULL;
    *bitmap = NULL;
    if (!tarn_format_roaring_new(memory, &made, error)) return false;
    const uint8_t *start = (const uint8_t *)bytes.data;
    Reader reader = {.start = start,
                     .at = start,
                     .end = start + bytes.size,
                     .name = name,
                     .bitmap = made,
                     .error = error};
    if (!read_all(&reader)) {
        tarn_format_roaring_free(made);
        return false;
    }
    *bitmap = made;
    return true;
}
