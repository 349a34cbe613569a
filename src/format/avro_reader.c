/* Avro object containers: the header, and block after block.
 *
 * The reader sees the file through a window. Of bytes in memory the window is the whole file; of
 * a source it is what was read last, and reads go ahead so that a block's few bytes of header do
 * not cost a request of their own. The file is then a list of refusals: magic, metadata, schema,
 * codec; per block its count, its size, its place in the file, its sync marker, its compression,
 * its count against what it inflated to. Each names the byte it speaks of.
 *
 * It does not decode objects: cursors do.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/map.h"
#include "format/avro_private.h"

#define MAGIC "Obj\x01"
#define MAGIC_BYTES 4
/* What one request to a source reads at least. */
#define AHEAD_BYTES (256 * TARN_KIB)
/* Compressed data can be a little larger than the raw bytes. */
#define STORED_LIMIT (TARN_LIMIT_AVRO_BLOCK_BYTES + TARN_LIMIT_AVRO_BLOCK_BYTES / 64)
#define BLOCK_HEADER_BYTES ((size_t)(2 * TARN_AVRO_VARINT_BYTES))

struct TarnAvroReader {
    const char *name;
    TarnAvroSource source; /* size is the file's in any case */
    bool in_memory;
    TarnText window; /* of the file's bytes from window_offset */
    uint64_t window_offset;
    TarnBuffer ahead; /* holds the window of a source */
    TarnAvroPair *pairs;
    size_t pair_count;
    TarnAvroCodec codec;
    const TarnAvroSchema *schema;
    unsigned char sync_marker[TARN_AVRO_SYNC_BYTES];
    uint64_t first_block; /* its offset */
    uint64_t position;    /* of the next block */
    uint64_t objects;     /* in the blocks before it */
    uint32_t empties;     /* objects of no bytes the file may still have */
    TarnAvroInflater *inflater;
    TarnAvroBlock block; /* of reader_object */
};

static bool corrupt(const TarnAvroReader *reader, TarnError *error, const char *format, ...)
    TARN_PRINTF(3, 4);
static bool corrupt(const TarnAvroReader *reader, TarnError *error, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT, "cannot read \"%s\": %s", reader->name,
                               text);
}

/* Makes `size` bytes from `offset` available; both are within the file. */
static bool load(TarnAvroReader *reader, uint64_t offset, size_t size, const char **data,
                 TarnError *error) {
    TarnText *window = &reader->window;
    uint64_t into = offset - reader->window_offset;
    bool is_there = offset >= reader->window_offset && into <= window->size &&
                    size <= window->size - into;
    if (!is_there) {
        uint64_t most = reader->source.size - offset;
        size_t wanted = size > AHEAD_BYTES ? size : AHEAD_BYTES;
        if (wanted > most) wanted = (size_t)most;
        tarn_base_buffer_clear(&reader->ahead);
        *window = (TarnText){"", 0};
        if (!tarn_base_buffer_reserve(&reader->ahead, wanted)) {
            return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                       "could not read \"%s\": out of memory", reader->name);
        }
        if (!reader->source.read(reader->source.state, offset, reader->ahead.data, wanted, error)) {
            return false;
        }
        *window = (TarnText){reader->ahead.data, wanted};
        reader->window_offset = offset;
        into = 0;
    }
    *data = window->data + into;
    return true;
}

/* ---- Header -------------------------------------------------------------------------------- */

/* Reads the metadata map; false with a problem in the cursor. */
static bool take_pairs(TarnAvroReader *reader, TarnAvroCursor *cursor, TarnArena *arena) {
    struct {
        TarnAvroPair *items;
        size_t count;
        size_t capacity;
    } pairs = {NULL, 0, 0};
    const size_t pair_minimum = 2;
    for (;;) {
        uint64_t count = 0;
        const unsigned char *run_end = NULL;
        if (!tarn_format__avro_take_run(cursor, pair_minimum, &count, &run_end)) return false;
        if (count == 0) break;
        for (; count > 0; count--) {
            TarnAvroPair *pair = TARN_PUSH(arena, &pairs);
            if (pair == NULL) {
                return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
            }
            if (!tarn_format__avro_take_bytes(cursor, &pair->key) ||
                !tarn_format__avro_take_bytes(cursor, &pair->value)) {
                return false;
            }
        }
        if (!tarn_format__avro_end_run(cursor, run_end)) return false;
    }
    reader->pairs = pairs.items;
    reader->pair_count = pairs.count;
    return true;
}

