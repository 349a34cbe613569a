/* Avro container files as a source.
 *
 * One look at the file, in order and under a lock, finds where its blocks begin: their headers
 * tell how long they are, and the marker behind each that this is so. Decompressing and decoding
 * is done by the threads, each with a reader of its own, block by block. What is damaged becomes
 * one reject: a stretch in which no block can be made out up to the next marker, or a block whose
 * bytes do not decode, and then none of its rows is read, as no one could tell which. Rows before
 * and behind are read.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "source/avro_value_private.h"

/* Blocks are gathered into one batch up to this. */
#define BATCH_BYTES TARN_MIB
/* Of what is damaged this much is kept. */
#define DAMAGED_BYTES_KEPT TARN_MIB
/* A block's header: two varints. */
#define BLOCK_HEADER_BYTES 20
#define SEARCH_BYTES (256 * TARN_KIB)

typedef struct AvroBlock {
    uint64_t offset;
    uint64_t next_offset;
    uint64_t first; /* number of its first object, from 0 */
    uint64_t number;
    bool damaged;
} AvroBlock;

typedef struct AvroSlot {
    TarnOsFile *file;
    TarnAvroReader *reader;
    TarnArena arena; /* of the reader */
    TarnArena block; /* one block's bytes */
    TarnColumnBuilder *builders;
    TarnColumnBuilder *rows;
    TarnRejects rejects;
    TarnDrops drops;
    TarnBuffer text;
    const TarnAvroDecoder *decoder;
    const struct AvroFile *owner;
} AvroSlot;

typedef struct AvroFile {
    const TarnOs *os;
    char *path;
    uint64_t size;
    unsigned char sync[TARN_AVRO_SYNC_BYTES];
    TarnArena arena; /* schema and decoders */
    bool refuse_extra_fields;
    size_t column_count;
    pthread_mutex_t lock; /* the rest */
    TarnOsFile *file;
    uint64_t offset;
    uint64_t first;
    uint64_t number;
    bool failed;
    AvroSlot *slots;
    uint32_t slot_count;
} AvroFile;

/* --- finding blocks --- */

static bool read_at(const AvroFile *file, TarnOsFile *from, uint64_t offset, void *out,
                    size_t size, TarnError *error) {
    return tarn_os_file_read_exact(file->os, from, offset, out, size, error);
}

/* One past the next marker that ends behind `from`; the file's end if there is none. */
static bool find_marker(AvroFile *file, uint64_t from, uint64_t *end, TarnError *error) {
    unsigned char *data = malloc(SEARCH_BYTES);
    bool ok = data != NULL;
    if (!ok) tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    *end = file->size;
    while (ok && from < file->size) {
        size_t size = file->size - from < SEARCH_BYTES ? (size_t)(file->size - from)
                                                       : SEARCH_BYTES;
        ok = tarn_os_interrupt_check(error) &&
             read_at(file, file->file, from, data, size, error);
        unsigned char *found = ok ? memmem(data, size, file->sync, sizeof(file->sync)) : NULL;
        if (found != NULL) {
            *end = from + (uint64_t)(found - data) + sizeof(file->sync);
            break;
        }
        if (size < SEARCH_BYTES) break;
        from += size - sizeof(file->sync) + 1;
    }
    free(data);
    return ok;
}

/* Whether a whole block begins at `offset`. */
static bool is_block(AvroFile *file, uint64_t offset, uint64_t *count, uint64_t *next,
                     TarnError *error) {
    unsigned char bytes[BLOCK_HEADER_BYTES];
    unsigned char marker[TARN_AVRO_SYNC_BYTES];
    uint64_t left = file->size - offset;
    size_t size = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
    int64_t objects = 0;
    int64_t stored = 0;
    if (!read_at(file, file->file, offset, bytes, size, error)) return false;
    TarnAvroCursor cursor = tarn_format_avro_cursor((TarnText){(const char *)bytes, size}, NULL);
    TarnError ignored;
    error->code = TARN_OK;
    if (!tarn_format_avro_cursor_long(&cursor, &objects, &ignored) ||
        !tarn_format_avro_cursor_long(&cursor, &stored, &ignored) || objects < 0 || stored < 0) {
        return false;
    }
    uint64_t header = (uint64_t)(cursor.at - cursor.begin);
    if (left < header + sizeof(marker) || (uint64_t)stored > left - header - sizeof(marker)) {
        return false;
    }
    *next = offset + header + (uint64_t)stored + sizeof(marker);
    *count = (uint64_t)objects;
    if (!read_at(file, file->file, *next - sizeof(marker), marker, sizeof(marker), error)) {
        return false;
    }
    return memcmp(marker, file->sync, sizeof(marker)) == 0;
}

