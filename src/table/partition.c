/* Partition specs: JSON, building a new one, types and paths.
 *
 * A spec that was read is written back from its source span. Reading accepts what foreign writers
 * left: no field ids (version 1 counts from 1000), unknown transforms, sources that were dropped
 * since. Building is strict, and reuses the ids of equal fields in older specs, because the id is
 * what ties a value in a manifest to its meaning. The user's spelling of partition fields is
 * parsed in partition_parse.c.
 */
#include "table/partition.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "table/partition_private.h"
#include "table/schema_private.h"

/* ---- JSON ---- */

bool tarn_table__transform_from_json(const TarnJson *object, const char *what, TarnArena *arena,
                                     TarnTransform *transform, int32_t *source_id,
                                     TarnError *error) {
    TarnText text;
    if (!tarn_base_json_text(tarn_base_json_member(object, "transform"), &text)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "%s has no transform", what);
    }
    if (!tarn_table_transform_parse(text, transform)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s has the transform \"%.*s\", which is malformed", what,
                                   (int)(text.size < 100 ? text.size : 100), text.data);
    }
    const TarnJson *source = tarn_base_json_member(object, "source-id");
    const TarnJson *several = tarn_base_json_member(object, "source-ids");
    if (source == NULL && several != NULL && several->kind == TARN_JSON_ARRAY) {
        source = several->first;
        if (several->count > 1) *transform = (TarnTransform){TARN_TRANSFORM_UNKNOWN, 0, text};
    }
    if (transform->kind == TARN_TRANSFORM_UNKNOWN) {
        transform->text.data = tarn_base_text_string(arena, text);
        if (transform->text.data == NULL) return tarn_base_arena_check(arena, error);
    }
    int64_t id;
    if (!tarn_base_json_int64(source, &id) || id < 0 || id > INT32_MAX) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s has no source-id that is a field id", what);
    }
    *source_id = (int32_t)id;
    return true;
}

void tarn_table__transform_to_json(TarnTransform transform, TarnJsonWriter *out) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, out->out->limit);
    tarn_table_transform_write(transform, &text);
    tarn_base_json_put_text(out, tarn_base_buffer_view(&text));
    tarn_base_buffer_inherit(out->out, &text);
    tarn_base_buffer_dispose(&text);
}

static bool read_field(const TarnJson *json, size_t index, TarnArena *arena,
                       TarnPartitionField *field, TarnError *error) {
    char what[64];
    snprintf(what, sizeof(what), "partition field %zu", index + 1);
    if (json->kind != TARN_JSON_OBJECT) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "%s is not an object", what);
    }
    field->name = tarn_base_json_string(tarn_base_json_member(json, "name"), arena);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (field->name == NULL || field->name[0] == '\0') {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "%s has no name", what);
    }
    const TarnJson *member = tarn_base_json_member(json, "field-id");
    int64_t id = TARN_PARTITION_FIRST_FIELD_ID + (int64_t)index;
    if (member != NULL && (!tarn_base_json_int64(member, &id) || id < 0 || id > INT32_MAX)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s (\"%.100s\") has a field-id that is none", what,
                                   field->name);
    }
    field->field_id = (int32_t)id;
    return tarn_table__transform_from_json(json, what, arena, &field->transform, &field->source_id,
                                           error);
}

static bool check_distinct(const TarnPartitionSpec *spec, TarnError *error) {
    for (size_t i = 0; i < spec->field_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const TarnPartitionField *a = &spec->fields[j];
            const TarnPartitionField *b = &spec->fields[i];
            if (a->field_id != b->field_id && strcmp(a->name, b->name) != 0) continue;
            return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                       "partition fields \"%.100s\" (id %" PRId32
                                       ") and \"%.100s\" "
                                       "(id %" PRId32 ") share a name or an id",
                                       a->name, a->field_id, b->name, b->field_id);
        }
    }
    return true;
}

#define FIELDS_MAX 1000 /* of one spec: each value of each is in every manifest entry */

