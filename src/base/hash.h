/* Hashes: SHA-256 of originals, CRC-32 (zlib's), CRC-32C, murmur3 x86 32-bit for Iceberg buckets,
 * and a fast 64-bit hash for tables in memory (never stored). */
#ifndef TARN_BASE_HASH_H
#define TARN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define TARN_SHA256_BYTES 32
#define TARN_SHA256_HEX_BYTES 65

typedef struct TarnSha256 TarnSha256; /* heap; NULL from new means no memory */
TarnSha256 *tarn_base_sha256_new(void);
void tarn_base_sha256_update(TarnSha256 *hash, const void *data, size_t size);
/* Ends it: lower case, zero-terminated. "" if libcrypto failed on the way: equal to no digest. */
void tarn_base_sha256_hex(TarnSha256 *hash, char out[TARN_SHA256_HEX_BYTES]);
void tarn_base_sha256_free(TarnSha256 *hash);

/* Checksums over several pieces: start with 0, then pass the last result. */
uint32_t tarn_base_crc32(uint32_t crc, const void *data, size_t size);
uint32_t tarn_base_crc32c(uint32_t crc, const void *data, size_t size);
uint32_t tarn_base_murmur3_32(const void *data, size_t size, uint32_t seed);
uint64_t tarn_base_hash64(const void *data, size_t size, uint64_t seed);

#endif