/* The next block, or stretch without one; *more false at the end of the file. */
static bool claim(AvroFile *file, AvroBlock *block, bool *more, TarnError *error) {
    uint64_t count = 0;
    uint64_t next = 0;
    bool ok = true;
    pthread_mutex_lock(&file->lock);
    *more = !file->failed && file->offset < file->size;
    if (*more) {
        *block = (AvroBlock){.offset = file->offset, .first = file->first,
                             .number = file->number++};
        tarn_base_error_clear(error);
        if (!is_block(file, file->offset, &count, &next, error)) {
            ok = error->code == TARN_OK && find_marker(file, file->offset, &next, error);
            block->damaged = true;
            count = 1;
        }
        block->next_offset = next;
        file->offset = next;
        file->first += count;
        file->failed = !ok;
    }
    pthread_mutex_unlock(&file->lock);
    return ok;
}

/* --- rows --- */

static bool add_reject(AvroSlot *slot, const char *column, const char *reason, uint64_t row,
                       uint64_t offset, TarnText bytes) {
    TarnReject *reject = tarn_source__reject_add(&slot->rejects, column, bytes);
    if (reject == NULL) return false;
    reject->reason = reason;
    reject->row = row;
    reject->offset = offset;
    return true;
}

/* What is damaged, with its bytes as they are in the file. */
static bool refuse_stretch(AvroSlot *slot, const AvroBlock *block, const char *why,
                           TarnError *error) {
    uint64_t size = block->next_offset - block->offset;
    size_t kept = size < DAMAGED_BYTES_KEPT ? (size_t)size : DAMAGED_BYTES_KEPT;
    char *bytes = tarn_base_arena_alloc(&slot->rejects.arena, kept);
    if (bytes == NULL) return tarn_base_arena_check(&slot->rejects.arena, error);
    if (!read_at(slot->owner, slot->file, block->offset, bytes, kept, error)) return false;
    const char *reason = tarn_base_arena_printf(
        &slot->rejects.arena, "%llu bytes are damaged%s: %s", (unsigned long long)size,
        kept < size ? " (the first 1048576 are kept)" : "", why);
    return add_reject(slot, NULL, reason, block->first + 1, block->offset,
                      (TarnText){bytes, kept}) ||
           tarn_base_arena_check(&slot->rejects.arena, error);
}

static void truncate_all(AvroSlot *slot, size_t length) {
    for (size_t i = 0; i < slot->owner->column_count; i++) {
        tarn_source__builder_truncate(&slot->builders[i], length);
    }
    tarn_source__builder_truncate(slot->rows, length);
}

/* The object as JSON is what can be shown and sent again; its bytes alone mean nothing. */
static bool refuse_object(AvroSlot *slot, const TarnAvroRow *row, TarnAvroCursor *object,
                          uint64_t number, uint64_t offset, TarnError *error) {
    TarnAvroJsonOptions options = {.logical = true};
    const TarnAvroSchema *schema = tarn_format_avro_reader_schema(slot->reader);
    tarn_base_buffer_clear(&slot->text);
    if (!tarn_format_avro_value_to_json(object, schema, &options, &slot->text, error)) {
        return false;
    }
    (void)add_reject(slot, row->column, row->reason, number, offset,
                     tarn_base_buffer_view(&slot->text));
    return true;
}

/* All objects of a block into the builders. False with error->code TARN_OK: nothing was left in
 * the builders and `why` says what is wrong with the block. */
