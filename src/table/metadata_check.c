/* What must hold of a schema, a partition spec or a sort order before a table may have it, and
 * the small surgery on their JSON text that an assigned id needs.
 *
 * Read metadata is judged by metadata_read.c; these are the rules for what is new.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "table/metadata_private.h"
#include "table/schema_private.h"

/* ---- schemas ---- */

bool tarn_table__metadata_check_lineage(const TarnSchema *schema, int32_t format_version,
                                        TarnError *error) {
    static const char *const taken[] = {"_row_id", "_last_updated_sequence_number"};
    for (size_t i = 0; format_version >= 3 && i < 2 * schema->field_count; i++) {
        const char *name = schema->fields[i / 2].name;
        if (strcasecmp(name, taken[i % 2]) != 0) continue;
        tarn_base_error_set(error, TARN_E_SCHEMA_CHANGE_REFUSED,
                            "\"%s\" is a column that every table of format version 3 has", name);
        return tarn_base_error_hint(error, "give the column another name");
    }
    return true;
}

bool tarn_table__metadata_check_schema(const TarnSchema *schema, int32_t format_version,
                                       bool is_new_table, TarnError *error) {
    if (!tarn_table__metadata_check_lineage(schema, format_version, error)) return false;
    if (is_new_table) return tarn_table_schema_check_new(schema, format_version, error);
    for (size_t i = 0; i < schema->field_count; i++) {
        if (!tarn_table__version_check(&schema->fields[i], format_version, error)) return false;
    }
    return true;
}

/* ---- sources of partition and sort fields ---- */

/* A source is a column, or a field of structs; one in a list or map has no single value. */
static bool check_source(const TarnSchema *schema, int32_t source_id, TarnTransform transform,
                         const char *what, TarnError *error) {
    TarnPrimitive result;
    TarnFieldPlace place = tarn_table__field_by_id(schema, source_id);
    if (place.field == NULL) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s needs the column with id %" PRId32 ", which schema %" PRId32
                                   " does not have",
                                   what, source_id, schema->id);
    }
    if (place.in_collection || tarn_format_kind_is_nested(place.field->type.primitive.kind)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s is of \"%s\", which is no single value in each row", what,
                                   place.field->name);
    }
    if (tarn_table_transform_result(transform, place.field->type.primitive, &result)) return true;
    TarnBuffer name;
    tarn_base_buffer_init(&name, TARN_LIMIT_IDENTIFIER_BYTES);
    tarn_table_transform_write(transform, &name);
    tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                        "%s: the transform %.*s does not apply to \"%s\"", what,
                        TARN_TEXT_ARG(tarn_base_buffer_view(&name)), place.field->name);
    tarn_base_buffer_dispose(&name);
    return false;
}

static bool check_spec_source(const TarnPartitionField *field, const TarnSchema *schema,
                              TarnError *error) {
    char what[TARN_LIMIT_IDENTIFIER_BYTES + 24];
    if (field->transform.kind == TARN_TRANSFORM_VOID) return true; /* its column may be gone */
    snprintf(what, sizeof(what), "partition field \"%s\"", field->name);
    return check_source(schema, field->source_id, field->transform, what, error);
}

bool tarn_table__metadata_check_sources(const TarnPartitionSpec *spec, const TarnSchema *schema,
                                        TarnError *error) {
    for (size_t i = 0; i < spec->field_count; i++) {
        if (spec->fields[i].transform.kind == TARN_TRANSFORM_UNKNOWN) continue;
        if (!check_spec_source(&spec->fields[i], schema, error)) return false;
    }
    return true;
}

/* ---- partition specs ---- */

/* A partition field may carry a column's name only if it is that column's own value. */
static bool check_field_name(const TarnPartitionField *field, const TarnSchema *schema,
                             TarnError *error) {
    if (field->name == NULL || field->name[0] == '\0') {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "a partition field has no name");
    }
    for (size_t i = 0; i < schema->field_count; i++) {
        if (strcmp(schema->fields[i].name, field->name) != 0) continue;
        TarnTransformKind kind = field->transform.kind;
        if (kind == TARN_TRANSFORM_VOID) return true;
        if (kind == TARN_TRANSFORM_IDENTITY && schema->fields[i].id == field->source_id) {
            return true;
        }
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "the partition field \"%s\" has the name of a column",
                                   field->name);
    }
    return true;
}

