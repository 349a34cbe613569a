/* The four block codecs: null, deflate, snappy, zstandard, in both directions.
 *
 * Decompression goes into one buffer that is reused from block to block and grows up to
 * TARN_LIMIT_AVRO_BLOCK_BYTES, so a small block that claims or inflates to gigabytes ends in a
 * refusal. The contexts of zlib and zstd are made once and reset: files exist with one block per
 * object, where making them anew costs more than the decompression.
 *
 * Input must be used up: bytes behind the compressed data are damage, except for what is left of
 * a zlib checksum that at least one much used writer cuts off only in part.
 */
#define ZLIB_CONST /* next_in points to const */
#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "base/hash.h"
#include "format/avro_private.h"

#define RAW_DEFLATE (-MAX_WBITS)
#define FIRST_BYTES (64 * TARN_KIB)
#define SNAPPY_CRC_BYTES 4
#define ZLIB_CHECKSUM_BYTES 4

struct TarnAvroInflater {
    TarnBuffer raw;
    z_stream deflate;
    bool has_deflate;
    ZSTD_DCtx *zstandard;
};

struct TarnAvroDeflater {
    z_stream deflate;
    bool has_deflate;
    ZSTD_CCtx *zstandard;
};

TarnAvroInflater *tarn_format__avro_inflater_new(void) {
    TarnAvroInflater *inflater = calloc(1, sizeof(*inflater));
    if (inflater != NULL) {
        tarn_base_buffer_init(&inflater->raw, TARN_LIMIT_AVRO_BLOCK_BYTES);
    }
    return inflater;
}

void tarn_format__avro_inflater_free(TarnAvroInflater *inflater) {
    if (inflater == NULL) return;
    if (inflater->has_deflate) inflateEnd(&inflater->deflate);
    ZSTD_freeDCtx(inflater->zstandard);
    tarn_base_buffer_dispose(&inflater->raw);
    free(inflater);
}

/* Room for more output: at least `wanted`, at most what the limit leaves. */
static TarnAvroProblem make_room(TarnBuffer *raw, size_t wanted) {
    size_t most = raw->limit - raw->size;
    if (most == 0) return TARN_AVRO_PROBLEM_BLOCK_BYTES;
    if (!tarn_base_buffer_reserve(raw, wanted < most ? wanted : most)) {
        return TARN_AVRO_PROBLEM_MEMORY;
    }
    return TARN_AVRO_PROBLEM_NONE;
}

static size_t room(const TarnBuffer *raw) {
    size_t most = raw->limit - raw->size;
    size_t free_bytes = raw->capacity - raw->size - 1;
    return free_bytes < most ? free_bytes : most;
}

static size_t guess(size_t stored_bytes) {
    return stored_bytes < FIRST_BYTES / 4 ? FIRST_BYTES : stored_bytes * 4;
}

static TarnAvroProblem inflate_deflate(TarnAvroInflater *inflater, TarnText stored) {
    z_stream *stream = &inflater->deflate;
    TarnBuffer *raw = &inflater->raw;
    if (inflater->has_deflate) {
        inflateReset(stream);
    } else {
        if (inflateInit2(stream, RAW_DEFLATE) != Z_OK) return TARN_AVRO_PROBLEM_MEMORY;
        inflater->has_deflate = true;
    }
    stream->next_in = (const Bytef *)stored.data;
    stream->avail_in = (uInt)stored.size;
    size_t wanted = guess(stored.size);
    for (;;) {
        TarnAvroProblem problem = make_room(raw, wanted);
        if (problem != TARN_AVRO_PROBLEM_NONE) return problem;
        size_t given = room(raw);
        stream->next_out = (Bytef *)raw->data + raw->size;
        stream->avail_out = (uInt)given;
        int result = inflate(stream, Z_FINISH);
        raw->size += given - stream->avail_out;
        if (result == Z_STREAM_END) break;
        if (result == Z_MEM_ERROR) return TARN_AVRO_PROBLEM_MEMORY;
        /* Out of room is the one reason to go on. */
        bool is_full = stream->avail_out == 0;
        if (!is_full || (result != Z_OK && result != Z_BUF_ERROR)) {
            return TARN_AVRO_PROBLEM_DEFLATE;
        }
        wanted = raw->size;
    }
    bool is_used_up = stream->avail_in <= ZLIB_CHECKSUM_BYTES;
    return is_used_up ? TARN_AVRO_PROBLEM_NONE : TARN_AVRO_PROBLEM_DEFLATE;
}

