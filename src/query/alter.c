/* ALTER TABLE: a statement becomes updates of the table's metadata, committed under requirements
 * that say what they were made for; no data file is touched.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/transaction_private.h"

typedef struct Alter {
    TarnStatement *statement;
    const TarnParsed *parsed;
    const TarnTable *table;
    TarnArena *arena;
    TarnTableUpdate updates[TARN_METADATA_UPGRADE_UPDATES + 1];
    size_t update_count;
    TarnTableRequirement requirements[3];
    size_t requirement_count;
    TarnError *error;
} Alter;

static void require(Alter *alter, TarnRequirementKind kind, int64_t value) {
    alter->requirements[alter->requirement_count++] = (TarnTableRequirement){.kind = kind,
                                                                             .integer = value};
}

/* Source columns of all specs and sort orders: they cannot go. */
static bool ids_in_use(Alter *alter, int32_t **ids, size_t *count) {
    const TarnTableMetadata *metadata = alter->table->metadata;
    size_t most = 0;
    for (size_t i = 0; i < metadata->spec_count; i++) most += metadata->specs[i].field_count;
    const TarnSortOrder *order = tarn_table_metadata_default_sort_order(metadata);
    if (order != NULL) most += order->field_count;
    *ids = TARN_NEW_ARRAY(alter->arena, most + 1, int32_t);
    *count = 0;
    if (*ids == NULL) return tarn_base_arena_check(alter->arena, alter->error);
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(metadata);
    for (size_t i = 0; spec != NULL && i < spec->field_count; i++) {
        (*ids)[(*count)++] = spec->fields[i].source_id;
    }
    for (size_t i = 0; order != NULL && i < order->field_count; i++) {
        (*ids)[(*count)++] = order->fields[i].source_id;
    }
    return true;
}

static bool column_type(Alter *alter, const TarnColumnDefinition *column, TarnType *type) {
    int32_t next_id = 1;
    return tarn_table_type_from_sql(column->type, &next_id, alter->arena, type, alter->error);
}

/* "address.zip" -> "address", "zip" */
static void split_path(Alter *alter, const char *path, const char **parent, const char **name) {
    const char *dot = strrchr(path, '.');
    *name = dot != NULL ? dot + 1 : path;
    *parent = dot != NULL ? tarn_base_arena_string_n(alter->arena, path, (size_t)(dot - path))
                          : NULL;
}

/* NULL = none, or DEFAULT NULL. */
static bool default_value(Alter *alter, const TarnColumnDefinition *column, const TarnType *type,
                          const TarnJson **value) {
    *value = NULL;
    if (column->initial.data == NULL) return true;
    return tarn_query__default_json(alter->statement->query, column->initial, type, alter->arena,
                                    value, alter->error);
}

static bool set_default(Alter *alter, TarnSchemaUpdate *update) {
    const TarnJson *value = NULL;
    const TarnField *field = tarn_table_schema_find_name(&update->schema, alter->parsed->path);
    if (field != NULL && !default_value(alter, &alter->parsed->column, &field->type, &value)) {
        return false;
    }
    return tarn_table_schema_update_default(update, alter->parsed->path, value, alter->error);
}

static bool add_one(Alter *alter, TarnSchemaUpdate *update, const char *path,
                    const TarnColumnDefinition *column) {
    const char *parent;
    const char *name;
    TarnType type;
    const TarnJson *value = NULL;
    split_path(alter, path, &parent, &name);
    return column_type(alter, column, &type) && default_value(alter, column, &type, &value) &&
           tarn_table_schema_update_add(update, parent, name, &type, column->required,
                                        column->comment, value, value, alter->error);
}

