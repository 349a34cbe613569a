/* Metadata files that are compressed: gzip (RFC 1952), by name or by their first two bytes.
 *
 * The whole file is inflated at once, up to the limit for metadata: a file is either a metadata
 * file or a bomb, and the limit tells which. Several gzip members in a row are one text, as the
 * format allows.
 */
#include <string.h>
#include <zlib.h>

#include "base/limits.h"
#include "table/metadata.h"

#define GZIP_MAGIC "\x1f\x8b"
#define GZIP_WINDOW (15 + 16) /* zlib: largest window, gzip framing */
#define CHUNK_BYTES (64 * TARN_KIB)

static bool is_gzip(TarnText bytes, const char *name) {
    TarnText file = tarn_base_text(name);
    if (bytes.size >= 2 && memcmp(bytes.data, GZIP_MAGIC, 2) == 0) return true;
    return tarn_base_text_ends(file, ".gz.metadata.json") ||
           tarn_base_text_ends(file, ".metadata.json.gz");
}

static bool refuse_corrupt(const char *name, const char *why, TarnError *error) {
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                               "\"%s\" cannot be inflated as gzip: %s", name,
                               why != NULL ? why : "the bytes end too early");
}

/* Inflates into the buffer until the input ends with a whole member. */
static bool inflate_members(z_stream *stream, const char *name, TarnBuffer *out, TarnError *error) {
    for (;;) {
        if (!tarn_base_buffer_reserve(out, CHUNK_BYTES)) {
            if (out->size + CHUNK_BYTES <= out->limit) return tarn_base_buffer_check(out, error);
            return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                       "\"%s\" inflates to more than %zu bytes, the limit for "
                                       "metadata",
                                       name, TARN_LIMIT_METADATA_BYTES);
        }
        stream->next_out = (Bytef *)out->data + out->size;
        stream->avail_out = CHUNK_BYTES;
        int result = inflate(stream, Z_NO_FLUSH);
        out->size += CHUNK_BYTES - stream->avail_out;
        if (result == Z_STREAM_END) {
            if (stream->avail_in == 0) return true;
            result = inflateReset(stream);
        }
        if (result == Z_MEM_ERROR) {
            return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory to inflate \"%s\"",
                                       name);
        }
        bool stuck = stream->avail_in == 0 && stream->avail_out > 0;
        if (result != Z_OK || stuck) return refuse_corrupt(name, stream->msg, error);
    }
}

bool tarn_table_metadata_inflate(TarnText bytes, const char *name, TarnArena *arena, TarnText *text,
                                 TarnError *error) {
    *text = bytes;
    if (!is_gzip(bytes, name)) return true;
    if (bytes.size > TARN_LIMIT_METADATA_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "\"%s\" has %zu bytes, the limit for metadata is %zu", name,
                                   bytes.size, TARN_LIMIT_METADATA_BYTES);
    }
    z_stream stream = {.next_in = NULL};
    if (inflateInit2(&stream, GZIP_WINDOW) != Z_OK) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory to inflate \"%s\"",
                                   name);
    }
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_LIMIT_METADATA_BYTES + CHUNK_BYTES);
    stream.next_in = (z_const Bytef *)(uintptr_t)bytes.data;
    stream.avail_in = (uInt)bytes.size;
    bool done = inflate_members(&stream, name, &out, error);
    inflateEnd(&stream);
    if (done) {
        char *copy = tarn_base_arena_string_n(arena, out.data, out.size);
        *text = (TarnText){copy, out.size};
        done = tarn_base_arena_check(arena, error);
    }
    tarn_base_buffer_dispose(&out);
    return done;
}
