/* Compact theta sketches to bytes and back.
 *
 * Eight bytes of preamble (its length in longs, version, family, flags, hash of the seed), then as
 * many as are needed: nothing more for no value or one, a count, and theta if hashes were dropped;
 * then the hashes. Writing gives the bytes that the C++ library of DataSketches gives. Reading
 * believes nothing: hashes are below theta and differ from one another, and as many as the count
 * says are all there is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/theta_sketch_private.h"

#define SERIAL_VERSION 3
#define FAMILY_COMPACT 3
#define FLAG_BIG_ENDIAN 1u
#define FLAG_READ_ONLY 2u
#define FLAG_EMPTY 4u
#define FLAG_COMPACT 8u
#define FLAG_ORDERED 16u
#define LONG_BYTES 8

/* ---- writing ---- */

static void put_uint(TarnBuffer *out, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) tarn_base_buffer_byte(out, (uint8_t)(value >> 8 * i));
}

bool tarn_format_theta_sketch_write(const TarnThetaSketch *sketch, TarnBuffer *out,
                                    TarnError *error) {
    uint64_t hashes[TARN_THETA_SKETCH_EXACT];
    bool is_sample = sketch->theta < TARN_THETA_SKETCH_MAX;
    bool is_empty = !is_sample && sketch->count == 0;
    unsigned flags = FLAG_COMPACT | FLAG_READ_ONLY | FLAG_ORDERED | (is_empty ? FLAG_EMPTY : 0);
    uint8_t longs = is_sample ? 3 : sketch->count <= 1 ? 1 : 2;
    const uint8_t preamble[LONG_BYTES] = {longs,
                                          SERIAL_VERSION,
                                          FAMILY_COMPACT,
                                          0,
                                          0,
                                          (uint8_t)flags,
                                          TARN_THETA_SKETCH_SEED_HASH & 0xFF,
                                          TARN_THETA_SKETCH_SEED_HASH >> 8};
    tarn_base_buffer_append(out, preamble, sizeof(preamble));
    if (longs > 1) put_uint(out, sketch->count, LONG_BYTES);
    if (longs > 2) put_uint(out, sketch->theta, LONG_BYTES);
    tarn_format__theta_sketch_sorted(sketch, hashes);
    for (uint32_t i = 0; i < sketch->count; i++) put_uint(out, hashes[i], LONG_BYTES);
    return tarn_base_buffer_check(out, error);
}

/* ---- reading ---- */

typedef struct Reader {
    TarnText bytes;
    const char *name;
    bool is_empty;
    bool is_ordered;
    uint64_t theta;
    size_t count;
    const unsigned char *hashes;
    TarnError *error;
} Reader;

static bool refuse(const Reader *reader, const char *why) {
    return tarn_base_error_set(reader->error, TARN_E_FORMAT_CORRUPT,
                               "cannot read a theta sketch of \"%s\": %s", reader->name, why);
}

static bool refuse_unsupported(const Reader *reader, const char *what, unsigned number) {
    return tarn_base_error_set(reader->error, TARN_E_FORMAT_UNSUPPORTED,
                               "cannot read a theta sketch of \"%s\" with %s %u", reader->name,
                               what, number);
}

static uint64_t get_uint(const unsigned char *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static bool read_preamble(Reader *reader) {
    const unsigned char *bytes = (const unsigned char *)reader->bytes.data;
    if (reader->bytes.size < LONG_BYTES) return refuse(reader, "it is too short");
    size_t longs = bytes[0] & 0x3F;
    unsigned flags = bytes[5];
    unsigned seed_hash = (unsigned)get_uint(bytes + 6, 2);
    if (bytes[1] != SERIAL_VERSION) return refuse_unsupported(reader, "version", bytes[1]);
    if (bytes[2] != FAMILY_COMPACT) return refuse_unsupported(reader, "family", bytes[2]);
    if ((flags & FLAG_BIG_ENDIAN) != 0 || (flags & FLAG_COMPACT) == 0) {
        return refuse_unsupported(reader, "flags", flags);
    }
    reader->is_empty = (flags & FLAG_EMPTY) != 0;
    reader->is_ordered = (flags & FLAG_ORDERED) != 0;
    reader->theta = TARN_THETA_SKETCH_MAX;
    if (longs < 1 || longs > 3) return refuse(reader, "its preamble has a wrong length");
    if (reader->bytes.size < longs * LONG_BYTES) return refuse(reader, "it is too short");
    /* Java leaves the hash of the seed out of sketches without values. */
    if (!reader->is_empty && seed_hash != TARN_THETA_SKETCH_SEED_HASH) {
        return refuse_unsupported(reader, "the hash of another seed,", seed_hash);
    }
    reader->count = longs == 1 && !reader->is_empty ? 1 : 0;
    if (longs > 1) reader->count = (size_t)get_uint(bytes + LONG_BYTES, 4);
    if (longs > 2) reader->theta = get_uint(bytes + 2 * LONG_BYTES, LONG_BYTES);
    if (reader->theta == 0 || reader->theta > TARN_THETA_SKETCH_MAX) {
        return refuse(reader, "theta is out of range");
    }
    size_t left = reader->bytes.size - longs * LONG_BYTES;
    if (left % LONG_BYTES != 0 || left / LONG_BYTES != reader->count) {
        return refuse(reader, "it has other bytes than its count of hashes says");
    }
    if (reader->is_empty && reader->count > 0) return refuse(reader, "it is empty with hashes");
    reader->hashes = bytes + longs * LONG_BYTES;
    return true;
}

static bool check_hashes(const Reader *reader, const uint64_t *hashes) {
    uint64_t least = 1;
    for (size_t i = 0; i < reader->count; i++) {
        if (hashes[i] < least) return refuse(reader, "its hashes do not ascend");
        if (hashes[i] >= reader->theta) return refuse(reader, "a hash is not below theta");
        least = hashes[i] + 1;
    }
    return true;
}

/* From ascending hashes; of more than are kept here the smallest are taken. */
static bool fill(const Reader *reader, const uint64_t *hashes, TarnThetaSketch *sketch) {
    size_t count = reader->count;
    sketch->theta = reader->theta;
    if (count > TARN_THETA_SKETCH_EXACT) {
        count = TARN_THETA_SKETCH_NOMINAL;
        sketch->theta = hashes[count];
    }
    for (size_t i = 0; i < count; i++) {
        if (!tarn_format__theta_sketch_keep(sketch, hashes[i], reader->error)) return false;
    }
    return true;
}

bool tarn_format_theta_sketch_read(TarnText bytes, const char *name, TarnThetaSketch **sketch,
                                   TarnError *error) {
    Reader reader = {.bytes = bytes, .name = name, .error = error};
    *sketch = NULL;
    if (!read_preamble(&reader)) return false;
    uint64_t *hashes = malloc((reader.count + 1) * sizeof(*hashes));
    if (hashes == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory for a sketch");
    }
    for (size_t i = 0; i < reader.count; i++) {
        hashes[i] = get_uint(reader.hashes + i * LONG_BYTES, LONG_BYTES);
    }
    if (!reader.is_ordered) tarn_format__theta_sketch_sort(hashes, reader.count);
    TarnThetaSketch *made = NULL;
    bool done = check_hashes(&reader, hashes) && tarn_format_theta_sketch_new(&made, error) &&
                fill(&reader, hashes, made);
    free(hashes);
    if (!done) {
        tarn_format_theta_sketch_free(made);
        return false;
    }
    *sketch = made;
    return true;
}