static bool read_objects(AvroSlot *slot, TarnAvroBlock *block, TarnError *why) {
    TarnAvroRow row = {.arena = &slot->rejects.arena,
                       .text = &slot->text,
                       .refuse_extra_fields = slot->owner->refuse_extra_fields,
                       .drops = &slot->drops,
                       .error = why};
    for (uint64_t number = block->first + 1;; number++) {
        TarnAvroCursor *cursor;
        if (!tarn_format_avro_block_object(block, &cursor, why)) return false;
        if (cursor == NULL) return true;
        size_t length = slot->rows->length;
        TarnAvroCursor object = *cursor;
        row.cursor = cursor;
        if (tarn_source__avro_read_row(&row, slot->decoder, slot->builders)) {
            int64_t value = (int64_t)number;
            tarn_source__builder_fixed(slot->rows, &value, 8);
            tarn_source__drops_keep(&slot->drops);
            continue;
        }
        tarn_source__drops_forget(&slot->drops);
        if (row.reason == NULL) return false;
        truncate_all(slot, length);
        *cursor = object;
        if (!refuse_object(slot, &row, cursor, number, block->offset, why)) return false;
    }
}

static bool read_block(AvroSlot *slot, const AvroBlock *claimed, TarnError *error) {
    TarnAvroBlock block;
    TarnError why;
    bool more = false;
    if (claimed->damaged) {
        return refuse_stretch(slot, claimed, "no Avro block begins there", error);
    }
    size_t length = slot->rows->length;
    size_t rejects = slot->rejects.count;
    TarnDropState drops = slot->drops.sure;
    tarn_base_error_clear(&why);
    tarn_base_arena_reset(&slot->block);
    if (tarn_format_avro_reader_seek(slot->reader, claimed->offset, claimed->first, &why) &&
        tarn_format_avro_reader_block(slot->reader, &slot->block, &block, &more, &why) &&
        (!more || read_objects(slot, &block, &why))) {
        return true;
    }
    bool of_the_file = why.code == TARN_E_FORMAT_CORRUPT ||
                       why.code == TARN_E_FORMAT_UNSUPPORTED ||
                       why.code == TARN_E_LIMIT_EXCEEDED;
    if (!of_the_file) {
        *error = why;
        return false;
    }
    truncate_all(slot, length);
    slot->rejects.count = rejects;
    slot->drops.sure = drops;
    tarn_source__drops_forget(&slot->drops);
    return refuse_stretch(slot, claimed, why.message, error);
}

static bool avro_next(void *state, uint32_t slot_index, TarnBatch *batch, bool *more,
                      TarnError *error) {
    AvroFile *file = state;
    AvroSlot *slot = &file->slots[slot_index];
    uint64_t bytes = 0;
    AvroBlock block;
    tarn_source__rejects_clear(&slot->rejects);
    *more = false;
    while (bytes < BATCH_BYTES && slot->rejects.count < TARN_SOURCE_REJECTS_MAX) {
        bool another;
        if (!tarn_os_interrupt_check(error) || !claim(file, &block, &another, error)) return false;
        if (!another) break;
        if (!read_block(slot, &block, error)) return false;
        if (!*more) batch->piece = block.number;
        *more = true;
        bytes += block.next_offset - block.offset;
    }
    if (!*more) return true;
    if (slot->text.failed || !tarn_base_arena_check(&slot->rejects.arena, error)) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "out of memory while reading Avro");
    }
    batch->bytes = bytes;
    batch->rejects = slot->rejects.items;
    batch->reject_count = slot->rejects.count;
    return tarn_source__builders_export(slot->builders, file->column_count, slot->rows,
                                        &batch->array, error);
}

static const TarnDrops *avro_drops(void *state, uint32_t slot) {
    AvroFile *file = state;
    return slot < file->slot_count ? &file->slots[slot].drops : NULL;
}

static void avro_close(void *state) {
    AvroFile *file = state;
    for (uint32_t i = 0; file->slots != NULL && i < file->slot_count; i++) {
        AvroSlot *slot = &file->slots[i];
        tarn_format_avro_reader_close(slot->reader);
        tarn_os_file_discard(file->os, slot->file);
        tarn_base_arena_dispose(&slot->arena);
        tarn_base_arena_dispose(&slot->block);
        tarn_source__builders_free(slot->builders, file->column_count);
        tarn_source__builders_free(slot->rows, 1);
        tarn_base_arena_dispose(&slot->rejects.arena);
        tarn_base_buffer_dispose(&slot->text);
    }
    tarn_os_file_discard(file->os, file->file);
    tarn_base_arena_dispose(&file->arena);
    pthread_mutex_destroy(&file->lock);
    free(file->slots);
    free(file->path);
    free(file);
}