static bool add_columns(Alter *alter, TarnSchemaUpdate *update) {
    const TarnParsed *parsed = alter->parsed;
    for (size_t i = 0; i < parsed->columns.count; i++) {
        const TarnColumnDefinition *column = &parsed->columns.items[i];
        if (!add_one(alter, update, column->name, column)) return false;
    }
    if (parsed->columns.count > 0) return true;
    if (!add_one(alter, update, parsed->path, &parsed->column)) return false;
    if (parsed->where == TARN_WHERE_NONE) return true;
    TarnColumnMove move = parsed->where == TARN_WHERE_FIRST ? TARN_MOVE_FIRST : TARN_MOVE_AFTER;
    return tarn_table_schema_update_move(update, parsed->path, move, parsed->target, alter->error);
}

static bool change_type(Alter *alter, TarnSchemaUpdate *update) {
    TarnType type;
    if (!column_type(alter, &alter->parsed->column, &type)) return false;
    if (tarn_format_kind_is_nested(type.primitive.kind)) {
        return tarn_base_error_set(alter->error, TARN_E_SCHEMA_CHANGE_REFUSED,
                                   "the type of a nested column is changed field by field: ALTER "
                                   "TABLE .. ADD COLUMN %s.<field> ..",
                                   alter->parsed->path);
    }
    return tarn_table_schema_update_type(update, alter->parsed->path, type.primitive, alter->error);
}

static bool move_column(Alter *alter, TarnSchemaUpdate *update) {
    static const TarnColumnMove moves[] = {[TARN_WHERE_FIRST] = TARN_MOVE_FIRST,
                                           [TARN_WHERE_AFTER] = TARN_MOVE_AFTER,
                                           [TARN_WHERE_BEFORE] = TARN_MOVE_BEFORE};
    return tarn_table_schema_update_move(update, alter->parsed->path, moves[alter->parsed->where],
                                         alter->parsed->target, alter->error);
}

static bool change_schema(Alter *alter) {
    const TarnParsed *parsed = alter->parsed;
    const TarnTableMetadata *metadata = alter->table->metadata;
    TarnSchemaUpdate update;
    int32_t *used;
    size_t used_count;
    if (!ids_in_use(alter, &used, &used_count)) return false;
    tarn_table_schema_update_init(&update, tarn_table_metadata_current_schema(metadata),
                                  metadata->last_column_id, metadata->format_version, alter->arena);
    update.partition_source_ids = used;
    update.partition_source_count = used_count;
    update.table_is_empty = metadata->current_snapshot_id == TARN_ABSENT;
    bool ok = false;
    switch (parsed->alter) {
    case TARN_ALTER_ADD_COLUMN: ok = add_columns(alter, &update); break;
    case TARN_ALTER_DROP_COLUMN:
        ok = tarn_table_schema_update_drop(&update, parsed->path, used, used_count, alter->error);
        break;
    case TARN_ALTER_RENAME_COLUMN:
        ok = tarn_table_schema_update_rename(&update, parsed->path, parsed->target, alter->error);
        break;
    case TARN_ALTER_COLUMN_TYPE: ok = change_type(alter, &update); break;
    case TARN_ALTER_DROP_NOT_NULL:
        ok = tarn_table_schema_update_optional(&update, parsed->path, alter->error);
        break;
    case TARN_ALTER_SET_DEFAULT:
    case TARN_ALTER_DROP_DEFAULT: ok = set_default(alter, &update); break;
    case TARN_ALTER_COMMENT:
        ok = tarn_table_schema_update_doc(&update, parsed->path, parsed->target, alter->error);
        break;
    default: ok = move_column(alter, &update); break;
    }
    if (!ok) return false;
    TarnSchema *schema = tarn_base_arena_copy(alter->arena, &update.schema, sizeof(TarnSchema));
    require(alter, TARN_REQUIRE_CURRENT_SCHEMA_ID, metadata->current_schema_id);
    require(alter, TARN_REQUIRE_LAST_COLUMN_ID, metadata->last_column_id);
    alter->updates[0] = (TarnTableUpdate){
        .kind = TARN_UPDATE_ADD_SCHEMA, .schema = schema, .last_column_id = update.last_column_id};
    alter->updates[1] = (TarnTableUpdate){.kind = TARN_UPDATE_SET_CURRENT_SCHEMA, .integer = -1};
    alter->update_count = 2;
    return tarn_base_arena_check(alter->arena, alter->error);
}

