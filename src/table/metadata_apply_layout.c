/* Updates of schemas, partition specs and sort orders.
 *
 * What equals something the table has is not added again: its id is reused and counts as the one
 * last added. Ids that are assigned go into the JSON text too, so that members this program does
 * not know survive. Field ids of partitions are never used for two meanings.
 */
#include <inttypes.h>
#include <string.h>

#include "table/metadata_apply_private.h"

/* ---- schemas ---- */

bool tarn_table__fold_add_schema(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    const TarnSchema *schema = update->schema;
    if (schema == NULL) return tarn_table__fold_refuse(fold, "the schema is missing");
    int32_t highest = tarn_table_schema_highest_id(schema);
    int32_t last = update->last_column_id > highest ? update->last_column_id : highest;
    if (update->last_column_id != 0 && update->last_column_id < out->last_column_id) {
        return tarn_table__fold_refuse(fold,
                                       "last-column-id would go back from %" PRId32 " to %" PRId32,
                                       out->last_column_id, update->last_column_id);
    }
    if (!tarn_table__metadata_check_schema(schema, out->format_version, fold->base == NULL,
                                           fold->error)) {
        return false;
    }
    if (last > out->last_column_id) out->last_column_id = last;
    int32_t id = 0;
    for (size_t i = 0; i < out->schema_count; i++) {
        if (tarn_table_schema_same(&out->schemas[i], schema)) {
            fold->last_schema_id = out->schemas[i].id;
            return true;
        }
        if (out->schemas[i].id >= id) id = out->schemas[i].id + 1;
    }
    TarnSchema *added = &out->schemas[out->schema_count++];
    *added = *schema;
    added->id = id;
    fold->last_schema_id = id;
    return schema->source.size == 0 ||
           tarn_table__metadata_source_with_id(schema->source, "schema-id", id, fold->arena,
                                               &added->source, fold->error);
}

/* -1 stands for what was added last. */
static bool resolve_id(TarnMetadataFold *fold, int64_t wanted, int32_t last, const char *what,
                       int32_t *id) {
    if (wanted == -1) {
        if (last == TARN_METADATA_NONE_ADDED) {
            return tarn_table__fold_refuse(fold, "-1 means the %s added last, but none was added",
                                           what);
        }
        *id = last;
        return true;
    }
    if (wanted < INT32_MIN || wanted > INT32_MAX) {
        return tarn_table__fold_refuse(fold, "no %s has the id %" PRId64, what, wanted);
    }
    *id = (int32_t)wanted;
    return true;
}

bool tarn_table__fold_set_schema(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    int32_t id = 0;
    if (!resolve_id(fold, update->integer, fold->last_schema_id, "schema", &id)) return false;
    if (tarn_table_metadata_schema(fold->out, id) == NULL) {
        return tarn_table__fold_refuse(fold, "no schema has the id %" PRId32, id);
    }
    fold->out->current_schema_id = id;
    fold->layout_changed = true;
    return true;
}

static bool names_id(const TarnTableUpdate *update, int64_t id) {
    for (size_t i = 0; i < update->count; i++) {
        if (update->ids[i] == id) return true;
    }
    return false;
}

bool tarn_table__fold_remove_schemas(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    size_t kept = 0;
    if (names_id(update, out->current_schema_id)) {
        return tarn_table__fold_refuse(fold, "the current schema %" PRId32 " cannot be removed",
                                       out->current_schema_id);
    }
    for (size_t i = 0; i < out->schema_count; i++) {
        if (!names_id(update, out->schemas[i].id)) out->schemas[kept++] = out->schemas[i];
    }
    out->schema_count = kept;
    return true;
}

/* ---- partition specs ---- */

static bool same_fields(const TarnPartitionSpec *a, const TarnPartitionSpec *b) {
    if (a->field_count != b->field_count) return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const TarnPartitionField *x = &a->fields[i];
        const TarnPartitionField *y = &b->fields[i];
        if (x->source_id != y->source_id || strcmp(x->name, y->name) != 0 ||
            !tarn_table_transform_equal(x->transform, y->transform)) {
            return false;
        }
    }
    return true;
}