static TarnAvroProblem inflate_snappy(TarnAvroInflater *inflater, TarnText stored) {
    if (stored.size < SNAPPY_CRC_BYTES) return TARN_AVRO_PROBLEM_SNAPPY;
    TarnBuffer *raw = &inflater->raw;
    size_t size = 0;
    size_t stored_bytes = stored.size - SNAPPY_CRC_BYTES;
    if (snappy_uncompressed_length(stored.data, stored_bytes, &size) != SNAPPY_OK) {
        return TARN_AVRO_PROBLEM_SNAPPY;
    }
    if (size > raw->limit) return TARN_AVRO_PROBLEM_BLOCK_BYTES;
    if (!tarn_base_buffer_reserve(raw, size)) return TARN_AVRO_PROBLEM_MEMORY;
    if (snappy_uncompress(stored.data, stored_bytes, raw->data, &size) != SNAPPY_OK) {
        return TARN_AVRO_PROBLEM_SNAPPY;
    }
    raw->size = size;
    const unsigned char *end = (const unsigned char *)stored.data + stored_bytes;
    uint32_t wanted = (uint32_t)end[0] << 24 | (uint32_t)end[1] << 16 | (uint32_t)end[2] << 8 |
                      (uint32_t)end[3];
    bool is_same = tarn_base_crc32(0, raw->data, size) == wanted;
    return is_same ? TARN_AVRO_PROBLEM_NONE : TARN_AVRO_PROBLEM_SNAPPY_CRC;
}

static TarnAvroProblem inflate_zstandard(TarnAvroInflater *inflater, TarnText stored) {
    TarnBuffer *raw = &inflater->raw;
    if (inflater->zstandard == NULL) inflater->zstandard = ZSTD_createDCtx();
    if (inflater->zstandard == NULL) return TARN_AVRO_PROBLEM_MEMORY;
    ZSTD_DCtx_reset(inflater->zstandard, ZSTD_reset_session_only);
    unsigned long long size = ZSTD_getFrameContentSize(stored.data, stored.size);
    bool is_known = size != ZSTD_CONTENTSIZE_UNKNOWN && size != ZSTD_CONTENTSIZE_ERROR;
    if (is_known && size > raw->limit) return TARN_AVRO_PROBLEM_BLOCK_BYTES;
    size_t wanted = is_known && size > 0 ? (size_t)size : guess(stored.size);
    ZSTD_inBuffer in = {stored.data, stored.size, 0};
    size_t left = 1;
    while (left != 0 || in.pos < in.size) {
        if (raw->data == NULL || room(raw) == 0) {
            TarnAvroProblem problem = make_room(raw, wanted);
            if (problem != TARN_AVRO_PROBLEM_NONE) return problem;
            wanted = raw->capacity;
        }
        ZSTD_outBuffer out = {raw->data + raw->size, room(raw), 0};
        size_t in_before = in.pos;
        left = ZSTD_decompressStream(inflater->zstandard, &out, &in);
        if (ZSTD_isError(left)) return TARN_AVRO_PROBLEM_ZSTANDARD;
        raw->size += out.pos;
        /* The frame wants more than there is. */
        if (left != 0 && in.pos == in_before && out.pos == 0) return TARN_AVRO_PROBLEM_ZSTANDARD;
    }
    return TARN_AVRO_PROBLEM_NONE;
}

