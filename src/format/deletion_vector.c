/* The frame of a deletion vector: length, magic, checksum around a roaring bitmap.
 *
 * Length and checksum are big-endian, what they enclose is little-endian: the frame was Delta's
 * before it was Iceberg's. The checksum is compared before the bitmap is decoded, so that damage
 * is called damage; the bitmap is checked nonetheless, since whoever forges it forges the
 * checksum too. Where the blob lies, and in what file, is for puffin.h and for the table to know.
 */
#include "format/deletion_vector.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"

#define LENGTH_BYTES 4
#define MAGIC_BYTES 4
#define CRC_BYTES 4
#define VECTOR_BYTES_LEAST 8

static const unsigned char magic[MAGIC_BYTES] = {0xD1, 0xD3, 0x39, 0x64};

static void put_big_endian(uint32_t value, unsigned char out[4]) {
    for (size_t i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (24 - 8 * i));
}

static uint32_t get_big_endian(const char *data) {
    const unsigned char *bytes = (const unsigned char *)data;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool tarn_format_deletion_vector_write(const TarnRoaring *positions, TarnBuffer *out,
                                       TarnError *error) {
    size_t start = out->size;
    unsigned char number[4] = {0};
    uint64_t beyond = (uint64_t)TARN_DELETION_VECTOR_POSITION_MAX + 1;
    if (tarn_format_roaring_next(positions, &beyond)) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a deletion vector cannot hold the row position %" PRIu64,
                                   beyond);
    }
    tarn_base_buffer_append(out, number, LENGTH_BYTES);
    tarn_base_buffer_append(out, magic, MAGIC_BYTES);
    if (!tarn_format_roaring_write(positions, out, error)) return false;
    size_t length = out->size - start - LENGTH_BYTES;
    if (length > INT32_MAX - LENGTH_BYTES - CRC_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a deletion vector cannot take %zu bytes", length);
    }
    put_big_endian((uint32_t)length, number);
    memcpy(out->data + start, number, LENGTH_BYTES);
    put_big_endian(tarn_base_crc32(0, out->data + start + LENGTH_BYTES, length), number);
    tarn_base_buffer_append(out, number, CRC_BYTES);
    return tarn_base_buffer_check(out, error);
}

static bool check_frame(TarnText blob, const char *name, TarnText *vector, TarnError *error) {
    const size_t around = LENGTH_BYTES + MAGIC_BYTES + CRC_BYTES;
    if (blob.size < around + VECTOR_BYTES_LEAST) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": %zu bytes are no deletion vector", name,
                                   blob.size);
    }
    uint32_t length = get_big_endian(blob.data);
    if (length != blob.size - LENGTH_BYTES - CRC_BYTES) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": a deletion vector of %zu bytes says it "
                                   "holds %" PRIu32,
                                   name, blob.size, length);
    }
    if (memcmp(blob.data + LENGTH_BYTES, magic, MAGIC_BYTES) != 0) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": the bytes do not begin as a deletion "
                                   "vector does",
                                   name);
    }
    uint32_t crc = tarn_base_crc32(0, blob.data + LENGTH_BYTES, length);
    if (crc != get_big_endian(blob.data + blob.size - CRC_BYTES)) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": the deletion vector is damaged: its "
                                   "checksum is another",
                                   name);
    }
    *vector = (TarnText){blob.data + LENGTH_BYTES + MAGIC_BYTES, blob.size - around};
    return true;
}

static bool check_positions(const TarnRoaring *positions, int64_t cardinality, const char *name,
                            TarnError *error) {
    uint64_t negative = (uint64_t)1 << 63;
    uint64_t found = tarn_format_roaring_cardinality(positions);
    if (tarn_format_roaring_next(positions, &negative)) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": the deletion vector holds the row "
                                   "position %" PRIu64 ", which is not below 2^63",
                                   name, negative);
    }
    if (cardinality >= 0 && found != (uint64_t)cardinality) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": the deletion vector holds %" PRIu64
                                   " row positions, its metadata says %" PRId64,
                                   name, found, cardinality);
    }
    return true;
}

bool tarn_format_deletion_vector_read(TarnText blob, int64_t cardinality, const char *name,
                                      size_t memory, TarnRoaring **positions, TarnError *error) {
    TarnText vector;
    *positions = NULL;
    if (!check_frame(blob, name, &vector, error)) return false;
    TarnRoaring *read = NULL;
    if (!tarn_format_roaring_read(vector, name, memory, &read, error)) return false;
    if (!check_positions(read, cardinality, name, error)) {
        tarn_format_roaring_free(read);
        return false;
    }
    *positions = read;
    return true;
}
