/* Puffin files written: blobs one after the other, then a plain footer.
 *
 * A file is built in the caller's buffer, because the files are small: deletion vectors of one
 * commit, sketches of one table. What the footer will say is copied into the arena as blobs come.
 * The JSON has its members in the order of the specification and no spaces, which gives the same
 * bytes as Java's writer.
 */
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "base/json.h"
#include "base/limits.h"
#include "format/deletion_vector.h"
#include "format/puffin_private.h"

/* The reserved id of the column _pos, which positions are values of (Iceberg specification,
 * "Reserved Field IDs"). */
#define FIELD_ID_POS 2147483645

bool tarn_format_puffin_writer_begin(TarnPuffinWriter *writer, TarnArena *arena, TarnBuffer *out,
                                     TarnError *error) {
    *writer = (TarnPuffinWriter){.arena = arena, .out = out, .start = out->size};
    tarn_base_buffer_string(out, TARN_PUFFIN_MAGIC);
    return tarn_base_buffer_check(out, error);
}

static TarnText copy_text(TarnArena *arena, TarnText text) {
    return (TarnText){tarn_base_arena_string_n(arena, text.data, text.size), text.size};
}

/* Keeps what the footer will say of a blob. */
static bool remember(TarnPuffinWriter *writer, const TarnPuffinBlob *blob, TarnError *error) {
    TarnArena *arena = writer->arena;
    TarnPuffinProperty *properties = TARN_NEW_ARRAY(arena, blob->property_count,
                                                    TarnPuffinProperty);
    int32_t *fields = TARN_NEW_ARRAY(arena, blob->field_count, int32_t);
    TarnPuffinBlob *kept = TARN_PUSH(arena, &writer->blobs);
    if (properties == NULL || fields == NULL || kept == NULL) {
        return tarn_base_arena_check(arena, error);
    }
    *kept = *blob;
    kept->type = copy_text(arena, blob->type);
    kept->fields = fields;
    kept->properties = properties;
    for (size_t i = 0; i < blob->field_count; i++) fields[i] = blob->fields[i];
    for (size_t i = 0; i < blob->property_count; i++) {
        properties[i].key = copy_text(arena, blob->properties[i].key);
        properties[i].value = copy_text(arena, blob->properties[i].value);
    }
    return tarn_base_arena_check(arena, error);
}

static bool append_zstd(TarnBuffer *out, TarnText data, TarnError *error) {
    size_t bound = ZSTD_compressBound(data.size);
    if (!tarn_base_buffer_reserve(out, bound)) return tarn_base_buffer_check(out, error);
    size_t size = ZSTD_compress(out->data + out->size, bound, data.data, data.size,
                                ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(size)) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not compress a blob of %zu bytes: %s", data.size,
                                   ZSTD_getErrorName(size));
    }
    out->size += size;
    return true;
}

bool tarn_format_puffin_writer_add(TarnPuffinWriter *writer, TarnText data, TarnPuffinBlob *blob,
                                   TarnError *error) {
    TarnBuffer *out = writer->out;
    size_t before = out->size;
    if (blob->codec == TARN_PUFFIN_NONE) {
        tarn_base_buffer_text(out, data);
    } else if (blob->codec != TARN_PUFFIN_ZSTD) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "Puffin blobs are written plain or with zstd");
    } else if (!append_zstd(out, data, error)) {
        return false;
    }
    if (!tarn_base_buffer_check(out, error)) return false;
    blob->codec_name = blob->codec == TARN_PUFFIN_ZSTD ? TARN_TEXT("zstd") : TARN_TEXT("");
    blob->offset = before - writer->start;
    blob->length = out->size - before;
    return remember(writer, blob, error);
}