static bool check_magic(const TarnAvroReader *reader, TarnText start, TarnError *error) {
    if (tarn_base_text_starts(start, MAGIC)) return true;
    if (tarn_base_text_starts(start, "Obj")) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "cannot read \"%s\": it is an Avro file of version %u",
                                   reader->name, (unsigned char)start.data[3]);
    }
    corrupt(reader, error, "it is not an Avro file, which begins with \"Obj\" and the byte 1");
    if (start.size == 0) tarn_base_error_hint(error, "the file is empty");
    return false;
}

/* One attempt on the file's first `size` bytes. *is_cut: they did not suffice. */
static bool parse_header(TarnAvroReader *reader, TarnText bytes, TarnArena *arena, bool *is_cut,
                         TarnError *error) {
    TarnAvroCursor cursor = tarn_format_avro_cursor(bytes, reader->name);
    TarnText sync;
    *is_cut = false;
    TarnText start = {bytes.data, bytes.size < MAGIC_BYTES ? bytes.size : MAGIC_BYTES};
    if (start.size < MAGIC_BYTES) start.size = 0;
    if (!check_magic(reader, start, error)) return false;
    cursor.at += MAGIC_BYTES;
    if (!take_pairs(reader, &cursor, arena) ||
        !tarn_format__avro_take_fixed(&cursor, TARN_AVRO_SYNC_BYTES, &sync)) {
        /* A count may look too large only because the rest is not here yet. */
        *is_cut = cursor.problem == TARN_AVRO_PROBLEM_TRUNCATED ||
                  cursor.problem == TARN_AVRO_PROBLEM_COUNT;
        tarn_format__avro_fail(&cursor, NULL, error);
        return tarn_base_error_context(error, "reading the file's header");
    }
    memcpy(reader->sync_marker, sync.data, TARN_AVRO_SYNC_BYTES);
    reader->first_block = (uint64_t)(cursor.at - cursor.begin);
    return true;
}

/* The header's length is not known before it is read: more of a source is read until it fits. */
static bool find_header(TarnAvroReader *reader, TarnArena *arena, TarnError *error) {
    uint64_t file_size = reader->source.size;
    size_t most = file_size < TARN_LIMIT_AVRO_HEADER_BYTES ? (size_t)file_size
                                                           : TARN_LIMIT_AVRO_HEADER_BYTES;
    size_t size = !reader->in_memory && AHEAD_BYTES < most ? AHEAD_BYTES : most;
    for (;;) {
        bool is_cut = false;
        const char *data = "";
        if (size > 0 && !load(reader, 0, size, &data, error)) return false;
        if (parse_header(reader, (TarnText){data, size}, arena, &is_cut, error)) break;
        if (!is_cut) return false;
        if (size == most) {
            if (most == file_size) return false;
            return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                       "cannot read \"%s\": its Avro header is larger than %zu MB",
                                       reader->name, TARN_LIMIT_AVRO_HEADER_BYTES / TARN_MIB);
        }
        size = size > most / 4 ? most : size * 4;
    }
    if (reader->in_memory) return true;
    /* The window moves on; the header's values must stay. */
    bool is_cut = false;
    char *copy = tarn_base_arena_copy(arena, reader->window.data, (size_t)reader->first_block);
    if (copy == NULL) return tarn_base_arena_check(arena, error);
    return parse_header(reader, (TarnText){copy, (size_t)reader->first_block}, arena, &is_cut,
                        error);
}

static bool check_keys(const TarnAvroReader *reader, TarnArena *arena, TarnError *error) {
    TarnMap seen;
    tarn_base_map_init(&seen, arena);
    for (size_t i = 0; i < reader->pair_count; i++) {
        TarnText key = reader->pairs[i].key;
        if (tarn_base_map_has(&seen, key)) {
            return corrupt(reader, error, "its header has the key \"%.*s\" twice",
                           (int)(key.size < 128 ? key.size : 128), key.data);
        }
        tarn_base_map_put(&seen, key, &reader->pairs[i]);
    }
    return tarn_base_arena_check(arena, error);
}

