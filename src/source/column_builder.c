/* Typed column buffers and their way out as Arrow arrays.
 *
 * The buffers are plain heap blocks: export hands them to the array's release callback and the
 * builder starts anew, so no value is copied between parsing and the engine. Validity bits are
 * kept for every column; a column without nulls exports none.
 */
#include "source/column_builder_private.h"

#include <stdio.h>
#include <stdlib.h>

/* A multiple of 8, and small: a table may have 10,000 columns. */
#define FIRST_ROWS 64

const TarnColumn tarn_source__row_column = {
    .name = "row", .type = {.kind = TARN_TYPE_LONG}, .required = true};

static size_t value_width(TarnPrimitive type) {
    switch (type.kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
    case TARN_TYPE_FLOAT: return 4;
    case TARN_TYPE_LONG:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS: return 8;
    case TARN_TYPE_DECIMAL: return 16;
    default: return 0;
    }
}

static bool has_offsets(TarnTypeKind kind) {
    return kind == TARN_TYPE_STRING || kind == TARN_TYPE_UUID || kind == TARN_TYPE_FIXED ||
           kind == TARN_TYPE_BINARY || kind == TARN_TYPE_LIST || kind == TARN_TYPE_MAP;
}

static bool init_builder(TarnColumnBuilder *builder, const TarnColumn *column) {
    builder->column = column;
    builder->width = value_width(column->type);
    builder->child_count = column->child_count;
    if (column->child_count == 0) return true;
    builder->children = tarn_source__builders_new(column->children, column->child_count);
    return builder->children != NULL;
}

TarnColumnBuilder *tarn_source__builders_new(const TarnColumn *columns, size_t count) {
    TarnColumnBuilder *builders = calloc(count + 1, sizeof(*builders));
    for (size_t i = 0; builders != NULL && i < count; i++) {
        if (init_builder(&builders[i], &columns[i])) continue;
        tarn_source__builders_free(builders, count);
        return NULL;
    }
    return builders;
}

static void free_buffers(TarnColumnBuilder *builder) {
    free(builder->validity);
    free(builder->values);
    free(builder->offsets);
    free(builder->data);
    builder->validity = builder->values = builder->data = NULL;
    builder->offsets = NULL;
    builder->length = builder->capacity = builder->data_capacity = 0;
}

void tarn_source__builders_free(TarnColumnBuilder *builders, size_t count) {
    for (size_t i = 0; builders != NULL && i < count; i++) {
        free_buffers(&builders[i]);
        tarn_source__builders_free(builders[i].children, builders[i].child_count);
    }
    free(builders);
}

static bool regrow(void **memory, size_t old_size, size_t new_size, bool zero) {
    void *grown = realloc(*memory, new_size);
    if (grown == NULL) return false;
    if (zero) memset((uint8_t *)grown + old_size, 0, new_size - old_size);
    *memory = grown;
    return true;
}

void tarn_source__builder_grow(TarnColumnBuilder *builder) {
    size_t old = builder->capacity;
    size_t first = builder->expected > FIRST_ROWS ? builder->expected : FIRST_ROWS;
    size_t rows = old == 0 ? first : old * 2;
    TarnTypeKind kind = builder->column->type.kind;
    bool ok = regrow((void **)&builder->validity, old / 8, rows / 8, true);
    if (ok && builder->width > 0) {
        ok = regrow((void **)&builder->values, old * builder->width, rows * builder->width, false);
    }
    if (ok && kind == TARN_TYPE_BOOLEAN) {
        ok = regrow((void **)&builder->values, old / 8, rows / 8, true);
    }
    if (ok && has_offsets(kind)) {
        ok = regrow((void **)&builder->offsets, old == 0 ? 0 : (old + 1) * 4, (rows + 1) * 4,
                    false);
        if (ok && old == 0) builder->offsets[0] = 0;
    }
    if (ok) {
        builder->capacity = rows;
    } else {
        builder->failed = true;
    }
}

static bool has_room(TarnColumnBuilder *builder) {
    if (builder->length == builder->capacity && !builder->failed) {
        tarn_source__builder_grow(builder);
    }
    return !builder->failed;
}

