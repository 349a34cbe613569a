/* Sort orders in the JSON of Appendix C, both ways.
 *
 * An order says how rows lie in files; tarn reads and keeps it and sorts by it when it writes.
 * An order that was read is written back from its source span. Order 0 is "unsorted" and has no
 * fields. Whether the sources exist is not checked: orders outlive columns.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "table/partition_private.h"

#define FIELDS_MAX 1000

/* One of two words, without regard to case. */
static bool read_choice(const TarnJson *object, const char *member, const char *no, const char *yes,
                        bool *value) {
    TarnText text;
    if (!tarn_base_json_text(tarn_base_json_member(object, member), &text)) return false;
    *value = text.size == strlen(yes) && strncasecmp(text.data, yes, text.size) == 0;
    return *value || (text.size == strlen(no) && strncasecmp(text.data, no, text.size) == 0);
}

static bool read_field(const TarnJson *json, size_t index, TarnArena *arena, TarnSortField *field,
                       TarnError *error) {
    char what[64];
    snprintf(what, sizeof(what), "sort field %zu", index + 1);
    if (json->kind != TARN_JSON_OBJECT) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "%s is not an object", what);
    }
    if (!read_choice(json, "direction", "asc", "desc", &field->descending)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s has no direction asc or desc", what);
    }
    if (!read_choice(json, "null-order", "nulls-first", "nulls-last", &field->nulls_last)) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "%s has no null-order nulls-first or nulls-last", what);
    }
    return tarn_table__transform_from_json(json, what, arena, &field->transform, &field->source_id,
                                           error);
}

bool tarn_table_sort_order_from_json(const TarnJson *json, TarnArena *arena, TarnSortOrder *order,
                                     TarnError *error) {
    *order = (TarnSortOrder){0};
    int64_t id;
    if (!tarn_base_json_int64(tarn_base_json_member(json, "order-id"), &id) || id < 0 ||
        id > INT32_MAX) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "a sort order has no order-id that is an id");
    }
    const TarnJson *fields = tarn_base_json_member(json, "fields");
    if (fields == NULL || fields->kind != TARN_JSON_ARRAY) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "sort order %" PRId64 " has no list of fields", id);
    }
    if (id == 0 && fields->count > 0) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "sort order 0 means unsorted and cannot have fields");
    }
    if (fields->count > FIELDS_MAX) {
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "sort order %" PRId64 " has %" PRIu32 " fields, and %d is the "
                                   "limit",
                                   id, fields->count, FIELDS_MAX);
    }
    order->id = (int32_t)id;
    order->fields = TARN_NEW_ARRAY(arena, fields->count, TarnSortField);
    if (!tarn_base_arena_check(arena, error)) return false;
    TARN_JSON_EACH(child, fields) {
        size_t index = order->field_count++;
        if (!read_field(child, index, arena, &order->fields[index], error)) return false;
    }
    order->source = json->source;
    return true;
}

void tarn_table_sort_order_to_json(const TarnSortOrder *order, TarnJsonWriter *out) {
    if (order->source.size > 0) {
        tarn_base_json_put_raw(out, order->source);
        return;
    }
    tarn_base_json_object_begin(out);
    tarn_base_json_key(out, "order-id");
    tarn_base_json_put_int64(out, order->id);
    tarn_base_json_key(out, "fields");
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < order->field_count; i++) {
        const TarnSortField *field = &order->fields[i];
        tarn_base_json_object_begin(out);
        tarn_base_json_key(out, "transform");
        tarn_table__transform_to_json(field->transform, out);
        tarn_base_json_key(out, "source-id");
        tarn_base_json_put_int64(out, field->source_id);
        tarn_base_json_key(out, "direction");
        tarn_base_json_put_string(out, field->descending ? "desc" : "asc");
        tarn_base_json_key(out, "null-order");
        tarn_base_json_put_string(out, field->nulls_last ? "nulls-last" : "nulls-first");
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
    tarn_base_json_object_end(out);
}

bool tarn_table_sort_order_same(const TarnSortOrder *a, const TarnSortOrder *b) {
    if (a->field_count != b->field_count) return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const TarnSortField *x = &a->fields[i];
        const TarnSortField *y = &b->fields[i];
        if (x->source_id != y->source_id || x->descending != y->descending ||
            x->nulls_last != y->nulls_last ||
            !tarn_table_transform_equal(x->transform, y->transform)) {
            return false;
        }
    }
    return true;
}
