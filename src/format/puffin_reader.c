/* Footers of Puffin files, and blobs.
 *
 * The footer lies at the end and says where the blobs are; the end says how long the footer is.
 * What the JSON says is checked before anybody follows it: each blob lies between the first magic
 * and the footer. Types, properties and codecs that nobody here knows are kept as texts, since a
 * reader of one blob has no quarrel with the others; what is of the wrong kind is refused.
 * Properties should be strings; numbers are taken as the text they are.
 */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "format/puffin_private.h"

/* One range for the footers of most files: a blob of metadata is about 300 bytes. */
#define FIRST_RANGE_BYTES (64 * TARN_KIB)
#define FLAG_FOOTER_COMPRESSED 1u

typedef struct Reader {
    const char *name;
    uint64_t blobs_end; /* where the footer begins in the file */
    TarnArena *arena;
    TarnError *error;
} Reader;

static bool refuse(const Reader *reader, const char *what) {
    return tarn_base_error_set(reader->error, TARN_E_FORMAT_CORRUPT,
                               "cannot read the Puffin file \"%s\": %s", reader->name, what);
}

/* ---- the end of the file ---- */

static uint32_t get_uint32(const char *data) {
    const unsigned char *bytes = (const unsigned char *)data;
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool is_magic(const char *data) {
    return memcmp(data, TARN_PUFFIN_MAGIC, TARN_PUFFIN_MAGIC_BYTES) == 0;
}

bool tarn_format_puffin_footer_size(TarnText tail, uint64_t file_size, const char *name,
                                    uint64_t *size, TarnError *error) {
    const uint64_t around = TARN_PUFFIN_MAGIC_BYTES + TARN_PUFFIN_TAIL_BYTES;
    Reader reader = {.name = name, .error = error};
    if (tail.size < TARN_PUFFIN_TAIL_BYTES || file_size < TARN_PUFFIN_MAGIC_BYTES + around) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "\"%s\" is not a Puffin file: it has %" PRIu64 " bytes", name,
                                   file_size);
    }
    const char *last = tail.data + tail.size - TARN_PUFFIN_TAIL_BYTES;
    if (!is_magic(last + 8)) {
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "\"%s\" is not a Puffin file, or it is cut short: it does not "
                                   "end with %s",
                                   name, TARN_PUFFIN_MAGIC);
    }
    uint32_t payload = get_uint32(last);
    if (payload > file_size - TARN_PUFFIN_MAGIC_BYTES - around) {
        return refuse(&reader, "its footer says it is larger than the file");
    }
    if (payload > TARN_LIMIT_PUFFIN_FOOTER_BYTES) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "the footer of the Puffin file \"%s\" has %" PRIu32
                                   " bytes, the limit is %zu",
                                   name, payload, TARN_LIMIT_PUFFIN_FOOTER_BYTES);
    }
    *size = payload + around;
    return true;
}

/* ---- the JSON ---- */

static const char *const wrong_blob = "a blob of its footer lacks a required field or has one of "
                                      "a wrong type";