/* --- partitions --- */

static bool same_field(const TarnPartitionField *a, const TarnPartitionField *b) {
    return a->source_id == b->source_id && a->transform.kind == b->transform.kind &&
           a->transform.width == b->transform.width;
}

/* The current fields, one in the place of another. */
static bool replace_field(Alter *alter, const TarnSchema *schema, TarnPartitionField **fields,
                          size_t *count) {
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(alter->table->metadata);
    TarnText before = tarn_base_text_trim(alter->parsed->partitions.items[0]);
    TarnPartitionField old;
    TarnPartitionField wanted;
    TarnError ignored; /* it may be the name of a field */
    bool parsed = tarn_table_partition_parse(schema, before, alter->arena, &old, &ignored);
    if (!tarn_table_partition_parse(schema, alter->parsed->partitions.items[1], alter->arena,
                                    &wanted, alter->error)) {
        return false;
    }
    *fields = tarn_base_arena_copy(alter->arena, spec->fields,
                                   spec->field_count * sizeof(TarnPartitionField));
    *count = spec->field_count;
    if (*fields == NULL) return tarn_base_arena_check(alter->arena, alter->error);
    for (size_t i = 0; i < *count; i++) {
        TarnPartitionField *field = &(*fields)[i];
        if (!(parsed && same_field(field, &old)) && !tarn_base_text_is(before, field->name)) {
            continue;
        }
        *field = wanted;
        return true;
    }
    return tarn_base_error_set(alter->error, TARN_E_PARTITION_INVALID,
                               "the table is not partitioned by %.*s", TARN_TEXT_ARG(before));
}

/* The current fields, one more or one less. */
static bool edit_fields(Alter *alter, const TarnSchema *schema, TarnPartitionField **fields,
                        size_t *count) {
    const TarnPartitionSpec *spec = tarn_table_metadata_default_spec(alter->table->metadata);
    TarnText text = alter->parsed->partitions.items[0];
    TarnPartitionField wanted;
    bool parsed = tarn_table_partition_parse(schema, text, alter->arena, &wanted, alter->error);
    bool adding = alter->parsed->alter == TARN_ALTER_ADD_PARTITION;
    if (adding && !parsed) return false;
    *fields = TARN_NEW_ARRAY(alter->arena, spec->field_count + 2, TarnPartitionField);
    *count = 0;
    if (*fields == NULL) return tarn_base_arena_check(alter->arena, alter->error);
    bool found = false;
    for (size_t i = 0; i < spec->field_count; i++) {
        const TarnPartitionField *field = &spec->fields[i];
        bool same = (parsed && same_field(field, &wanted)) ||
                    tarn_base_text_is(tarn_base_text_trim(text), field->name);
        found = found || same;
        if (adding || !same) (*fields)[(*count)++] = *field;
    }
    if (adding) (*fields)[(*count)++] = wanted;
    if (found != adding) return true;
    tarn_base_error_clear(alter->error);
    return tarn_base_error_set(alter->error, TARN_E_PARTITION_INVALID,
                               adding ? "the table is partitioned by %.*s already"
                                      : "the table is not partitioned by %.*s",
                               TARN_TEXT_ARG(text));
}

