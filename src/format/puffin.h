/* Puffin files: blobs (deletion vectors, sketches) and a footer that describes them.
 *
 * Source: Puffin specification (iceberg.apache.org/puffin-spec). PFA1, the blobs, then the footer:
 * PFA1, JSON, its size (4 bytes, little-endian), 4 bytes of flags, PFA1. Read are footers as they
 * are or as an LZ4 frame, and blobs as they are, as an LZ4 frame or a zstd frame; written are
 * plain footers, and blobs plain or with zstd: no other implementation writes LZ4.
 *
 * Who knows a blob's offset and length (a delete file's manifest entry holds them) needs no
 * footer. Everything read lives in the caller's arena, or points into the bytes that were given.
 */
#ifndef TARN_FORMAT_PUFFIN_H
#define TARN_FORMAT_PUFFIN_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"
#include "format/roaring.h"

#define TARN_PUFFIN_MAGIC_BYTES 4
/* Size, flags and magic at the end of a file. */
#define TARN_PUFFIN_TAIL_BYTES 12
#define TARN_PUFFIN_DELETION_VECTOR "deletion-vector-v1"
#define TARN_PUFFIN_THETA_SKETCH "apache-datasketches-theta-v1"

typedef enum TarnPuffinCodec {
    TARN_PUFFIN_NONE,
    TARN_PUFFIN_LZ4,
    TARN_PUFFIN_ZSTD,
    TARN_PUFFIN_UNKNOWN /* the blob can be listed, not decoded */
} TarnPuffinCodec;

typedef struct TarnPuffinProperty {
    TarnText key;
    TarnText value;
} TarnPuffinProperty;

typedef struct TarnPuffinBlob {
    TarnText type;
    const int32_t *fields; /* ids of the columns it was computed from */
    size_t field_count;
    int64_t snapshot_id; /* -1: not known when it was written (deletion vectors) */
    int64_t sequence_number;
    uint64_t offset; /* in the file */
    uint64_t length; /* as stored */
    TarnPuffinCodec codec;
    TarnText codec_name; /* empty: none */
    const TarnPuffinProperty *properties;
    size_t property_count;
} TarnPuffinBlob;

typedef struct TarnPuffinFooter {
    TarnPuffinBlob *blobs; /* in the footer's order, each inside the file and before the footer */
    size_t blob_count;
    const TarnPuffinProperty *properties;
    size_t property_count;
} TarnPuffinFooter;

/* ---- reading ---- */

/* How many bytes at the end of the file are its footer; `tail` is at least its last
 * TARN_PUFFIN_TAIL_BYTES. `name` is the file, for messages. */
bool tarn_format_puffin_footer_size(TarnText tail, uint64_t file_size, const char *name,
                                    uint64_t *size, TarnError *error) TARN_CHECKED;
/* `tail`: the last bytes of the file, at least as many as the call above says; the result points
 * into it. Errors: TARN_E_FORMAT_CORRUPT, TARN_E_FORMAT_UNSUPPORTED (a flag of the future),
 * TARN_E_LIMIT_EXCEEDED, TARN_E_OUT_OF_MEMORY. */
bool tarn_format_puffin_footer_parse(TarnText tail, uint64_t file_size, const char *name,
                                     TarnArena *arena, TarnPuffinFooter **footer, TarnError *error)
    TARN_CHECKED;
/* Reads `size` bytes at `offset` into memory that lives as long as the arena. */
typedef bool (*TarnPuffinRange)(void *context, uint64_t offset, size_t size, TarnArena *arena,
                                TarnText *bytes, TarnError *error);
/* Both steps over a caller's reader: one range for most files, two for a large footer. */
bool tarn_format_puffin_footer_read(TarnPuffinRange range, void *context, uint64_t file_size,
                                    const char *name, TarnArena *arena, TarnPuffinFooter **footer,
                                    TarnError *error) TARN_CHECKED;
/* What a blob holds, from its `length` bytes at its `offset`: those bytes themselves if it is not
 * compressed, else at most TARN_LIMIT_PUFFIN_BLOB_BYTES in the arena. */
bool tarn_format_puffin_blob_decode(const TarnPuffinBlob *blob, TarnText stored, const char *name,
                                    TarnArena *arena, TarnText *data, TarnError *error)
    TARN_CHECKED;
/* The value of a property; data NULL = absent. */
TarnText tarn_format_puffin_property(const TarnPuffinProperty *properties, size_t count,
                                     const char *key);

/* ---- writing ---- */

/* The caller's struct; nothing to dispose of beyond `out` and the arena, which keeps what the
 * footer will say. A call that fails leaves `out` with a part of a file. */
typedef struct TarnPuffinWriter {
    TarnArena *arena;
    TarnBuffer *out;
    size_t start; /* where the file begins in `out` */
    struct {
        TarnPuffinBlob *items;
        size_t count;
        size_t capacity;
    } blobs;
} TarnPuffinWriter;

bool tarn_format_puffin_writer_begin(TarnPuffinWriter *writer, TarnArena *arena, TarnBuffer *out,
                                     TarnError *error) TARN_CHECKED;
/* Appends a blob: of *blob, type, fields, ids, codec (NONE or ZSTD) and properties are taken and
 * copied, and offset and length, of what is stored, are filled in. */
bool tarn_format_puffin_writer_add(TarnPuffinWriter *writer, TarnText data, TarnPuffinBlob *blob,
                                   TarnError *error) TARN_CHECKED;
/* Appends the deletion vector of one data file, with the properties that the specification asks
 * for. *offset and *length are the manifest entry's content_offset and content_size_in_bytes. */
bool tarn_format_puffin_writer_add_deletion_vector(TarnPuffinWriter *writer,
                                                   const TarnRoaring *positions,
                                                   TarnText referenced_data_file, uint64_t *offset,
                                                   uint64_t *length, TarnError *error) TARN_CHECKED;
/* Appends the footer. `created_by` names program and version ("tarn 1.2.3"). */
bool tarn_format_puffin_writer_finish(TarnPuffinWriter *writer, TarnText created_by,
                                      TarnError *error) TARN_CHECKED;

#endif