TarnAvroProblem tarn_format__avro_inflate(TarnAvroInflater *inflater, TarnAvroCodec codec,
                                          TarnText stored, TarnText *raw) {
    TarnAvroProblem problem = TARN_AVRO_PROBLEM_NONE;
    if (codec == TARN_AVRO_CODEC_NULL) {
        if (stored.size > TARN_LIMIT_AVRO_BLOCK_BYTES) return TARN_AVRO_PROBLEM_BLOCK_BYTES;
        *raw = stored;
        return problem;
    }
    tarn_base_buffer_clear(&inflater->raw);
    if (codec == TARN_AVRO_CODEC_DEFLATE) problem = inflate_deflate(inflater, stored);
    if (codec == TARN_AVRO_CODEC_SNAPPY) problem = inflate_snappy(inflater, stored);
    if (codec == TARN_AVRO_CODEC_ZSTANDARD) problem = inflate_zstandard(inflater, stored);
    *raw = tarn_base_buffer_view(&inflater->raw);
    return problem;
}

/* ---- Compression --------------------------------------------------------------------------- */

TarnAvroDeflater *tarn_format__avro_deflater_new(void) {
    return calloc(1, sizeof(TarnAvroDeflater));
}

void tarn_format__avro_deflater_free(TarnAvroDeflater *deflater) {
    if (deflater == NULL) return;
    if (deflater->has_deflate) deflateEnd(&deflater->deflate);
    ZSTD_freeCCtx(deflater->zstandard);
    free(deflater);
}

static bool deflate_deflate(TarnAvroDeflater *deflater, TarnText raw, TarnBuffer *stored) {
    z_stream *stream = &deflater->deflate;
    if (deflater->has_deflate) {
        deflateReset(stream);
    } else {
        const int memory_level = 8; /* zlib's default */
        if (deflateInit2(stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_DEFLATE, memory_level,
                         Z_DEFAULT_STRATEGY) != Z_OK) {
            return false;
        }
        deflater->has_deflate = true;
    }
    size_t bound = deflateBound(stream, (uLong)raw.size);
    if (!tarn_base_buffer_reserve(stored, bound)) return false;
    stream->next_in = (const Bytef *)raw.data;
    stream->avail_in = (uInt)raw.size;
    stream->next_out = (Bytef *)stored->data;
    stream->avail_out = (uInt)bound;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END) return false;
    stored->size = bound - stream->avail_out;
    return true;
}

static bool deflate_snappy(TarnText raw, TarnBuffer *stored) {
    size_t size = snappy_max_compressed_length(raw.size);
    if (!tarn_base_buffer_reserve(stored, size + SNAPPY_CRC_BYTES)) return false;
    if (snappy_compress(raw.data, raw.size, stored->data, &size) != SNAPPY_OK) return false;
    stored->size = size;
    uint32_t crc = tarn_base_crc32(0, raw.data, raw.size);
    for (int shift = 24; shift >= 0; shift -= 8) {
        tarn_base_buffer_byte(stored, (uint8_t)(crc >> shift));
    }
    return !stored->failed;
}

static bool deflate_zstandard(TarnAvroDeflater *deflater, TarnText raw, TarnBuffer *stored) {
    if (deflater->zstandard == NULL) deflater->zstandard = ZSTD_createCCtx();
    if (deflater->zstandard == NULL) return false;
    size_t bound = ZSTD_compressBound(raw.size);
    if (!tarn_base_buffer_reserve(stored, bound)) return false;
    size_t size = ZSTD_compressCCtx(deflater->zstandard, stored->data, bound, raw.data, raw.size,
                                    ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(size)) return false;
    stored->size = size;
    return true;
}

bool tarn_format__avro_deflate(TarnAvroDeflater *deflater, TarnAvroCodec codec, TarnText raw,
                               TarnBuffer *stored) {
    tarn_base_buffer_clear(stored);
    switch (codec) {
    case TARN_AVRO_CODEC_DEFLATE: return deflate_deflate(deflater, raw, stored);
    case TARN_AVRO_CODEC_SNAPPY: return deflate_snappy(raw, stored);
    case TARN_AVRO_CODEC_ZSTANDARD: return deflate_zstandard(deflater, raw, stored);
    case TARN_AVRO_CODEC_NULL: break;
    }
    tarn_base_buffer_text(stored, raw);
    return !stored->failed;
}