/* A field id means one source and transform for ever; v1 turned dropped fields void. */
static bool check_field_id(TarnMetadataFold *fold, const TarnPartitionField *field) {
    const TarnTableMetadata *out = fold->out;
    for (size_t i = 0; i < out->spec_count; i++) {
        for (size_t k = 0; k < out->specs[i].field_count; k++) {
            const TarnPartitionField *known = &out->specs[i].fields[k];
            if (known->field_id != field->field_id) continue;
            bool is_void = known->transform.kind == TARN_TRANSFORM_VOID ||
                           field->transform.kind == TARN_TRANSFORM_VOID;
            if (known->source_id == field->source_id &&
                (is_void || tarn_table_transform_equal(known->transform, field->transform))) {
                continue;
            }
            return tarn_table__fold_refuse(
                fold, "the partition field id %" PRId32 " of \"%s\" means \"%s\" already",
                field->field_id, field->name, known->name);
        }
    }
    return true;
}

/* The id that this source and transform have in another spec; 0 if none. */
static int32_t known_field_id(const TarnTableMetadata *out, const TarnPartitionField *field) {
    for (size_t i = out->spec_count; i > 0; i--) {
        const TarnPartitionSpec *spec = &out->specs[i - 1];
        for (size_t k = 0; k < spec->field_count; k++) {
            const TarnPartitionField *known = &spec->fields[k];
            if (known->source_id == field->source_id &&
                tarn_table_transform_equal(known->transform, field->transform)) {
                return known->field_id;
            }
        }
    }
    return 0;
}

static bool assign_field_ids(TarnMetadataFold *fold, TarnPartitionSpec *spec) {
    TarnTableMetadata *out = fold->out;
    for (size_t i = 0; i < spec->field_count; i++) {
        TarnPartitionField *field = &spec->fields[i];
        if (field->field_id > 0) {
            if (!check_field_id(fold, field)) return false;
        } else {
            field->field_id = known_field_id(out, field);
            spec->source = (TarnText){NULL, 0};
            if (field->field_id == 0) {
                if (out->last_partition_id == INT32_MAX) {
                    return tarn_table__fold_refuse(fold, "no partition field ids are left");
                }
                field->field_id = ++out->last_partition_id;
            }
        }
        if (field->field_id > out->last_partition_id) out->last_partition_id = field->field_id;
        if (out->format_version == 1 &&
            (size_t)field->field_id != TARN_PARTITION_FIRST_FIELD_ID + i) {
            return tarn_table__fold_refuse(fold,
                                           "format version 1 numbers partition fields from "
                                           "%d on without gaps, \"%s\" has %" PRId32,
                                           TARN_PARTITION_FIRST_FIELD_ID, field->name,
                                           field->field_id);
        }
    }
    return true;
}

bool tarn_table__fold_add_spec(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    const TarnSchema *schema = tarn_table_metadata_current_schema(out);
    if (update->spec == NULL) return tarn_table__fold_refuse(fold, "the spec is missing");
    if (schema == NULL) {
        return tarn_table__fold_refuse(fold, "a partition spec before there is a current schema");
    }
    if (!tarn_table__metadata_check_spec(update->spec, schema, fold->error)) return false;
    int32_t id = 0;
    for (size_t i = 0; i < out->spec_count; i++) {
        if (same_fields(&out->specs[i], update->spec)) {
            fold->last_spec_id = out->specs[i].id;
            return true;
        }
        if (out->specs[i].id >= id) id = out->specs[i].id + 1;
    }
    TarnPartitionSpec added = *update->spec;
    added.id = id;
    added.fields = tarn_base_arena_copy(fold->arena, added.fields,
                                        added.field_count * sizeof(added.fields[0]));
    if (!tarn_base_arena_check(fold->arena, fold->error)) return false;
    if (!assign_field_ids(fold, &added)) return false;
    if (added.source.size > 0 &&
        !tarn_table__metadata_source_with_id(added.source, "spec-id", id, fold->arena,
                                             &added.source, fold->error)) {
        return false;
    }
    out->specs[out->spec_count++] = added;
    fold->last_spec_id = id;
    return true;
}