static bool read_properties(const Reader *reader, const TarnJson *object,
                            const TarnPuffinProperty **properties, size_t *count) {
    if (object == NULL || object->kind == TARN_JSON_NULL) return true;
    if (object->kind != TARN_JSON_OBJECT) return refuse(reader, "properties are no JSON object");
    TarnPuffinProperty *items = TARN_NEW_ARRAY(reader->arena, object->count, TarnPuffinProperty);
    if (items == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    *properties = items;
    *count = object->count;
    TARN_JSON_EACH(member, object) {
        if (member->kind != TARN_JSON_STRING && member->kind != TARN_JSON_NUMBER) {
            return refuse(reader, "a property is no JSON string");
        }
        *items++ = (TarnPuffinProperty){member->key, member->text};
    }
    return true;
}

static bool read_fields(const Reader *reader, const TarnJson *array, TarnPuffinBlob *blob) {
    if (array == NULL || array->kind != TARN_JSON_ARRAY) return refuse(reader, wrong_blob);
    int32_t *fields = TARN_NEW_ARRAY(reader->arena, array->count, int32_t);
    if (fields == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    blob->fields = fields;
    blob->field_count = array->count;
    TARN_JSON_EACH(item, array) {
        int64_t id = 0;
        if (!tarn_base_json_int64(item, &id) || id < INT32_MIN || id > INT32_MAX) {
            return refuse(reader, wrong_blob);
        }
        *fields++ = (int32_t)id;
    }
    return true;
}

static bool read_codec(const Reader *reader, const TarnJson *codec, TarnPuffinBlob *blob) {
    blob->codec = TARN_PUFFIN_NONE;
    if (codec == NULL || codec->kind == TARN_JSON_NULL) return true;
    if (!tarn_base_json_text(codec, &blob->codec_name)) return refuse(reader, wrong_blob);
    blob->codec = TARN_PUFFIN_UNKNOWN;
    if (tarn_base_text_is(blob->codec_name, "lz4")) blob->codec = TARN_PUFFIN_LZ4;
    if (tarn_base_text_is(blob->codec_name, "zstd")) blob->codec = TARN_PUFFIN_ZSTD;
    return true;
}

static bool read_blob(const Reader *reader, const TarnJson *object, TarnPuffinBlob *blob) {
    int64_t offset = 0;
    int64_t length = 0;
    if (!tarn_base_json_text(tarn_base_json_member(object, "type"), &blob->type) ||
        !tarn_base_json_int64(tarn_base_json_member(object, "snapshot-id"), &blob->snapshot_id) ||
        !tarn_base_json_int64(tarn_base_json_member(object, "sequence-number"),
                              &blob->sequence_number) ||
        !tarn_base_json_int64(tarn_base_json_member(object, "offset"), &offset) ||
        !tarn_base_json_int64(tarn_base_json_member(object, "length"), &length)) {
        return refuse(reader, wrong_blob);
    }
    if (offset < TARN_PUFFIN_MAGIC_BYTES || length < 0 || (uint64_t)offset > reader->blobs_end ||
        (uint64_t)length > reader->blobs_end - (uint64_t)offset) {
        return tarn_base_error_set(reader->error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read the Puffin file \"%s\": a blob of %" PRId64
                                   " bytes at %" PRId64 " is not between its beginning and its "
                                   "footer",
                                   reader->name, length, offset);
    }
    blob->offset = (uint64_t)offset;
    blob->length = (uint64_t)length;
    return read_fields(reader, tarn_base_json_member(object, "fields"), blob) &&
           read_codec(reader, tarn_base_json_member(object, "compression-codec"), blob) &&
           read_properties(reader, tarn_base_json_member(object, "properties"), &blob->properties,
                           &blob->property_count);
}

static bool read_json(const Reader *reader, TarnText text, TarnPuffinFooter *footer) {
    TarnJson *root = NULL;
    if (!tarn_base_json_parse(text, NULL, reader->arena, &root, reader->error)) {
        if (reader->error->code != TARN_E_JSON_SYNTAX) return false;
        return refuse(reader, "its footer is not JSON");
    }
    const TarnJson *blobs = tarn_base_json_member(root, "blobs");
    if (blobs == NULL || blobs->kind != TARN_JSON_ARRAY) {
        return refuse(reader, "its footer has no list of blobs");
    }
    footer->blobs = TARN_NEW_ARRAY(reader->arena, blobs->count, TarnPuffinBlob);
    if (footer->blobs == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    TARN_JSON_EACH(blob, blobs) {
        if (!read_blob(reader, blob, &footer->blobs[footer->blob_count++])) return false;
    }
    return read_properties(reader, tarn_base_json_member(root, "properties"), &footer->properties,
                           &footer->property_count);
}

/* ---- footers ---- */

bool tarn_format_puffin_footer_parse(TarnText tail, uint64_t file_size, const char *name,
                                     TarnArena *arena, TarnPuffinFooter **footer,
                                     TarnError *error) {
    uint64_t size = 0;
    *footer = NULL;
    if (!tarn_format_puffin_footer_size(tail, file_size, name, &size, error)) return false;
    if (size > tail.size) {
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "the footer of the Puffin file \"%s\" takes %" PRIu64
                                   " bytes, %zu were read",
                                   name, size, tail.size);
    }
    const char *start = tail.data + (tail.size - (size_t)size);
    const char *flags = tail.data + tail.size - 8;
    Reader reader = {.name = name, .blobs_end = file_size - size, .arena = arena, .error = error};
    if (!is_magic(start)) return refuse(&reader, "its footer does not begin with PFA1");
    if (tail.size == file_size && !is_magic(tail.data)) {
        return refuse(&reader, "it does not begin with PFA1");
    }
    if ((get_uint32(flags) & ~FLAG_FOOTER_COMPRESSED) != 0) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "cannot read the Puffin file \"%s\": its footer has unknown "
                                   "flags, 0x%08" PRIx32,
                                   name, get_uint32(flags));
    }
    TarnText payload = {start + TARN_PUFFIN_MAGIC_BYTES,
                        (size_t)size - TARN_PUFFIN_MAGIC_BYTES - TARN_PUFFIN_TAIL_BYTES};
    if ((get_uint32(flags) & FLAG_FOOTER_COMPRESSED) != 0 &&
        !tarn_format__puffin_inflate(TARN_PUFFIN_LZ4, payload, TARN_LIMIT_PUFFIN_FOOTER_BYTES, name,
                                     "the footer", arena, &payload, error)) {
        return false;
    }
    TarnPuffinFooter *result = TARN_NEW(arena, TarnPuffinFooter);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (!read_json(&reader, payload, result)) return false;
    *footer = result;
    return true;
}