static void set_valid(TarnColumnBuilder *builder) {
    builder->validity[builder->length >> 3] |= (uint8_t)(1U << (builder->length & 7));
    builder->length++;
}

void tarn_source__builder_null(TarnColumnBuilder *builder) {
    if (!has_room(builder)) return;
    if (builder->width > 0) {
        memset(builder->values + builder->length * builder->width, 0, builder->width);
    }
    if (builder->offsets != NULL) {
        builder->offsets[builder->length + 1] = builder->offsets[builder->length];
    }
    if (builder->column->type.kind == TARN_TYPE_STRUCT) {
        for (size_t i = 0; i < builder->child_count; i++) {
            tarn_source__builder_null(&builder->children[i]);
        }
    }
    builder->length++;
}

void tarn_source__builder_bool(TarnColumnBuilder *builder, bool value) {
    if (!has_room(builder)) return;
    uint8_t bit = (uint8_t)(1U << (builder->length & 7));
    if (value) builder->values[builder->length >> 3] |= bit;
    set_valid(builder);
}

void tarn_source__builder_bytes(TarnColumnBuilder *builder, const void *data, size_t size) {
    if (!has_room(builder)) return;
    size_t at = (size_t)builder->offsets[builder->length];
    if (size > INT32_MAX - at) {
        builder->failed = true;
        return;
    }
    if (at + size > builder->data_capacity) {
        size_t capacity = (at + size) * 2 + 64;
        if (capacity < builder->data_expected) capacity = builder->data_expected;
        if (capacity > INT32_MAX) capacity = INT32_MAX; /* offsets end there */
        uint8_t *grown = realloc(builder->data, capacity);
        if (grown == NULL) {
            builder->failed = true;
            return;
        }
        builder->data = grown;
        builder->data_capacity = capacity;
    }
    if (size > 0) memcpy(builder->data + at, data, size);
    builder->offsets[builder->length + 1] = (int32_t)(at + size);
    set_valid(builder);
}

void tarn_source__builder_end_list(TarnColumnBuilder *builder) {
    if (!has_room(builder)) return;
    size_t elements = builder->children[0].length;
    if (elements > INT32_MAX) {
        builder->failed = true;
        return;
    }
    builder->offsets[builder->length + 1] = (int32_t)elements;
    set_valid(builder);
}

void tarn_source__builder_end_struct(TarnColumnBuilder *builder) {
    if (has_room(builder)) set_valid(builder);
}

static void clear_bits(uint8_t *bits, size_t from, size_t to) {
    for (; from < to && (from & 7) != 0; from++) bits[from >> 3] &= (uint8_t)~(1U << (from & 7));
    if (from < to) memset(bits + (from >> 3), 0, (to - from + 7) / 8);
}

void tarn_source__builder_truncate(TarnColumnBuilder *builder, size_t length) {
    TarnTypeKind kind = builder->column->type.kind;
    if (builder->length > length) {
        clear_bits(builder->validity, length, builder->length);
        if (kind == TARN_TYPE_BOOLEAN) clear_bits(builder->values, length, builder->length);
        builder->length = length;
    }
    /* A nested value may have been given up before its own end was reached. */
    for (size_t i = 0; i < builder->child_count; i++) {
        size_t kept = builder->length;
        if (kind != TARN_TYPE_STRUCT) {
            kept = builder->offsets != NULL ? (size_t)builder->offsets[kept] : 0;
        }
        tarn_source__builder_truncate(&builder->children[i], kept);
    }
}

/* --- Arrow --- */

typedef struct ArrayOwner {
    const void *buffers[3];
    struct ArrowArray *children;
    struct ArrowArray **child_pointers;
} ArrayOwner;

static void release_array(struct ArrowArray *array) {
    ArrayOwner *owner = array->private_data;
    for (int i = 0; i < 3; i++) free((void *)(uintptr_t)owner->buffers[i]);
    for (int64_t i = 0; i < array->n_children; i++) {
        if (owner->children[i].release != NULL) owner->children[i].release(&owner->children[i]);
    }
    free(owner->children);
    free(owner->child_pointers);
    free(owner);
    array->release = NULL;
}