static bool read_fields(const TarnJson *array, TarnArena *arena, TarnPartitionSpec *spec,
                        TarnError *error) {
    if (array == NULL || array->kind != TARN_JSON_ARRAY) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "a partition spec has no list of fields");
    }
    if (array->count > FIELDS_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "a partition spec has %" PRIu32 " fields, and %d is the limit",
                                   array->count, FIELDS_MAX);
    }
    spec->fields = TARN_NEW_ARRAY(arena, array->count, TarnPartitionField);
    if (!tarn_base_arena_check(arena, error)) return false;
    TARN_JSON_EACH(child, array) {
        size_t index = spec->field_count++;
        if (!read_field(child, index, arena, &spec->fields[index], error)) return false;
    }
    return check_distinct(spec, error);
}

bool tarn_table_partition_fields_from_json(const TarnJson *json, int32_t spec_id, TarnArena *arena,
                                           TarnPartitionSpec *spec, TarnError *error) {
    *spec = (TarnPartitionSpec){.id = spec_id};
    const TarnJson *array = json != NULL && json->kind == TARN_JSON_OBJECT
                                ? tarn_base_json_member(json, "fields")
                                : json;
    return read_fields(array, arena, spec, error);
}

bool tarn_table_partition_spec_from_json(const TarnJson *json, TarnArena *arena,
                                         TarnPartitionSpec *spec, TarnError *error) {
    *spec = (TarnPartitionSpec){0};
    int64_t id;
    if (!tarn_base_json_int64(tarn_base_json_member(json, "spec-id"), &id) || id < 0 ||
        id > INT32_MAX) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "a partition spec has no spec-id that is an id");
    }
    spec->id = (int32_t)id;
    if (!read_fields(tarn_base_json_member(json, "fields"), arena, spec, error)) return false;
    spec->source = json->source;
    return true;
}

void tarn_table_partition_fields_to_json(const TarnPartitionSpec *spec, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnPartitionField *field = &spec->fields[i];
        tarn_base_json_object_begin(out);
        tarn_base_json_key(out, "name");
        tarn_base_json_put_string(out, field->name);
        tarn_base_json_key(out, "transform");
        tarn_table__transform_to_json(field->transform, out);
        tarn_base_json_key(out, "source-id");
        tarn_base_json_put_int64(out, field->source_id);
        tarn_base_json_key(out, "field-id");
        tarn_base_json_put_int64(out, field->field_id);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
}

void tarn_table_partition_spec_to_json(const TarnPartitionSpec *spec, TarnJsonWriter *out) {
    if (spec->source.size > 0) {
        tarn_base_json_put_raw(out, spec->source);
        return;
    }
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "spec-id");
    tarn_base_json_put_int64(out, spec->id);
    tarn_base_json_key(out, "fields");
    tarn_table_partition_fields_to_json(spec, out);
    tarn_base_json_object_end(out);
}

/* ---- building ---- */

static bool is_time(TarnTransformKind kind) {
    return kind >= TARN_TRANSFORM_YEAR && kind <= TARN_TRANSFORM_HOUR;
}

static bool check_field(const TarnSchema *schema, const TarnPartitionField *field,
                        TarnError *error) {
    TarnFieldPlace place = tarn_table__field_by_id(schema, field->source_id);
    TarnPrimitive result;
    if (place.field == NULL) {
        return tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                   "partition field \"%.100s\": no column has the id %" PRId32,
                                   field->name, field->source_id);
    }
    if (place.in_collection) {
        tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                            "cannot partition by \"%.100s\": it is in a list or map",
                            place.field->name);
        return tarn_base_error_hint(error, "partition by a column with one value a row");
    }
    if (field->transform.kind == TARN_TRANSFORM_UNKNOWN) {
        return tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                   "cannot write with the unknown transform \"%.*s\"",
                                   TARN_TEXT_ARG(field->transform.text));
    }
    if (tarn_table_transform_result(field->transform, place.field->type.primitive, &result)) {
        return true;
    }
    char name[TARN_TABLE_TYPE_NAME_BYTES];
    return tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                               "partition field \"%.100s\": its transform does not apply to the "
                               "type %s of column \"%.100s\"",
                               field->name, tarn_table__type_name(&place.field->type, name),
                               place.field->name);
}