static bool read_codec(TarnAvroReader *reader, TarnError *error) {
    static const char *const names[] = {[TARN_AVRO_CODEC_NULL] = "null",
                                        [TARN_AVRO_CODEC_DEFLATE] = "deflate",
                                        [TARN_AVRO_CODEC_SNAPPY] = "snappy",
                                        [TARN_AVRO_CODEC_ZSTANDARD] = "zstandard"};
    TarnText name;
    reader->codec = TARN_AVRO_CODEC_NULL;
    if (!tarn_format_avro_reader_metadata(reader, "avro.codec", &name) || name.size == 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!tarn_base_text_is(name, names[i])) continue;
        reader->codec = (TarnAvroCodec)i;
        return true;
    }
    tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                        "cannot read \"%s\": its Avro codec is \"%.*s\"", reader->name,
                        (int)(name.size < 64 ? name.size : 64), name.data);
    return tarn_base_error_hint(error,
                                "write it with the codec deflate, zstandard, snappy or null");
}

static bool read_schema(TarnAvroReader *reader, TarnArena *arena, TarnError *error) {
    TarnText json;
    if (!tarn_format_avro_reader_metadata(reader, "avro.schema", &json)) {
        return corrupt(reader, error, "its header has no \"avro.schema\"");
    }
    if (tarn_format_avro_schema_parse(json, NULL, arena, &reader->schema, error)) return true;
    return tarn_base_error_context(error, "reading the header of \"%s\"", reader->name);
}

static bool open_reader(TarnAvroReader *reader, TarnArena *arena, TarnError *error) {
    if (!find_header(reader, arena, error) || !check_keys(reader, arena, error) ||
        !read_codec(reader, error) || !read_schema(reader, arena, error)) {
        return false;
    }
    reader->position = reader->first_block;
    reader->empties = TARN_LIMIT_AVRO_EMPTY_VALUES;
    reader->inflater = tarn_format__avro_inflater_new();
    if (reader->inflater == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not read \"%s\": out of memory", reader->name);
    }
    return true;
}

static TarnAvroReader *new_reader(TarnArena *arena, const char *name) {
    TarnAvroReader *reader = TARN_NEW(arena, TarnAvroReader);
    if (reader == NULL) return NULL;
    reader->name = name != NULL ? name : "Avro data";
    tarn_base_buffer_init(&reader->ahead, TARN_LIMIT_AVRO_HEADER_BYTES > STORED_LIMIT
                                              ? TARN_LIMIT_AVRO_HEADER_BYTES
                                              : STORED_LIMIT + TARN_KIB);
    return reader;
}

static bool finish_open(TarnAvroReader *opened, TarnArena *arena, TarnAvroReader **reader,
                        TarnError *error) {
    *reader = NULL;
    if (opened == NULL) return tarn_base_arena_check(arena, error);
    if (!open_reader(opened, arena, error)) {
        tarn_format_avro_reader_close(opened);
        return false;
    }
    *reader = opened;
    return true;
}

bool tarn_format_avro_reader_open(TarnText bytes, const char *name, TarnArena *arena,
                                  TarnAvroReader **reader, TarnError *error) {
    TarnAvroReader *opened = new_reader(arena, name);
    if (opened != NULL) {
        opened->in_memory = true;
        opened->window = bytes;
        opened->source.size = bytes.size;
    }
    return finish_open(opened, arena, reader, error);
}

bool tarn_format_avro_reader_open_source(const TarnAvroSource *source, const char *name,
                                         TarnArena *arena, TarnAvroReader **reader,
                                         TarnError *error) {
    TarnAvroReader *opened = new_reader(arena, name);
    if (opened != NULL) {
        opened->source = *source;
        opened->window = (TarnText){"", 0};
    }
    return finish_open(opened, arena, reader, error);
}

void tarn_format_avro_reader_close(TarnAvroReader *reader) {
    if (reader == NULL) return;
    tarn_format__avro_inflater_free(reader->inflater);
    reader->inflater = NULL;
    tarn_base_buffer_dispose(&reader->ahead);
}

const TarnAvroSchema *tarn_format_avro_reader_schema(const TarnAvroReader *reader) {
    return reader->schema;
}

TarnAvroCodec tarn_format_avro_reader_codec(const TarnAvroReader *reader) { return reader->codec; }