static const TarnReaderVtable avro_vtable = {
    .next = avro_next, .drops = avro_drops, .close = avro_close};

/* --- opening --- */

/* Passes over the header: where the first block begins, and the marker before it. */
static bool pass_header(TarnText start, uint64_t *end) {
    TarnError ignored;
    if (!tarn_base_text_starts(start, "Obj\x01")) return false;
    start = (TarnText){start.data + 4, start.size - 4};
    TarnAvroCursor cursor = tarn_format_avro_cursor(start, NULL);
    for (;;) {
        int64_t pairs;
        int64_t size;
        TarnText bytes;
        if (!tarn_format_avro_cursor_long(&cursor, &pairs, &ignored)) return false;
        if (pairs == 0) break;
        if (pairs < 0 && !tarn_format_avro_cursor_long(&cursor, &size, &ignored)) return false;
        if (pairs == INT64_MIN) return false;
        for (int64_t i = pairs < 0 ? -pairs : pairs; i > 0; i--) {
            if (!tarn_format_avro_cursor_bytes(&cursor, &bytes, &ignored) ||
                !tarn_format_avro_cursor_bytes(&cursor, &bytes, &ignored)) {
                return false;
            }
        }
    }
    *end = 4 + (uint64_t)(cursor.at - cursor.begin) + TARN_AVRO_SYNC_BYTES;
    return (size_t)(cursor.end - cursor.at) >= TARN_AVRO_SYNC_BYTES;
}

static bool find_first_block(AvroFile *file, TarnError *error) {
    for (size_t size = 64 * TARN_KIB;; size *= 4) {
        TarnArena arena;
        tarn_base_arena_init(&arena, 2 * TARN_LIMIT_AVRO_HEADER_BYTES);
        if (size > file->size) size = (size_t)file->size;
        if (size > TARN_LIMIT_AVRO_HEADER_BYTES) size = TARN_LIMIT_AVRO_HEADER_BYTES;
        char *data = tarn_base_arena_alloc(&arena, size > 0 ? size : 1);
        bool ok = tarn_base_arena_check(&arena, error) &&
                  read_at(file, file->file, 0, data, size, error);
        bool found = ok && pass_header((TarnText){data, size}, &file->offset);
        if (found) memcpy(file->sync, data + file->offset - sizeof(file->sync), 16);
        tarn_base_arena_dispose(&arena);
        if (!ok || found) return ok;
        if (size == file->size || size == TARN_LIMIT_AVRO_HEADER_BYTES) {
            return tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                                       "\"%s\" has no whole Avro header", file->path);
        }
    }
}

static bool slot_read(void *state, uint64_t offset, void *out, size_t size, TarnError *error) {
    AvroSlot *slot = state;
    return read_at(slot->owner, slot->file, offset, out, size, error);
}