/* A name may be a column's only if the field is that column's identity. */
static bool check_names(const TarnSchema *schema, const TarnPartitionField *field,
                        TarnError *error) {
    if (!tarn_table__name_check(field->name, error)) return false;
    const TarnField *column = tarn_table__field_named(schema->fields, schema->field_count,
                                                      field->name, NULL);
    bool own = column != NULL && column->id == field->source_id &&
               (field->transform.kind == TARN_TRANSFORM_IDENTITY ||
                field->transform.kind == TARN_TRANSFORM_VOID);
    if (column == NULL || own) return true;
    tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                        "the partition field's name \"%.100s\" is a column's", field->name);
    return tarn_base_error_hint(error, "give it another: \"day(ts) AS day_of_ts\"");
}

static bool check_pair(const TarnPartitionField *a, const TarnPartitionField *b, TarnError *error) {
    if (strcasecmp(a->name, b->name) == 0) {
        return tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                   "two partition fields are named \"%.100s\"", a->name);
    }
    if (a->source_id != b->source_id) return true;
    if (tarn_table_transform_equal(a->transform, b->transform)) {
        return a->transform.kind == TARN_TRANSFORM_VOID ||
               tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                                   "partition fields \"%.100s\" and \"%.100s\" are the same",
                                   a->name, b->name);
    }
    if (!is_time(a->transform.kind) || !is_time(b->transform.kind)) return true;
    tarn_base_error_set(error, TARN_E_PARTITION_INVALID,
                        "partition fields \"%.100s\" and \"%.100s\" split the same time twice",
                        a->name, b->name);
    return tarn_base_error_hint(error, "keep the finer one: filters on the coarser use it too");
}

static bool same_field(const TarnPartitionField *a, const TarnPartitionField *b) {
    return a->source_id == b->source_id && tarn_table_transform_equal(a->transform, b->transform);
}

static const TarnPartitionSpec *find_equal(const TarnPartitionField *fields, size_t count,
                                           const TarnPartitionSpec *known, size_t known_count) {
    for (size_t i = 0; i < known_count; i++) {
        bool equal = known[i].field_count == count;
        for (size_t j = 0; equal && j < count; j++) {
            const TarnPartitionField *other = &known[i].fields[j];
            equal = same_field(&fields[j], other) && strcmp(fields[j].name, other->name) == 0;
        }
        if (equal) return &known[i];
    }
    return NULL;
}

static int32_t known_id(const TarnPartitionField *field, const TarnPartitionSpec *known,
                        size_t known_count) {
    for (size_t i = 0; i < known_count; i++) {
        for (size_t j = 0; j < known[i].field_count; j++) {
            if (same_field(field, &known[i].fields[j])) return known[i].fields[j].field_id;
        }
    }
    return 0;
}

/* Two old specs of version 1 may have given one id to different fields: take it only once. */
static bool is_taken(const TarnPartitionSpec *spec, size_t count, int32_t id) {
    for (size_t i = 0; i < count; i++) {
        if (spec->fields[i].field_id == id) return true;
    }
    return false;
}

static bool number_fields(TarnPartitionSpec *spec, const TarnPartitionSpec *known,
                          size_t known_count, int32_t *last_partition_id, TarnError *error) {
    int32_t last = *last_partition_id;
    if (last < TARN_PARTITION_FIRST_FIELD_ID - 1) last = TARN_PARTITION_FIRST_FIELD_ID - 1;
    for (size_t i = 0; i < known_count; i++) {
        if (known[i].id >= spec->id) spec->id = known[i].id;
    }
    if (known_count > 0 && spec->id == INT32_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED, "the spec ids are used up");
    }
    if (known_count > 0) spec->id++;
    for (size_t i = 0; i < spec->field_count; i++) {
        int32_t id = known_id(&spec->fields[i], known, known_count);
        if (id == 0 || is_taken(spec, i, id)) {
            if (last == INT32_MAX) {
                return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                           "the partition field ids are used up");
            }
            id = ++last;
        }
        spec->fields[i].field_id = id;
    }
    *last_partition_id = last;
    return true;
}

