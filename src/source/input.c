/* File bytes, plain or through zlib (gzip, several members) or libzstd (several frames).
 */
#include "source/input_private.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define COMPRESSED_BYTES (256 * 1024)

struct TarnInput {
    const TarnOs *os;
    TarnOsFile *file;
    uint64_t offset;
    const char *path;
    TarnFileCompression compression;
    z_stream zlib;
    bool zlib_ready;
    ZSTD_DStream *zstd;
    uint8_t *compressed; /* what was read and not yet inflated */
    size_t compressed_at;
    size_t compressed_size;
    bool in_member; /* inside a gzip member or zstd frame */
};

static bool start_codec(TarnInput *input, TarnError *error) {
    if (input->compression == TARN_COMPRESSION_NONE) return true;
    input->compressed = malloc(COMPRESSED_BYTES);
    bool ok = input->compressed != NULL;
    if (ok && input->compression == TARN_COMPRESSION_GZIP) {
        ok = input->zlib_ready = inflateInit2(&input->zlib, 15 + 16) == Z_OK;
    } else if (ok) {
        input->zstd = ZSTD_createDStream();
        ok = input->zstd != NULL;
    }
    return ok || tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                     "out of memory while opening \"%s\"", input->path);
}

bool tarn_source__input_open(const TarnOs *os, const char *path, TarnFileCompression compression,
                             TarnInput **input, TarnError *error) {
    *input = calloc(1, sizeof(**input));
    if (*input == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    **input = (TarnInput){.os = os, .compression = compression};
    (*input)->path = strdup(path);
    if ((*input)->path != NULL && os->file_open(os, path, TARN_OS_READ, &(*input)->file, error) &&
        start_codec(*input, error)) {
        return true;
    }
    if ((*input)->path == NULL) {
        tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    tarn_source__input_close(*input);
    *input = NULL;
    return false;
}

void tarn_source__input_close(TarnInput *input) {
    if (input == NULL) return;
    tarn_os_file_discard(input->os, input->file);
    if (input->zlib_ready) inflateEnd(&input->zlib);
    ZSTD_freeDStream(input->zstd);
    free(input->compressed);
    free((void *)(uintptr_t)input->path);
    free(input);
}

static bool read_plain(TarnInput *input, void *data, size_t size, size_t *got, TarnError *error) {
    *got = 0;
    while (*got < size) {
        size_t part = 0;
        if (!input->os->file_read(input->os, input->file, input->offset, (uint8_t *)data + *got,
                                  size - *got, &part, error)) {
            return false;
        }
        if (part == 0) break;
        *got += part;
        input->offset += part;
    }
    return true;
}

static bool damaged(const TarnInput *input, const char *how, TarnError *error) {
    tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE, "\"%s\": the %s data %s", input->path,
                        input->compression == TARN_COMPRESSION_GZIP ? "gzip" : "zstd", how);
    return tarn_base_error_hint(error, "the file may have been cut off while it was copied");
}

static bool refill(TarnInput *input, TarnError *error) {
    input->compressed_at = 0;
    return read_plain(input, input->compressed, COMPRESSED_BYTES, &input->compressed_size, error);
}

/* Zeros behind the last member are padding, as copies by blocks leave it. */
static bool is_padding(TarnInput *input) {
    while (input->compressed_at < input->compressed_size &&
           input->compressed[input->compressed_at] == 0) {
        input->compressed_at++;
    }
    return input->compressed_at == input->compressed_size;
}

static bool inflate_some(TarnInput *input, uint8_t *out, size_t size, size_t *made,
                         TarnError *error) {
    input->zlib.next_in = input->compressed + input->compressed_at;
    input->zlib.avail_in = (uInt)(input->compressed_size - input->compressed_at);
    input->zlib.next_out = out;
    input->zlib.avail_out = (uInt)(size < UINT32_MAX ? size : UINT32_MAX);
    uInt room = input->zlib.avail_out;
    if (!input->in_member && inflateReset(&input->zlib) != Z_OK) {
        return damaged(input, "cannot be read", error);
    }
    input->in_member = true;
    int status = inflate(&input->zlib, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        return damaged(input, "is damaged", error);
    }
    if (status == Z_STREAM_END) input->in_member = false;
    input->compressed_at = input->compressed_size - input->zlib.avail_in;
    *made = room - input->zlib.avail_out;
    return true;
}

static bool unzstd_some(TarnInput *input, uint8_t *out, size_t size, size_t *made,
                        TarnError *error) {
    ZSTD_inBuffer in = {input->compressed, input->compressed_size, input->compressed_at};
    ZSTD_outBuffer to = {out, size, 0};
    size_t status = ZSTD_decompressStream(input->zstd, &to, &in);
    if (ZSTD_isError(status)) return damaged(input, "is damaged", error);
    input->in_member = status != 0;
    input->compressed_at = in.pos;
    *made = to.pos;
    return true;
}

bool tarn_source__input_read(TarnInput *input, void *data, size_t size, size_t *got,
                             TarnError *error) {
    if (input->compression == TARN_COMPRESSION_NONE) {
        return read_plain(input, data, size, got, error);
    }
    *got = 0;
    while (*got < size) {
        if (input->compressed_at == input->compressed_size && !refill(input, error)) return false;
        bool ended = input->compressed_size == 0;
        if (ended && !input->in_member) return true;
        bool between = input->compression == TARN_COMPRESSION_GZIP && !input->in_member;
        if (between && is_padding(input)) continue;
        size_t made = 0;
        uint8_t *out = (uint8_t *)data + *got;
        bool ok = input->compression == TARN_COMPRESSION_GZIP
                      ? inflate_some(input, out, size - *got, &made, error)
                      : unzstd_some(input, out, size - *got, &made, error);
        if (!ok) return false;
        /* The codec may hold back output after its input is used up; only then is it done. */
        if (ended && made == 0 && input->in_member) {
            return damaged(input, "ends too early", error);
        }
        *got += made;
    }
    return true;
}

void tarn_source__input_seek(TarnInput *input, uint64_t offset) { input->offset = offset; }

/* Whole lines only: what is before the first newline and behind the last is cut off. */
static TarnText whole_lines(char *data, size_t size, uint8_t newline) {
    char *first = size > 0 ? memchr(data, newline, size) : NULL;
    char *last = size > 0 ? memrchr(data, newline, size) : NULL;
    if (first == NULL || first == last) return (TarnText){data, 0};
    return (TarnText){first + 1, (size_t)(last - first)};
}

bool tarn_source__input_windows(const TarnOs *os, const char *path, uint64_t from, uint8_t newline,
                                TarnWindowSeen seen, void *state, TarnError *error) {
    TarnOsStat stat;
    TarnInput *input = NULL;
    if (!os->stat(os, path, true, &stat, error)) return false;
    if (stat.kind != TARN_OS_FILE || stat.size <= from) return true;
    uint64_t step = (stat.size - from) / TARN_SOURCE_WINDOWS + 1;
    char *data = malloc(TARN_SOURCE_WINDOW_BYTES);
    bool ok = data != NULL || tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    ok = ok && tarn_source__input_open(os, path, TARN_COMPRESSION_NONE, &input, error);
    for (uint64_t i = 1; ok && i <= TARN_SOURCE_WINDOWS; i++) {
        size_t size = 0;
        uint64_t end = from + step * i < stat.size ? from + step * i : stat.size;
        uint64_t back = end - from < TARN_SOURCE_WINDOW_BYTES ? end - from
                                                              : TARN_SOURCE_WINDOW_BYTES;
        tarn_source__input_seek(input, end - back);
        ok = tarn_os_interrupt_check(error) &&
             tarn_source__input_read(input, data, (size_t)back, &size, error);
        if (ok) seen(state, whole_lines(data, size, newline));
    }
    tarn_source__input_close(input);
    free(data);
    return ok;
}