static bool open_slot(AvroFile *file, AvroSlot *slot, const TarnColumn *columns,
                      TarnError *error) {
    TarnAvroSource source = {.state = slot, .size = file->size, .read = slot_read};
    slot->owner = file;
    tarn_base_arena_init(&slot->arena, 2 * TARN_LIMIT_AVRO_HEADER_BYTES);
    tarn_base_arena_init(&slot->block, 4 * TARN_LIMIT_AVRO_BLOCK_BYTES);
    tarn_base_arena_init(&slot->rejects.arena, TARN_LIMIT_STATEMENT_ARENA_BYTES);
    tarn_base_buffer_init(&slot->text, 2 * TARN_LIMIT_AVRO_BLOCK_BYTES);
    slot->builders = tarn_source__builders_new(columns, file->column_count);
    slot->rows = tarn_source__builders_new(&tarn_source__row_column, 1);
    if (slot->builders == NULL || slot->rows == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    return file->os->file_open(file->os, file->path, TARN_OS_READ, &slot->file, error) &&
           tarn_format_avro_reader_open_source(&source, file->path, &slot->arena, &slot->reader,
                                               error);
}

/* Each slot has a schema of its own, so each has a decoder of its own. */
static bool pair_columns(AvroFile *file, AvroSlot *slot, const TarnSourceOptions *options,
                         TarnError *error) {
    const TarnAvroSchema *schema = tarn_format_avro_reader_schema(slot->reader);
    const TarnColumn *absent = NULL;
    TarnAvroDecoder *decoder;
    if (schema->kind != TARN_AVRO_RECORD) {
        return tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                                   "\"%s\" holds Avro values that are no records", file->path);
    }
    bool ok = tarn_source__avro_decoder(schema, options->columns, options->column_count,
                                        options->missing_as_null, &slot->arena, &decoder, &absent,
                                        error);
    slot->decoder = decoder;
    if (ok || absent == NULL) return ok;
    tarn_base_error_set(error, TARN_E_SOURCE_UNREADABLE,
                        "\"%s\": wrong schema: the field \"%s\" is missing", file->path,
                        absent->origin != NULL ? absent->origin : absent->name);
    return false;
}

static bool open_file(AvroFile *file, const char *path, const TarnSourceOptions *options,
                      TarnError *error) {
    TarnOsStat stat;
    uint32_t count = options->slots > 0 ? options->slots : 1;
    file->path = strdup(path);
    file->slots = calloc(count, sizeof(*file->slots));
    if (file->path == NULL || file->slots == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    file->slot_count = count;
    if (!file->os->file_open(file->os, path, TARN_OS_READ, &file->file, error) ||
        !file->os->file_stat(file->os, file->file, &stat, error)) {
        return false;
    }
    file->size = stat.size;
    if (!find_first_block(file, error)) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!open_slot(file, &file->slots[i], options->columns, error) ||
            !pair_columns(file, &file->slots[i], options, error)) {
            return false;
        }
    }
    return true;
}

bool tarn_source__avro_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                            TarnSourceReader *out, TarnError *error) {
    if (options->compression != TARN_COMPRESSION_NONE) {
        tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                            "\"%s\" is Avro inside of another compression", path);
        return tarn_base_error_hint(error, "decompress it first: Avro compresses its own blocks");
    }
    AvroFile *file = calloc(1, sizeof(*file));
    if (file == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    file->os = os;
    file->refuse_extra_fields = options->refuse_extra_fields;
    file->column_count = options->column_count;
    pthread_mutex_init(&file->lock, NULL);
    if (!open_file(file, path, options, error)) {
        avro_close(file);
        return false;
    }
    out->vtable = &avro_vtable;
    out->state = file;
    return true;
}

bool tarn_source__avro_infer(const TarnOs *os, const char *path, TarnArena *arena,
                             TarnSourceGuess *guess, TarnError *error) {
    TarnSourceOptions options = {.slots = 1};
    TarnSourceReader reader;
    TarnAvroMapping mapping = {.file = NULL};
    if (!tarn_source__avro_open(os, path, &options, &reader, error)) return false;
    AvroFile *file = reader.state;
    const TarnAvroSchema *schema = tarn_format_avro_reader_schema(file->slots[0].reader);
    bool ok = tarn_source__avro_columns(schema, &mapping, arena, &guess->columns,
                                        &guess->column_count, error);
    /* Names that differ in case alone are different in Avro, and must not be in a table. */
    const char **origins = TARN_NEW_ARRAY(arena, guess->column_count + 1, const char *);
    for (size_t i = 0; ok && origins != NULL && i < guess->column_count; i++) {
        origins[i] = guess->columns[i].name;
    }
    const char **names = ok && origins != NULL
                             ? tarn_source__unique_names(origins, guess->column_count, arena)
                             : NULL;
    for (size_t i = 0; names != NULL && i < guess->column_count; i++) {
        guess->columns[i].origin = origins[i];
        guess->columns[i].name = names[i];
    }
    avro_close(file);
    return ok && tarn_base_arena_check(arena, error);
}