const TarnAvroPair *tarn_format_avro_reader_pairs(const TarnAvroReader *reader, size_t *count) {
    *count = reader->pair_count;
    return reader->pairs;
}

bool tarn_format_avro_reader_metadata(const TarnAvroReader *reader, const char *key,
                                      TarnText *value) {
    for (size_t i = 0; i < reader->pair_count; i++) {
        if (!tarn_base_text_is(reader->pairs[i].key, key)) continue;
        *value = reader->pairs[i].value;
        return true;
    }
    return false;
}

/* ---- Blocks -------------------------------------------------------------------------------- */

/* What the block's first bytes say. */
typedef struct BlockHeader {
    uint64_t count;
    size_t stored_bytes;
    uint64_t data_offset;
} BlockHeader;

static bool refuse_truncated(const TarnAvroReader *reader, uint64_t wanted_end, TarnError *error) {
    corrupt(reader, error,
            "its last block, at byte %" PRIu64 ", is cut: the file ends at byte %" PRIu64
            " instead of %" PRIu64 " or later",
            reader->position, reader->source.size, wanted_end);
    return tarn_base_error_detail(error, "the %" PRIu64 " objects before it are complete",
                                  reader->objects);
}

static bool read_block_header(TarnAvroReader *reader, BlockHeader *header, TarnError *error) {
    uint64_t left = reader->source.size - reader->position;
    size_t size = left < BLOCK_HEADER_BYTES ? (size_t)left : BLOCK_HEADER_BYTES;
    const char *data = NULL;
    int64_t count = 0;
    int64_t stored_bytes = 0;
    if (!load(reader, reader->position, size, &data, error)) return false;
    TarnAvroCursor cursor = tarn_format_avro_cursor((TarnText){data, size}, reader->name);
    if (!tarn_format__avro_take_long(&cursor, &count) ||
        !tarn_format__avro_take_long(&cursor, &stored_bytes)) {
        if (cursor.problem == TARN_AVRO_PROBLEM_TRUNCATED) {
            return refuse_truncated(reader, reader->source.size + 1, error);
        }
        return corrupt(reader, error, "the block at byte %" PRIu64 " begins with no valid number",
                       reader->position);
    }
    if (count < 0 || stored_bytes < 0) {
        return corrupt(reader, error,
                       "the block at byte %" PRIu64 " has %" PRId64 " objects in %" PRId64 " bytes",
                       reader->position, count, stored_bytes);
    }
    if ((uint64_t)stored_bytes > STORED_LIMIT) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "cannot read \"%s\": the block at byte %" PRIu64 " has %" PRId64
                                   " bytes, more than %zu MB",
                                   reader->name, reader->position, stored_bytes,
                                   TARN_LIMIT_AVRO_BLOCK_BYTES / TARN_MIB);
    }
    *header = (BlockHeader){(uint64_t)count, (size_t)stored_bytes,
                            reader->position + (uint64_t)(cursor.at - cursor.begin)};
    uint64_t needed = header->stored_bytes + TARN_AVRO_SYNC_BYTES;
    if (needed > reader->source.size - header->data_offset) {
        return refuse_truncated(reader, header->data_offset + needed, error);
    }
    return true;
}

/* The number of objects against the bytes they are in. */
static bool check_count(TarnAvroReader *reader, uint64_t count, size_t raw_bytes,
                        TarnError *error) {
    size_t minimum = reader->schema->minimum_bytes;
    if (minimum > 0 && count <= raw_bytes / minimum) return true;
    if (minimum == 0 && count <= reader->empties) {
        reader->empties -= (uint32_t)count;
        return true;
    }
    if (minimum > 0) {
        return corrupt(reader, error,
                       "the block at byte %" PRIu64 " has %" PRIu64
                       " objects, more than its %zu bytes could hold",
                       reader->position, count, raw_bytes);
    }
    return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                               "cannot read \"%s\": more than %d objects of no bytes", reader->name,
                               TARN_LIMIT_AVRO_EMPTY_VALUES);
}