static bool change_partitions(Alter *alter) {
    const TarnTableMetadata *metadata = alter->table->metadata;
    const TarnSchema *schema = tarn_table_metadata_current_schema(metadata);
    TarnPartitionSpec *spec = TARN_NEW(alter->arena, TarnPartitionSpec);
    if (spec == NULL) return tarn_base_arena_check(alter->arena, alter->error);
    if (alter->parsed->alter == TARN_ALTER_SET_PARTITIONS) {
        if (!tarn_query__partition_spec(alter->parsed, schema, metadata, alter->arena, spec,
                                        alter->error)) {
            return false;
        }
    } else {
        TarnPartitionField *fields;
        size_t count;
        int32_t last_id = metadata->last_partition_id;
        bool replaces = alter->parsed->alter == TARN_ALTER_REPLACE_PARTITION;
        if (!(replaces ? replace_field : edit_fields)(alter, schema, &fields, &count) ||
            !tarn_table_partition_spec_build(schema, fields, count, metadata->specs,
                                             metadata->spec_count, &last_id, alter->arena, spec,
                                             alter->error)) {
            return false;
        }
    }
    require(alter, TARN_REQUIRE_DEFAULT_SPEC_ID, metadata->default_spec_id);
    require(alter, TARN_REQUIRE_LAST_PARTITION_ID, metadata->last_partition_id);
    alter->updates[0] = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SPEC, .spec = spec};
    alter->updates[1] = (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SPEC, .integer = -1};
    alter->update_count = 2;
    return true;
}

static bool change_sort(Alter *alter) {
    const TarnTableMetadata *metadata = alter->table->metadata;
    TarnSortOrder *order = TARN_NEW(alter->arena, TarnSortOrder);
    if (order == NULL) return tarn_base_arena_check(alter->arena, alter->error);
    if (!tarn_query__sort_order(alter->parsed, tarn_table_metadata_current_schema(metadata),
                                alter->arena, order, alter->error)) {
        return false;
    }
    int32_t highest = 0;
    for (size_t i = 0; i < metadata->sort_order_count; i++) {
        if (metadata->sort_orders[i].id > highest) highest = metadata->sort_orders[i].id;
    }
    order->id = order->field_count > 0 ? highest + 1 : 0;
    require(alter, TARN_REQUIRE_DEFAULT_SORT_ORDER_ID, metadata->default_sort_order_id);
    alter->updates[0] = (TarnTableUpdate){.kind = TARN_UPDATE_ADD_SORT_ORDER, .sort_order = order};
    alter->updates[1] = (TarnTableUpdate){.kind = TARN_UPDATE_SET_DEFAULT_SORT_ORDER,
                                          .integer = -1};
    alter->update_count = 2;
    return true;
}

/* SET ('format-version' = ..) is no property but an upgrade. */
static bool change_version(Alter *alter, const char *value) {
    int64_t version = 0;
    if (value == NULL) {
        return tarn_base_error_set(alter->error, TARN_E_SQL_UNSUPPORTED,
                                   "a table always has a format version: it cannot be reset");
    }
    if (!tarn_base_text_to_int64(tarn_base_text(value), &version)) {
        return tarn_base_error_set(alter->error, TARN_E_FORMAT_UNSUPPORTED,
                                   "format version \"%s\" is not known", value);
    }
    return tarn_table_metadata_upgrade(
        alter->table->metadata, version, tarn_catalog_options(alter->statement->query->catalog)->os,
        alter->arena, alter->updates, &alter->update_count, alter->error);
}

static bool change_properties(Alter *alter) {
    const TarnParsed *parsed = alter->parsed;
    TarnProperty *properties = TARN_NEW_ARRAY(alter->arena, parsed->settings.count + 1,
                                              TarnProperty);
    size_t count = 0;
    if (properties == NULL) return tarn_base_arena_check(alter->arena, alter->error);
    for (size_t i = 0; i < parsed->settings.count; i++) {
        const TarnSetting *setting = &parsed->settings.items[i];
        bool resets = parsed->alter == TARN_ALTER_RESET_PROPERTIES;
        if (strcmp(setting->key, "format-version") != 0) {
            properties[count++] = (TarnProperty){setting->key, setting->value};
        } else if (!change_version(alter, resets ? NULL : setting->value)) {
            return false;
        }
    }
    if (count == 0) return true;
    alter->updates[alter->update_count++] = (TarnTableUpdate){
        .kind = parsed->alter == TARN_ALTER_SET_PROPERTIES ? TARN_UPDATE_SET_PROPERTIES
                                                           : TARN_UPDATE_REMOVE_PROPERTIES,
        .properties = properties,
        .count = count};
    return true;
}

