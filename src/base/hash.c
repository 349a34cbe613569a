/* Hashes: digests and checksums that are stored, and one hash that never is.
 *
 * SHA-256 is libcrypto's, CRC-32 zlib's. CRC-32C (Castagnoli), murmur3 (Iceberg specification,
 * appendix B) and hash64 are written here. hash64 folds 128-bit products. Both factors hide a key
 * derived from the seed, so that no prepared block can make a product vanish; it is meant for
 * tables in memory and may change with any release. None of these but SHA-256 resists an
 * attacker who knows the seed.
 */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/text.h"

/* ---- SHA-256 ---- */

struct TarnSha256 {
    EVP_MD_CTX *context;
    bool failed;
};

TarnSha256 *tarn_base_sha256_new(void) {
    TarnSha256 *hash = calloc(1, sizeof(*hash));
    if (hash == NULL) return NULL;
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        tarn_base_sha256_free(hash);
        return NULL;
    }
    return hash;
}

void tarn_base_sha256_update(TarnSha256 *hash, const void *data, size_t size) {
    if (size > 0 && EVP_DigestUpdate(hash->context, data, size) != 1) hash->failed = true;
}

void tarn_base_sha256_hex(TarnSha256 *hash, char out[TARN_SHA256_HEX_BYTES]) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    out[0] = '\0';
    if (hash->failed || EVP_DigestFinal_ex(hash->context, digest, NULL) != 1) return;
    tarn_base_text_hex(digest, TARN_SHA256_BYTES, out);
}

void tarn_base_sha256_free(TarnSha256 *hash) {
    if (hash == NULL) return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

/* ---- checksums ---- */

uint32_t tarn_base_crc32(uint32_t crc, const void *data, size_t size) {
    if (size == 0) return crc; /* zlib takes a null pointer for "start anew" */
    return (uint32_t)crc32_z(crc, data, size);
}

/* One step of the shift register by a half byte: sixteen entries instead of a table that would
 * have to be built first. Reflected polynomial 0x82F63B78 (RFC 3720, appendix B.4). */
uint32_t tarn_base_crc32c(uint32_t crc, const void *data, size_t size) {
    static const uint32_t steps[16] = {
        0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3,
        0x61C69362, 0x7198540D, 0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
        0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
    const unsigned char *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ steps[crc & 15];
        crc = crc >> 4 ^ steps[crc & 15];
    }
    return ~crc;
}

/* ---- murmur3, x86, 32 bits ---- */

static inline uint32_t rotate_32(uint32_t value, unsigned by) {
    return value << by | value >> (32 - by);
}

static inline uint32_t scramble_32(uint32_t block) {
    return rotate_32(block * 0xCC9E2D51u, 15) * 0x1B873593u;
}

uint32_t tarn_base_murmur3_32(const void *data, size_t size, uint32_t seed) {
    const unsigned char *bytes = data;
    uint32_t hash = seed;
    size_t at = 0;
    for (; size - at >= 4; at += 4) { /* little-endian blocks on every machine */
        uint32_t block = (uint32_t)bytes[at] | (uint32_t)bytes[at + 1] << 8 |
                         (uint32_t)bytes[at + 2] << 16 | (uint32_t)bytes[at + 3] << 24;
        hash = rotate_32(hash ^ scramble_32(block), 13) * 5 + 0xE6546B64u;
    }
    uint32_t tail = 0;
    for (size_t i = size; i > at; i--) tail = tail << 8 | bytes[i - 1];
    hash ^= scramble_32(tail);
    hash ^= (uint32_t)size;
    hash = (hash ^ hash >> 16) * 0x85EBCA6Bu;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35u;
    return hash ^ hash >> 16;
}

/* ---- hash64 ---- */

static inline uint64_t read_64(const unsigned char *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

static inline uint32_t read_32(const unsigned char *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* The two halves of the 128-bit product, joined. */
static inline uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 Wide;
    Wide product = (Wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t tarn_base_hash64(const void *data, size_t size, uint64_t seed) {
    const unsigned char *bytes = data;
    const uint64_t odd = UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / golden ratio */
    const uint64_t pi = UINT64_C(0x243F6A8885A308D3);  /* the fraction of pi */
    uint64_t key_a = fold(seed ^ odd, pi);
    uint64_t key_b = fold(seed ^ pi, odd);
    uint64_t hash = key_a + (uint64_t)size * odd;
    size_t left = size;
    for (; left > 16; left -= 16, bytes += 16) {
        hash = fold(read_64(bytes) ^ hash, read_64(bytes + 8) ^ key_b) + key_a;
    }
    uint64_t low = 0;
    uint64_t high = 0;
    if (left >= 8) { /* the two reads overlap when fewer than 16 are left */
        low = read_64(bytes);
        high = read_64(bytes + left - 8);
    } else if (left >= 4) {
        low = read_32(bytes);
        high = read_32(bytes + left - 4);
    } else {
        for (size_t i = 0; i < left; i++) low = low << 8 | bytes[i];
    }
    hash = fold(low ^ hash, high ^ key_b);
    return fold(hash ^ key_a, odd);
}