static bool read_raw(TarnAvroReader *reader, const BlockHeader *header, TarnArena *arena,
                     TarnText *raw, TarnError *error) {
    const char *data = NULL;
    if (!load(reader, header->data_offset, header->stored_bytes + TARN_AVRO_SYNC_BYTES, &data,
              error)) {
        return false;
    }
    if (memcmp(data + header->stored_bytes, reader->sync_marker, TARN_AVRO_SYNC_BYTES) != 0) {
        corrupt(reader, error,
                "no sync marker is behind the block at byte %" PRIu64 ", where it must be at "
                "byte %" PRIu64,
                reader->position, header->data_offset + header->stored_bytes);
        return tarn_base_error_detail(error, "the %" PRIu64 " objects before it are complete",
                                      reader->objects);
    }
    TarnText stored = {data, header->stored_bytes};
    TarnAvroProblem problem = tarn_format__avro_inflate(reader->inflater, reader->codec, stored,
                                                        raw);
    if (problem != TARN_AVRO_PROBLEM_NONE) {
        tarn_base_error_set(error, tarn_format__avro_problem_code(problem),
                            "cannot read \"%s\": the block at byte %" PRIu64 ": %s", reader->name,
                            reader->position, tarn_format__avro_problem_text(problem));
        return tarn_base_error_detail(error, "the %" PRIu64 " objects before it are complete",
                                      reader->objects);
    }
    if (reader->codec == TARN_AVRO_CODEC_NULL && reader->in_memory) return true;
    raw->data = tarn_base_arena_copy(arena, raw->data, raw->size);
    return raw->data != NULL || tarn_base_arena_check(arena, error);
}

bool tarn_format_avro_reader_block(TarnAvroReader *reader, TarnArena *arena, TarnAvroBlock *block,
                                   bool *more, TarnError *error) {
    *more = false;
    if (reader->position == reader->source.size) return true;
    BlockHeader header = {0, 0, 0};
    TarnText raw = {"", 0};
    if (!read_block_header(reader, &header, error) ||
        !read_raw(reader, &header, arena, &raw, error) ||
        !check_count(reader, header.count, raw.size, error)) {
        return false;
    }
    *block = (TarnAvroBlock){.cursor = tarn_format_avro_cursor(raw, reader->name),
                             .count = header.count,
                             .left = header.count,
                             .first = reader->objects,
                             .offset = reader->position,
                             .next_offset = header.data_offset + header.stored_bytes +
                                            TARN_AVRO_SYNC_BYTES};
    block->cursor.offset = block->offset;
    reader->position = block->next_offset;
    reader->objects += block->count;
    *more = true;
    return true;
}

bool tarn_format_avro_block_object(TarnAvroBlock *block, TarnAvroCursor **cursor,
                                   TarnError *error) {
    TarnAvroCursor *own = &block->cursor;
    *cursor = NULL;
    if (block->left == 0) {
        if (own->at == own->end) return true;
        own->object = block->first + block->count;
        own->problem = TARN_AVRO_PROBLEM_LEFT_OVER;
        return tarn_format__avro_fail(own, NULL, error);
    }
    own->object = block->first + (block->count - block->left);
    own->empties = TARN_LIMIT_AVRO_EMPTY_VALUES;
    block->left--;
    *cursor = own;
    return true;
}

bool tarn_format_avro_reader_object(TarnAvroReader *reader, TarnArena *arena,
                                    TarnAvroCursor **cursor, TarnError *error) {
    bool more = true;
    *cursor = NULL;
    for (;;) {
        if (reader->block.cursor.begin != NULL &&
            !tarn_format_avro_block_object(&reader->block, cursor, error)) {
            return false;
        }
        if (*cursor != NULL) return true;
        if (!tarn_format_avro_reader_block(reader, arena, &reader->block, &more, error)) {
            return false;
        }
        if (!more) return true;
    }
}

bool tarn_format_avro_reader_seek(TarnAvroReader *reader, uint64_t offset, uint64_t first,
                                  TarnError *error) {
    const char *marker = NULL;
    bool is_within = offset >= reader->first_block && offset <= reader->source.size;
    if (is_within &&
        !load(reader, offset - TARN_AVRO_SYNC_BYTES, TARN_AVRO_SYNC_BYTES, &marker, error)) {
        return false;
    }
    if (!is_within || memcmp(marker, reader->sync_marker, TARN_AVRO_SYNC_BYTES) != 0) {
        return corrupt(reader, error, "no block begins at byte %" PRIu64, offset);
    }
    reader->position = offset;
    reader->objects = first;
    reader->block = (TarnAvroBlock){.cursor = {.begin = NULL}};
    return true;
}