bool tarn_table__fold_set_spec(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    int32_t id = 0;
    if (!resolve_id(fold, update->integer, fold->last_spec_id, "partition spec", &id)) return false;
    if (tarn_table_metadata_spec(fold->out, id) == NULL) {
        return tarn_table__fold_refuse(fold, "no partition spec has the id %" PRId32, id);
    }
    fold->out->default_spec_id = id;
    fold->layout_changed = true;
    return true;
}

bool tarn_table__fold_remove_specs(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    size_t kept = 0;
    if (names_id(update, out->default_spec_id)) {
        return tarn_table__fold_refuse(
            fold, "the default partition spec %" PRId32 " cannot be removed", out->default_spec_id);
    }
    for (size_t i = 0; i < out->spec_count; i++) {
        if (!names_id(update, out->specs[i].id)) out->specs[kept++] = out->specs[i];
    }
    out->spec_count = kept;
    return true;
}

/* ---- sort orders ---- */

bool tarn_table__fold_add_order(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    TarnTableMetadata *out = fold->out;
    const TarnSortOrder *order = update->sort_order;
    const TarnSchema *schema = tarn_table_metadata_current_schema(out);
    if (order == NULL) return tarn_table__fold_refuse(fold, "the sort order is missing");
    if (schema == NULL) {
        return tarn_table__fold_refuse(fold, "a sort order before there is a current schema");
    }
    if (!tarn_table__metadata_check_order(order, schema, fold->error)) return false;
    int32_t id = order->field_count == 0 ? 0 : 1; /* 0 is the unsorted order's own */
    for (size_t i = 0; i < out->sort_order_count; i++) {
        if (tarn_table_sort_order_same(&out->sort_orders[i], order)) {
            fold->last_order_id = out->sort_orders[i].id;
            return true;
        }
        if (order->field_count > 0 && out->sort_orders[i].id >= id) {
            id = out->sort_orders[i].id + 1;
        }
    }
    TarnSortOrder *added = &out->sort_orders[out->sort_order_count++];
    *added = *order;
    added->id = id;
    fold->last_order_id = id;
    return order->source.size == 0 ||
           tarn_table__metadata_source_with_id(order->source, "order-id", id, fold->arena,
                                               &added->source, fold->error);
}

bool tarn_table__fold_set_order(TarnMetadataFold *fold, const TarnTableUpdate *update) {
    int32_t id = 0;
    bool found = false;
    if (!resolve_id(fold, update->integer, fold->last_order_id, "sort order", &id)) return false;
    for (size_t i = 0; i < fold->out->sort_order_count; i++) {
        found = found || fold->out->sort_orders[i].id == id;
    }
    if (!found && id != 0) {
        return tarn_table__fold_refuse(fold, "no sort order has the id %" PRId32, id);
    }
    fold->out->default_sort_order_id = id;
    fold->layout_changed = true;
    return true;
}

/* ---- together ---- */

bool tarn_table__fold_check_layout(TarnMetadataFold *fold) {
    const TarnTableMetadata *out = fold->out;
    if (fold->base != NULL && !fold->layout_changed) return true;
    const TarnSchema *schema = tarn_table_metadata_current_schema(out);
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(out);
    if (schema == NULL) return tarn_table__fold_refuse(fold, "the table has no current schema");
    if (spec == NULL) {
        return tarn_table__fold_refuse(fold, "the table has no default partition spec");
    }
    return tarn_table__metadata_check_sources(spec, schema, fold->error) &&
           tarn_table__metadata_check_order(tarn_table_metadata_default_sort_order(out), schema,
                                            fold->error);
}