bool tarn_format_puffin_footer_read(TarnPuffinRange range, void *context, uint64_t file_size,
                                    const char *name, TarnArena *arena, TarnPuffinFooter **footer,
                                    TarnError *error) {
    *footer = NULL;
    TarnText tail = {"", 0};
    size_t first = file_size < FIRST_RANGE_BYTES ? (size_t)file_size : FIRST_RANGE_BYTES;
    uint64_t size = 0;
    if (first > 0 && !range(context, file_size - first, first, arena, &tail, error)) return false;
    if (!tarn_format_puffin_footer_size(tail, file_size, name, &size, error)) return false;
    if (size > tail.size && !range(context, file_size - size, (size_t)size, arena, &tail, error)) {
        return false;
    }
    return tarn_format_puffin_footer_parse(tail, file_size, name, arena, footer, error);
}

/* ---- blobs ---- */

bool tarn_format_puffin_blob_decode(const TarnPuffinBlob *blob, TarnText stored, const char *name,
                                    TarnArena *arena, TarnText *data, TarnError *error) {
    if (stored.size != blob->length) {
        return tarn_base_error_set(error, TARN_E_INTERNAL,
                                   "a blob of the Puffin file \"%s\" takes %" PRIu64
                                   " bytes, %zu were read",
                                   name, blob->length, stored.size);
    }
    switch (blob->codec) {
    case TARN_PUFFIN_NONE: *data = stored; return true;
    case TARN_PUFFIN_UNKNOWN:
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "cannot read a blob of the Puffin file \"%s\": unknown "
                                   "compression \"%.*s\"",
                                   name, TARN_TEXT_ARG(blob->codec_name));
    case TARN_PUFFIN_LZ4:
    case TARN_PUFFIN_ZSTD: break;
    }
    return tarn_format__puffin_inflate(blob->codec, stored, TARN_LIMIT_PUFFIN_BLOB_BYTES, name,
                                       "a blob", arena, data, error);
}

TarnText tarn_format_puffin_property(const TarnPuffinProperty *properties, size_t count,
                                     const char *key) {
    for (size_t i = 0; i < count; i++) {
        if (tarn_base_text_is(properties[i].key, key)) return properties[i].value;
    }
    return (TarnText){NULL, 0};
}