/* --- the whole --- */

static bool make_updates(Alter *alter) {
    switch (alter->parsed->alter) {
    case TARN_ALTER_SET_PARTITIONS:
    case TARN_ALTER_ADD_PARTITION:
    case TARN_ALTER_REPLACE_PARTITION:
    case TARN_ALTER_DROP_PARTITION: return change_partitions(alter);
    case TARN_ALTER_SET_SORT: return change_sort(alter);
    case TARN_ALTER_SET_PROPERTIES:
    case TARN_ALTER_RESET_PROPERTIES: return change_properties(alter);
    default: return change_schema(alter);
    }
}

static bool column_exists(const Alter *alter) {
    if (alter->parsed->path == NULL) return false; /* several */
    const TarnSchema *schema = tarn_table_metadata_current_schema(alter->table->metadata);
    return tarn_table_schema_find_name(schema, alter->parsed->path) != NULL;
}

/* IF EXISTS and IF NOT EXISTS of columns: nothing to do is success. */
static bool nothing_to_do(const Alter *alter) {
    const TarnParsed *parsed = alter->parsed;
    bool dropping = parsed->alter == TARN_ALTER_DROP_COLUMN && parsed->if_exists;
    bool adding = parsed->alter == TARN_ALTER_ADD_COLUMN && parsed->if_not_exists;
    return (dropping && !column_exists(alter)) || (adding && column_exists(alter));
}

static bool commit_alter(Alter *alter) {
    if (alter->update_count == 0) return true; /* it is so already */
    TarnQuery *query = alter->statement->query;
    const TarnCommitStep step = {.requirements = alter->requirements,
                                 .requirement_count = alter->requirement_count,
                                 .updates = alter->updates,
                                 .update_count = alter->update_count};
    if (query->transaction != NULL) {
        return tarn_query__transaction_update(query, alter->table->name, &step, alter->arena,
                                              alter->error);
    }
    TarnCommitTable table = {.name = alter->table->name,
                             .base = alter->table,
                             .requirements = alter->requirements,
                             .requirement_count = alter->requirement_count,
                             .updates = alter->updates,
                             .update_count = alter->update_count};
    TarnCommit commit = {.tables = &table, .table_count = 1};
    if (!tarn_catalog_commit(query->catalog, &commit, alter->error)) return false;
    tarn_catalog_table_release(table.committed);
    return true;
}

bool tarn_query__alter(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    TarnCatalog *catalog = statement->query->catalog;
    Alter alter = {
        .statement = statement, .parsed = parsed, .arena = &statement->arena, .error = error};
    statement->message = tarn_base_arena_printf(&statement->arena, "altered table %s.%s",
                                                parsed->name.ns, parsed->name.name);
    if (parsed->alter == TARN_ALTER_RENAME_TABLE) {
        return tarn_catalog_rename(catalog, parsed->name, parsed->new_name, error);
    }
    if (!tarn_query__table_load(statement->query, parsed->name, &alter.table, error)) {
        bool absent = error->code == TARN_E_TABLE_NOT_FOUND;
        if (absent && parsed->if_exists && parsed->alter != TARN_ALTER_DROP_COLUMN) {
            tarn_base_error_clear(error);
            return true;
        }
        TarnError told = *error;
        tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                             told.message);
        return tarn_base_error_hint(error, "%s", told.hint);
    }
    bool ok = parsed->alter == TARN_ALTER_REF
                  ? tarn_query__alter_ref(statement, parsed, alter.table, error)
                  : nothing_to_do(&alter) || (make_updates(&alter) && commit_alter(&alter));
    tarn_catalog_table_release(alter.table);
    return ok;
}