bool tarn_table__metadata_check_spec(const TarnPartitionSpec *spec, const TarnSchema *schema,
                                     TarnError *error) {
    if (spec->field_count > TARN_LIMIT_COLUMNS) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a partition spec of %zu fields, the limit is %d",
                                   spec->field_count, TARN_LIMIT_COLUMNS);
    }
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnPartitionField *field = &spec->fields[i];
        if (!check_field_name(field, schema, error)) return false;
        for (size_t k = 0; k < i; k++) {
            const TarnPartitionField *other = &spec->fields[k];
            if (strcmp(other->name, field->name) == 0) {
                return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                           "two partition fields are named \"%s\"", field->name);
            }
            if (field->field_id > 0 && other->field_id == field->field_id) {
                return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                           "the partition fields \"%s\" and \"%s\" share the id "
                                           "%" PRId32,
                                           other->name, field->name, field->field_id);
            }
        }
        if (!check_spec_source(field, schema, error)) return false;
    }
    return true;
}

/* ---- sort orders ---- */

bool tarn_table__metadata_check_order(const TarnSortOrder *order, const TarnSchema *schema,
                                      TarnError *error) {
    char what[40];
    for (size_t i = 0; i < order->field_count; i++) {
        const TarnSortField *field = &order->fields[i];
        snprintf(what, sizeof(what), "sort field %zu", i + 1);
        if (field->transform.kind == TARN_TRANSFORM_VOID) continue;
        if (!check_source(schema, field->source_id, field->transform, what, error)) return false;
    }
    return true;
}

/* ---- JSON text ---- */

bool tarn_table__metadata_keep(TarnBuffer *buffer, TarnArena *arena, TarnText *text,
                               TarnError *error) {
    bool done = tarn_base_buffer_check(buffer, error);
    if (done) {
        char *copy = tarn_base_arena_string_n(arena, buffer->data, buffer->size);
        *text = (TarnText){copy, buffer->size};
        done = tarn_base_arena_check(arena, error);
    }
    tarn_base_buffer_dispose(buffer);
    return done;
}

/* In the metadata the object stands inside two others; it must not be deeper than what can be
 * read again. So it is parsed with two arrays around it. */
bool tarn_table__metadata_source_parse(TarnText source, TarnArena *arena, const TarnJson **object,
                                       TarnError *error) {
    TarnJson *outer = NULL;
    char *wrapped = tarn_base_arena_alloc(arena, source.size + 4);
    if (!tarn_base_arena_check(arena, error)) return false;
    memcpy(wrapped, "[[", 2);
    memcpy(wrapped + 2, source.data, source.size);
    memcpy(wrapped + 2 + source.size, "]]", 2);
    TarnText text = {wrapped, source.size + 4};
    if (!tarn_base_json_parse(text, NULL, arena, &outer, error)) return false;
    const TarnJson *inner = tarn_base_json_at(outer, 0);
    *object = inner != NULL && outer->count == 1 && inner->count == 1 ? inner->first : NULL;
    if (*object != NULL && (*object)->kind == TARN_JSON_OBJECT) return true;
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                               "a part of the metadata is no JSON "
                               "object");
}

bool tarn_table__metadata_source_with_id(TarnText source, const char *key, int32_t id,
                                         TarnArena *arena, TarnText *result, TarnError *error) {
    const TarnJson *object = NULL;
    int64_t stated;
    TarnBuffer text;
    TarnJsonWriter writer;
    if (!tarn_table__metadata_source_parse(source, arena, &object, error)) return false;
    *result = source;
    if (tarn_base_json_int64(tarn_base_json_member(object, key), &stated) && stated == id) {
        return true;
    }
    tarn_base_buffer_init(&text, TARN_LIMIT_METADATA_BYTES);
    tarn_base_json_writer_init(&writer, &text, 0);
    tarn_base_json_object_begin(&writer);
    tarn_base_json_key(&writer, key);
    tarn_base_json_put_int64(&writer, id);
    TARN_JSON_EACH(member, object) {
        if (tarn_base_text_is(member->key, key)) continue;
        tarn_base_json_key_text(&writer, member->key);
        tarn_base_json_put_raw(&writer, member->source);
    }
    tarn_base_json_object_end(&writer);
    return tarn_table__metadata_keep(&text, arena, result, error);
}