bool tarn_table_partition_spec_build(const TarnSchema *schema, const TarnPartitionField *fields,
                                     size_t count, const TarnPartitionSpec *known,
                                     size_t known_count, int32_t *last_partition_id,
                                     TarnArena *arena, TarnPartitionSpec *spec, TarnError *error) {
    *spec = (TarnPartitionSpec){0};
    if (count > FIELDS_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "%zu partition fields, and %d is the limit", count, FIELDS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_field(schema, &fields[i], error) || !check_names(schema, &fields[i], error)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (!check_pair(&fields[j], &fields[i], error)) return false;
        }
    }
    const TarnPartitionSpec *equal = find_equal(fields, count, known, known_count);
    if (equal != NULL) {
        *spec = *equal;
        return true;
    }
    spec->field_count = count;
    if (count > 0) spec->fields = tarn_base_arena_copy(arena, fields, count * sizeof(*fields));
    return tarn_base_arena_check(arena, error) &&
           number_fields(spec, known, known_count, last_partition_id, error);
}

/* ---- types and paths ---- */

/* What a field yields if its source is gone: known for some transforms, else text. */
static TarnPrimitive type_without_source(TarnTransformKind kind) {
    if (kind == TARN_TRANSFORM_DAY) return (TarnPrimitive){.kind = TARN_TYPE_DATE};
    bool number = kind == TARN_TRANSFORM_BUCKET || kind == TARN_TRANSFORM_YEAR ||
                  kind == TARN_TRANSFORM_MONTH || kind == TARN_TRANSFORM_HOUR;
    return (TarnPrimitive){.kind = number ? TARN_TYPE_INT : TARN_TYPE_STRING};
}

bool tarn_table_partition_types(const TarnPartitionSpec *spec, const TarnSchema *schema,
                                TarnArena *arena, TarnPrimitive **types, TarnError *error) {
    *types = TARN_NEW_ARRAY(arena, spec->field_count, TarnPrimitive);
    if (!tarn_base_arena_check(arena, error)) return false;
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnPartitionField *field = &spec->fields[i];
        const TarnField *source = tarn_table_schema_find(schema, field->source_id);
        if (source == NULL || field->transform.kind == TARN_TRANSFORM_UNKNOWN) {
            (*types)[i] = type_without_source(field->transform.kind);
            continue;
        }
        if (tarn_table_transform_result(field->transform, source->type.primitive, &(*types)[i])) {
            continue;
        }
        char name[TARN_TABLE_TYPE_NAME_BYTES];
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "partition field \"%.100s\" has a transform that does not apply "
                                   "to the type %s of column \"%.100s\"",
                                   field->name, tarn_table__type_name(&source->type, name),
                                   source->name);
    }
    return true;
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void write_encoded(TarnText text, TarnBuffer *out) {
    for (size_t i = 0; i < text.size; i++) {
        if (is_unreserved(text.data[i])) {
            tarn_base_buffer_byte(out, (uint8_t)text.data[i]);
        } else {
            tarn_base_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)text.data[i]);
        }
    }
}

/* A folder's name has a limit and a value has none: long ones end in their hash. */
static void shorten_component(TarnBuffer *out, size_t start, TarnText value) {
    size_t size = out->size - start;
    if (out->failed || size <= TARN_LIMIT_IDENTIFIER_BYTES) return;
    size_t cut = start + TARN_LIMIT_IDENTIFIER_BYTES - 9;
    if (out->data[cut - 1] == '%') cut -= 1; /* no half of "%2F" */
    if (out->data[cut - 2] == '%') cut -= 2;
    out->size = cut;
    tarn_base_buffer_printf(out, "~%08" PRIx32, tarn_base_murmur3_32(value.data, value.size, 0));
}

void tarn_table_partition_path(const TarnPartitionSpec *spec, const TarnSchema *schema,
                               const TarnLiteral *values, TarnBuffer *out) {
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnPartitionField *field = &spec->fields[i];
        const TarnField *source = tarn_table_schema_find(schema, field->source_id);
        TarnPrimitive type = source != NULL ? source->type.primitive
                                            : (TarnPrimitive){.kind = values[i].kind};
        TarnBuffer text;
        tarn_base_buffer_init(&text, out->limit);
        tarn_table_transform_value_text(field->transform, type, &values[i], &text);
        if (i > 0) tarn_base_buffer_byte(out, '/');
        size_t start = out->size;
        write_encoded(tarn_base_text(field->name), out);
        tarn_base_buffer_byte(out, '=');
        write_encoded(tarn_base_buffer_view(&text), out);
        shorten_component(out, start, tarn_base_buffer_view(&text));
        tarn_base_buffer_inherit(out, &text);
        tarn_base_buffer_dispose(&text);
    }
}