static bool init_array(struct ArrowArray *array, size_t length, size_t child_count) {
    ArrayOwner *owner = calloc(1, sizeof(*owner));
    if (owner == NULL) return false;
    owner->children = calloc(child_count + 1, sizeof(*owner->children));
    owner->child_pointers = calloc(child_count + 1, sizeof(struct ArrowArray *));
    if (owner->children == NULL || owner->child_pointers == NULL) {
        free(owner->children);
        free(owner->child_pointers);
        free(owner);
        return false;
    }
    for (size_t i = 0; i < child_count; i++) owner->child_pointers[i] = &owner->children[i];
    *array = (struct ArrowArray){.length = (int64_t)length,
                                 .n_buffers = 1,
                                 .n_children = (int64_t)child_count,
                                 .buffers = owner->buffers,
                                 .children = owner->child_pointers,
                                 .release = release_array,
                                 .private_data = owner};
    return true;
}

static size_t count_nulls(const TarnColumnBuilder *builder) {
    size_t set = 0;
    size_t bytes = builder->length / 8;
    for (size_t i = 0; i < bytes; i++) set += (size_t)__builtin_popcount(builder->validity[i]);
    for (size_t i = bytes * 8; i < builder->length; i++) {
        set += builder->validity[i >> 3] >> (i & 7) & 1;
    }
    return builder->length - set;
}

/* The next batch will be much like this one: room for an eighth more at once. */
static void expect_again(TarnColumnBuilder *builder) {
    size_t data = builder->offsets != NULL ? (size_t)builder->offsets[builder->length] : 0;
    builder->expected = (builder->length + builder->length / 8 + 64) & ~(size_t)63;
    builder->data_expected = data + data / 8;
}

static bool export_builder(TarnColumnBuilder *builder, struct ArrowArray *array);

/* A map is a list of structs in Arrow: the struct has no builder of its own. */
static bool export_map_entries(TarnColumnBuilder *builder, struct ArrowArray *entries) {
    if (!init_array(entries, builder->children[0].length, 2)) return false;
    return export_builder(&builder->children[0], entries->children[0]) &&
           export_builder(&builder->children[1], entries->children[1]);
}

static bool export_builder(TarnColumnBuilder *builder, struct ArrowArray *array) {
    TarnTypeKind kind = builder->column->type.kind;
    bool is_map = kind == TARN_TYPE_MAP;
    if (builder->failed || (builder->capacity == 0 && !has_room(builder))) return false;
    if (!init_array(array, builder->length, is_map ? 1 : builder->child_count)) return false;
    ArrayOwner *owner = array->private_data;
    expect_again(builder);
    array->null_count = (int64_t)count_nulls(builder);
    if (array->null_count > 0) {
        owner->buffers[0] = builder->validity;
        builder->validity = NULL;
    }
    if (builder->values != NULL) {
        owner->buffers[1] = builder->values;
        array->n_buffers = 2;
        builder->values = NULL;
    } else if (builder->offsets != NULL) {
        owner->buffers[1] = builder->offsets;
        array->n_buffers = 2;
        builder->offsets = NULL;
        if (builder->child_count == 0) {
            owner->buffers[2] = builder->data;
            array->n_buffers = 3;
            builder->data = NULL;
        }
    }
    bool ok = true;
    if (is_map) {
        ok = export_map_entries(builder, array->children[0]);
    } else {
        for (size_t i = 0; i < builder->child_count && ok; i++) {
            ok = export_builder(&builder->children[i], array->children[i]);
        }
    }
    free_buffers(builder);
    return ok;
}

bool tarn_source__builders_export(TarnColumnBuilder *builders, size_t count,
                                  TarnColumnBuilder *rows, struct ArrowArray *array,
                                  TarnError *error) {
    array->release = NULL;
    bool ok = init_array(array, rows->length, count + 1);
    for (size_t i = 0; i < count && ok; i++) {
        ok = export_builder(&builders[i], array->children[i]);
    }
    ok = ok && export_builder(rows, array->children[count]);
    if (ok) return true;
    if (array->release != NULL) array->release(array);
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory while reading a file");
}

/* --- Arrow schema --- */

typedef struct SchemaOwner {
    char *name;
    char format[48];
    struct ArrowSchema *children;
    struct ArrowSchema **child_pointers;
} SchemaOwner;

