/* Finding bytes of interest: bit masks over 64 bytes at a time. The caller's buffer must be
 * readable TARN_SCAN_PADDING bytes past its end. */
#ifndef TARN_SOURCE_SCAN_PRIVATE_H
#define TARN_SOURCE_SCAN_PRIVATE_H

#include <stdint.h>
#include <stddef.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define TARN_SCAN_PADDING 64

/* A byte in each place of a vector. */
#ifdef __SSE2__
typedef __m128i TarnScanByte;
static inline TarnScanByte tarn_source__scan_byte(uint8_t byte) {
    return _mm_set1_epi8((char)byte);
}
#else
typedef uint8_t TarnScanByte;
static inline TarnScanByte tarn_source__scan_byte(uint8_t byte) { return byte; }
#endif

/* Bit i is set where data[i] is the byte, for 64 bytes. */
static inline uint64_t tarn_source__scan_mask_of(const uint8_t *data, TarnScanByte wanted) {
    uint64_t mask = 0;
#ifdef __SSE2__
    for (int i = 0; i < 4; i++) {
        __m128i part = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
        uint64_t bits = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(part, wanted));
        mask |= bits << (16 * i);
    }
#else
    for (int i = 0; i < 64; i++) mask |= (uint64_t)(data[i] == wanted) << i;
#endif
    return mask;
}

static inline uint64_t tarn_source__scan_mask(const uint8_t *data, uint8_t byte) {
    return tarn_source__scan_mask_of(data, tarn_source__scan_byte(byte));
}

/* Walks the positions of up to three byte values in order. */
typedef struct TarnScan {
    const uint8_t *data;
    size_t size;
    size_t base; /* of the current 64 bytes */
    uint64_t mask;
    TarnScanByte bytes[3]; /* spread out once: doing so in each load costs more than the search */
} TarnScan;

static inline uint64_t tarn_source__scan_load(const TarnScan *scan) {
    const uint8_t *at = scan->data + scan->base;
    uint64_t mask = tarn_source__scan_mask_of(at, scan->bytes[0]) |
                    tarn_source__scan_mask_of(at, scan->bytes[1]) |
                    tarn_source__scan_mask_of(at, scan->bytes[2]);
    size_t left = scan->size - scan->base;
    return left >= 64 ? mask : mask & ((UINT64_C(1) << left) - 1);
}

static inline void tarn_source__scan_init(TarnScan *scan, const uint8_t *data, size_t size,
                                          uint8_t a, uint8_t b, uint8_t c) {
    *scan = (TarnScan){.data = data, .size = size};
    scan->bytes[0] = tarn_source__scan_byte(a);
    scan->bytes[1] = tarn_source__scan_byte(b);
    scan->bytes[2] = tarn_source__scan_byte(c);
    scan->mask = size > 0 ? tarn_source__scan_load(scan) : 0;
}

/* Goes on (or back) to the first position at or after `at`. */
static inline void tarn_source__scan_seek(TarnScan *scan, size_t at) {
    scan->base = at & ~(size_t)63;
    scan->mask = at < scan->size ? tarn_source__scan_load(scan) & (~UINT64_C(0) << (at & 63)) : 0;
}

/* The next position, or `size` at the end. */
static inline size_t tarn_source__scan_next(TarnScan *scan) {
    while (scan->mask == 0) {
        if (scan->base >= scan->size || scan->size - scan->base <= 64) {
            scan->base = scan->size;
            return scan->size;
        }
        scan->base += 64;
        scan->mask = tarn_source__scan_load(scan);
    }
    size_t at = scan->base + (size_t)__builtin_ctzll(scan->mask);
    scan->mask &= scan->mask - 1;
    return at;
}

#endif
