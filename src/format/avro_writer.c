/* Writing Avro object containers.
 *
 * Objects are encoded into one open block; at block_bytes it is compressed and appended with its
 * count, size and sync marker. The header keeps the order of the metadata it is given, because
 * readers of manifests look at those keys. Values are encoded by plain functions on a buffer, so
 * that a single message can be written with them too.
 *
 * It does not check that what is encoded fits the schema.
 */
#include <assert.h>

#include "format/avro_private.h"

#define MAGIC TARN_TEXT("Obj\x01")
#define DEFAULT_BLOCK_BYTES (64 * TARN_KIB)

static const char *codec_name(TarnAvroCodec codec) {
    switch (codec) {
    case TARN_AVRO_CODEC_DEFLATE: return "deflate";
    case TARN_AVRO_CODEC_SNAPPY: return "snappy";
    case TARN_AVRO_CODEC_ZSTANDARD: return "zstandard";
    case TARN_AVRO_CODEC_NULL: break;
    }
    return "null";
}

/* ---- Values -------------------------------------------------------------------------------- */

void tarn_format_avro_put_boolean(TarnBuffer *out, bool value) {
    tarn_base_buffer_byte(out, value ? 1 : 0);
}

void tarn_format_avro_put_long(TarnBuffer *out, int64_t value) {
    unsigned char bytes[TARN_AVRO_VARINT_BYTES];
    size_t size = 0;
    uint64_t rest = (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
    for (; rest >= 0x80; rest >>= 7) bytes[size++] = (unsigned char)(rest | 0x80);
    bytes[size++] = (unsigned char)rest;
    tarn_base_buffer_append(out, bytes, size);
}

void tarn_format_avro_put_float(TarnBuffer *out, float value) {
    uint32_t bits;
    unsigned char bytes[sizeof(bits)];
    memcpy(&bits, &value, sizeof(bits));
    for (size_t i = 0; i < sizeof(bits); i++) bytes[i] = (unsigned char)(bits >> 8 * i);
    tarn_base_buffer_append(out, bytes, sizeof(bytes));
}

void tarn_format_avro_put_double(TarnBuffer *out, double value) {
    uint64_t bits;
    unsigned char bytes[sizeof(bits)];
    memcpy(&bits, &value, sizeof(bits));
    for (size_t i = 0; i < sizeof(bits); i++) bytes[i] = (unsigned char)(bits >> 8 * i);
    tarn_base_buffer_append(out, bytes, sizeof(bytes));
}

void tarn_format_avro_put_bytes(TarnBuffer *out, TarnText value) {
    tarn_format_avro_put_long(out, (int64_t)value.size);
    tarn_base_buffer_text(out, value);
}

void tarn_format_avro_put_fixed(TarnBuffer *out, TarnText value) {
    tarn_base_buffer_text(out, value);
}

void tarn_format_avro_put_branch(TarnBuffer *out, size_t index) {
    tarn_format_avro_put_long(out, (int64_t)index);
}

void tarn_format_avro_put_items_begin(TarnBuffer *out, size_t count) {
    /* A run of none would read as the end. */
    if (count > 0) tarn_format_avro_put_long(out, (int64_t)count);
}

void tarn_format_avro_put_items_end(TarnBuffer *out) { tarn_format_avro_put_long(out, 0); }

/* ---- The container ------------------------------------------------------------------------- */

static void put_pair(TarnBuffer *out, TarnText key, TarnText value) {
    tarn_format_avro_put_bytes(out, key);
    tarn_format_avro_put_bytes(out, value);
}

static bool fail_memory(const TarnAvroWriter *writer, TarnError *error) {
    if (writer->out->failed) return tarn_base_buffer_check(writer->out, error);
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                               "could not write an Avro block: out of memory");
}

bool tarn_format_avro_writer_begin(TarnAvroWriter *writer, const TarnAvroWriterOptions *options,
                                   TarnBuffer *out, TarnError *error) {
    *writer = (TarnAvroWriter){.out = out, .codec = options->codec};
    for (size_t i = 0; i < options->metadata_count; i++) {
        TarnText key = options->metadata[i].key;
        if (!tarn_base_text_starts(key, "avro.")) continue;
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "the Avro header key \"%.*s\" belongs to the format",
                                   TARN_TEXT_ARG(key));
    }
    writer->block_bytes = options->block_bytes > 0 ? options->block_bytes : DEFAULT_BLOCK_BYTES;
    memcpy(writer->sync_marker, options->sync_marker, TARN_AVRO_SYNC_BYTES);
    tarn_base_buffer_init(&writer->block, TARN_LIMIT_AVRO_BLOCK_BYTES);
    /* What does not compress grows a little. */
    tarn_base_buffer_init(&writer->stored,
                          TARN_LIMIT_AVRO_BLOCK_BYTES + TARN_LIMIT_AVRO_BLOCK_BYTES / 4);
    writer->codec_state = tarn_format__avro_deflater_new();
    if (writer->codec_state == NULL) return fail_memory(writer, error);
    tarn_base_buffer_text(out, MAGIC);
    tarn_format_avro_put_items_begin(out, 2 + options->metadata_count);
    put_pair(out, TARN_TEXT("avro.schema"), options->schema);
    put_pair(out, TARN_TEXT("avro.codec"), tarn_base_text(codec_name(options->codec)));
    for (size_t i = 0; i < options->metadata_count; i++) {
        put_pair(out, options->metadata[i].key, options->metadata[i].value);
    }
    tarn_format_avro_put_items_end(out);
    tarn_base_buffer_append(out, writer->sync_marker, TARN_AVRO_SYNC_BYTES);
    return tarn_base_buffer_check(out, error);
}

static bool flush_block(TarnAvroWriter *writer, TarnError *error) {
    if (writer->objects == 0) return true;
    if (!tarn_format__avro_deflate(writer->codec_state, writer->codec,
                                   tarn_base_buffer_view(&writer->block), &writer->stored)) {
        return fail_memory(writer, error);
    }
    tarn_format_avro_put_long(writer->out, (int64_t)writer->objects);
    tarn_format_avro_put_bytes(writer->out, tarn_base_buffer_view(&writer->stored));
    tarn_base_buffer_append(writer->out, writer->sync_marker, TARN_AVRO_SYNC_BYTES);
    tarn_base_buffer_clear(&writer->block);
    writer->objects = 0;
    writer->complete = 0;
    return tarn_base_buffer_check(writer->out, error);
}

bool tarn_format_avro_writer_object_end(TarnAvroWriter *writer, TarnError *error) {
    if (writer->block.out_of_memory) return tarn_base_buffer_check(&writer->block, error);
    if (writer->block.failed) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "could not write an Avro object: a block cannot hold more "
                                   "than %zu MB",
                                   TARN_LIMIT_AVRO_BLOCK_BYTES / TARN_MIB);
    }
    writer->objects++;
    writer->total++;
    writer->complete = writer->block.size;
    return writer->block.size < writer->block_bytes || flush_block(writer, error);
}

void tarn_format_avro_writer_object_cancel(TarnAvroWriter *writer) {
    writer->block.failed = writer->block.out_of_memory = false;
    writer->block.size = writer->complete;
}

bool tarn_format_avro_writer_finish(TarnAvroWriter *writer, TarnError *error) {
    assert(writer->block.size == writer->complete);
    return flush_block(writer, error);
}

void tarn_format_avro_writer_dispose(TarnAvroWriter *writer) {
    tarn_format__avro_deflater_free(writer->codec_state);
    writer->codec_state = NULL;
    tarn_base_buffer_dispose(&writer->block);
    tarn_base_buffer_dispose(&writer->stored);
}