static void release_schema(struct ArrowSchema *schema) {
    SchemaOwner *owner = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (owner->children[i].release != NULL) owner->children[i].release(&owner->children[i]);
    }
    free(owner->name);
    free(owner->children);
    free(owner->child_pointers);
    free(owner);
    schema->release = NULL;
}

static void write_format(TarnPrimitive type, char *out, size_t size) {
    switch (type.kind) {
    case TARN_TYPE_BOOLEAN: snprintf(out, size, "b"); break;
    case TARN_TYPE_INT: snprintf(out, size, "i"); break;
    case TARN_TYPE_LONG: snprintf(out, size, "l"); break;
    case TARN_TYPE_FLOAT: snprintf(out, size, "f"); break;
    case TARN_TYPE_DOUBLE: snprintf(out, size, "g"); break;
    case TARN_TYPE_DECIMAL: snprintf(out, size, "d:%d,%d", type.precision, type.scale); break;
    case TARN_TYPE_DATE: snprintf(out, size, "tdD"); break;
    case TARN_TYPE_TIME: snprintf(out, size, "ttu"); break;
    case TARN_TYPE_TIMESTAMP: snprintf(out, size, "tsu:"); break;
    case TARN_TYPE_TIMESTAMPTZ: snprintf(out, size, "tsu:UTC"); break;
    case TARN_TYPE_TIMESTAMP_NS: snprintf(out, size, "tsn:"); break;
    case TARN_TYPE_TIMESTAMPTZ_NS: snprintf(out, size, "tsn:UTC"); break;
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY: snprintf(out, size, "z"); break;
    case TARN_TYPE_STRUCT: snprintf(out, size, "+s"); break;
    case TARN_TYPE_LIST: snprintf(out, size, "+l"); break;
    case TARN_TYPE_MAP: snprintf(out, size, "+m"); break;
    default: snprintf(out, size, "u"); break; /* STRING, and UUID as its text */
    }
}

static bool init_schema(struct ArrowSchema *schema, const char *name, size_t child_count) {
    SchemaOwner *owner = calloc(1, sizeof(*owner));
    if (owner == NULL) return false;
    owner->name = strdup(name);
    owner->children = calloc(child_count + 1, sizeof(*owner->children));
    owner->child_pointers = calloc(child_count + 1, sizeof(struct ArrowSchema *));
    *schema = (struct ArrowSchema){.format = owner->format,
                                   .name = owner->name,
                                   .flags = ARROW_FLAG_NULLABLE,
                                   .children = owner->child_pointers,
                                   .release = release_schema,
                                   .private_data = owner};
    if (owner->name == NULL || owner->children == NULL || owner->child_pointers == NULL) {
        return false;
    }
    schema->n_children = (int64_t)child_count;
    for (size_t i = 0; i < child_count; i++) owner->child_pointers[i] = &owner->children[i];
    return true;
}

static bool describe_column(const TarnColumn *column, struct ArrowSchema *schema) {
    bool is_map = column->type.kind == TARN_TYPE_MAP;
    if (!init_schema(schema, column->name, is_map ? 1 : column->child_count)) return false;
    SchemaOwner *owner = schema->private_data;
    write_format(column->type, owner->format, sizeof(owner->format));
    struct ArrowSchema *parent = schema;
    if (is_map) {
        parent = schema->children[0];
        if (!init_schema(parent, "entries", 2)) return false;
        snprintf(((SchemaOwner *)parent->private_data)->format, sizeof(owner->format), "+s");
        parent->flags = 0;
    }
    for (size_t i = 0; i < column->child_count; i++) {
        if (!describe_column(&column->children[i], parent->children[i])) return false;
    }
    return true;
}

bool tarn_source__columns_schema(const TarnColumn *columns, size_t count,
                                 struct ArrowSchema *schema, TarnError *error) {
    schema->release = NULL;
    bool ok = init_schema(schema, "", count + 1);
    if (ok) snprintf(((SchemaOwner *)schema->private_data)->format, 4, "+s");
    for (size_t i = 0; i < count && ok; i++) ok = describe_column(&columns[i], schema->children[i]);
    ok = ok && describe_column(&tarn_source__row_column, schema->children[count]);
    if (ok) return true;
    if (schema->release != NULL) schema->release(schema);
    return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory while reading a file");
}