bool tarn_format_puffin_writer_add_deletion_vector(TarnPuffinWriter *writer,
                                                   const TarnRoaring *positions,
                                                   TarnText referenced_data_file, uint64_t *offset,
                                                   uint64_t *length, TarnError *error) {
    static const int32_t fields[] = {FIELD_ID_POS};
    char digits[TARN_TEXT_UINT64_BYTES];
    uint64_t cardinality = tarn_format_roaring_cardinality(positions);
    size_t digit_count = tarn_base_text_put_uint64(cardinality, 1, digits);
    const TarnPuffinProperty properties[] = {
        {TARN_TEXT("referenced-data-file"), referenced_data_file},
        {TARN_TEXT("cardinality"), {digits, digit_count}},
    };
    /* JSON would show another name than the manifest's. */
    if (tarn_base_text_utf8_valid(referenced_data_file) != referenced_data_file.size) {
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                                   "cannot write a deletion vector of \"%.*s\": the name is not "
                                   "UTF-8",
                                   TARN_TEXT_ARG(referenced_data_file));
    }
    size_t before = writer->out->size;
    if (!tarn_format_deletion_vector_write(positions, writer->out, error)) return false;
    TarnPuffinBlob blob = {
        .type = TARN_TEXT(TARN_PUFFIN_DELETION_VECTOR),
        .fields = fields,
        .field_count = 1,
        .snapshot_id = -1,
        .sequence_number = -1,
        .offset = before - writer->start,
        .length = writer->out->size - before,
        .properties = properties,
        .property_count = 2,
    };
    *offset = blob.offset;
    *length = blob.length;
    return remember(writer, &blob, error);
}

/* ---- the footer ---- */

static void put_properties(TarnJsonWriter *json, const TarnPuffinProperty *properties,
                           size_t count) {
    if (count == 0) return;
    tarn_base_json_key(json, "properties");
    tarn_base_json_object_begin(json);
    for (size_t i = 0; i < count; i++) {
        tarn_base_json_key_text(json, properties[i].key);
        tarn_base_json_put_text(json, properties[i].value);
    }
    tarn_base_json_object_end(json);
}

static void put_blob(TarnJsonWriter *json, const TarnPuffinBlob *blob) {
    tarn_base_json_object_begin(json);
    tarn_base_json_key(json, "type");
    tarn_base_json_put_text(json, blob->type);
    tarn_base_json_key(json, "fields");
    tarn_base_json_array_begin(json);
    for (size_t i = 0; i < blob->field_count; i++) tarn_base_json_put_int64(json, blob->fields[i]);
    tarn_base_json_array_end(json);
    tarn_base_json_key(json, "snapshot-id");
    tarn_base_json_put_int64(json, blob->snapshot_id);
    tarn_base_json_key(json, "sequence-number");
    tarn_base_json_put_int64(json, blob->sequence_number);
    tarn_base_json_key(json, "offset");
    tarn_base_json_put_int64(json, (int64_t)blob->offset);
    tarn_base_json_key(json, "length");
    tarn_base_json_put_int64(json, (int64_t)blob->length);
    if (blob->codec_name.size > 0) {
        tarn_base_json_key(json, "compression-codec");
        tarn_base_json_put_text(json, blob->codec_name);
    }
    put_properties(json, blob->properties, blob->property_count);
    tarn_base_json_object_end(json);
}

bool tarn_format_puffin_writer_finish(TarnPuffinWriter *writer, TarnText created_by,
                                      TarnError *error) {
    TarnBuffer *out = writer->out;
    const TarnPuffinProperty property = {TARN_TEXT("created-by"), created_by};
    TarnJsonWriter json;
    tarn_base_buffer_string(out, TARN_PUFFIN_MAGIC);
    size_t before = out->size;
    tarn_base_json_writer_init(&json, out, 0);
    tarn_base_json_object_begin(&json);
    tarn_base_json_key(&json, "blobs");
    tarn_base_json_array_begin(&json);
    for (size_t i = 0; i < writer->blobs.count; i++) put_blob(&json, &writer->blobs.items[i]);
    tarn_base_json_array_end(&json);
    put_properties(&json, &property, created_by.size > 0 ? 1 : 0);
    tarn_base_json_object_end(&json);
    size_t size = out->size - before;
    if (size > TARN_LIMIT_PUFFIN_FOOTER_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a Puffin footer of %zu bytes, the limit is %zu", size,
                                   TARN_LIMIT_PUFFIN_FOOTER_BYTES);
    }
    const unsigned char tail[8] = {(unsigned char)size, (unsigned char)(size >> 8),
                                   (unsigned char)(size >> 16), (unsigned char)(size >> 24)};
    tarn_base_buffer_append(out, tail, sizeof(tail));
    tarn_base_buffer_string(out, TARN_PUFFIN_MAGIC);
    return tarn_base_buffer_check(out, error);
}
