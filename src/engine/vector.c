/* Views over DuckDB's vectors.
 *
 * Purpose: a chunk is read through plain pointers (validity words, a data array, children)
 * without a copy and without a DuckDB type in sight. The tree of views is made once per result
 * and only its pointers change from chunk to chunk.
 * Chunks that are fetched, and the arguments of C functions, are flat all the way down: DuckDB
 * copies them into its buffer or flattens them first.
 */
#include <string.h>

#include "engine/engine_private.h"

/* One map entry as a struct: DuckDB has no such type by itself, so it is made here. */
static const TarnEngineType *entry_type(const TarnEngineType *map, TarnArena *arena) {
    static const char *const names[] = {"key", "value"};
    TarnEngineType *entry = TARN_NEW(arena, TarnEngineType);
    if (entry == NULL) return NULL;
    entry->kind = TARN_ENGINE_STRUCT;
    entry->child_count = 2;
    entry->children = map->children;
    entry->names = names;
    return entry;
}

static const TarnEngineType *tag_type(void) {
    static const TarnEngineType tag = {.kind = TARN_ENGINE_UTINYINT};
    return &tag;
}

void tarn_engine__vector_init(TarnEngineVector *view, const TarnEngineType *type,
                              TarnArena *arena) {
    memset(view, 0, sizeof(*view));
    view->type = type;
    uint32_t tag = type->kind == TARN_ENGINE_UNION ? 1 : 0;
    uint32_t count = type->kind == TARN_ENGINE_MAP ? 1 : type->child_count + tag;
    if (count == 0) return;
    view->children = TARN_NEW_ARRAY(arena, count, TarnEngineVector);
    if (view->children == NULL) return;
    view->child_count = count;
    if (type->kind == TARN_ENGINE_MAP) {
        const TarnEngineType *entry = entry_type(type, arena);
        if (entry != NULL) tarn_engine__vector_init(&view->children[0], entry, arena);
        return;
    }
    if (tag == 1) tarn_engine__vector_init(&view->children[0], tag_type(), arena);
    for (uint32_t i = 0; i < type->child_count; i++) {
        tarn_engine__vector_init(&view->children[i + tag], &type->children[i], arena);
    }
}

void tarn_engine__vector_fill(TarnEngineVector *view, duckdb_vector vector, uint64_t rows) {
    const TarnEngineFunctions *duck = &tarn_engine__duck;
    view->rows = rows;
    view->validity = duck->vector_get_validity(vector);
    view->data = NULL;
    switch (view->type->kind) {
    case TARN_ENGINE_STRUCT:
    case TARN_ENGINE_UNION:
        for (uint32_t i = 0; i < view->child_count; i++) {
            tarn_engine__vector_fill(&view->children[i], duck->struct_vector_get_child(vector, i),
                                     rows);
        }
        break;
    case TARN_ENGINE_LIST:
    case TARN_ENGINE_MAP:
        view->data = duck->vector_get_data(vector);
        tarn_engine__vector_fill(&view->children[0], duck->list_vector_get_child(vector),
                                 duck->list_vector_get_size(vector));
        break;
    case TARN_ENGINE_ARRAY:
        tarn_engine__vector_fill(&view->children[0], duck->array_vector_get_child(vector),
                                 rows * view->type->array_size);
        break;
    case TARN_ENGINE_INVALID:
    case TARN_ENGINE_VARIANT:
    case TARN_ENGINE_NULL: break;
    default: view->data = duck->vector_get_data(vector); break;
    }
}

static TarnText enum_word(const TarnEngineVector *vector, uint64_t row) {
    const TarnEngineType *type = vector->type;
    uint32_t index;
    switch (type->enum_bytes) {
    case 1: index = ((const uint8_t *)vector->data)[row]; break;
    case 2: index = ((const uint16_t *)vector->data)[row]; break;
    default: index = ((const uint32_t *)vector->data)[row]; break;
    }
    return index < type->word_count ? type->words[index] : (TarnText){"", 0};
}

TarnText tarn_engine_vector_text(const TarnEngineVector *vector, uint64_t row) {
    if (tarn_engine_vector_null(vector, row)) return (TarnText){"", 0};
    switch (vector->type->kind) {
    case TARN_ENGINE_ENUM: return enum_word(vector, row);
    case TARN_ENGINE_VARCHAR:
    case TARN_ENGINE_BLOB:
    case TARN_ENGINE_BIT:
    case TARN_ENGINE_BIGNUM:
    case TARN_ENGINE_GEOMETRY: break;
    default: return (TarnText){"", 0};
    }
    const duckdb_string_t *string = &((const duckdb_string_t *)vector->data)[row];
    uint32_t size = string->value.inlined.length;
    if (size <= sizeof(string->value.inlined.inlined)) {
        return (TarnText){string->value.inlined.inlined, size};
    }
    return (TarnText){string->value.pointer.ptr, size};
}

void tarn_engine_vector_list(const TarnEngineVector *vector, uint64_t row, uint64_t *offset,
                             uint64_t *length) {
    *offset = *length = 0;
    if (tarn_engine_vector_null(vector, row)) return;
    if (vector->type->kind == TARN_ENGINE_ARRAY) {
        *offset = row * vector->type->array_size;
        *length = vector->type->array_size;
    } else if (vector->type->kind == TARN_ENGINE_LIST || vector->type->kind == TARN_ENGINE_MAP) {
        const duckdb_list_entry *entry = &((const duckdb_list_entry *)vector->data)[row];
        *offset = entry->offset;
        *length = entry->length;
    }
}

static bool int128_to_int64(TarnEngineInt128 value, bool is_unsigned, int64_t *out) {
    int64_t low = (int64_t)value.lower;
    *out = low;
    if (is_unsigned) return value.upper == 0 && low >= 0;
    return value.upper == (low < 0 ? -1 : 0);
}

static bool decimal_int64(const TarnEngineVector *vector, uint64_t row, int64_t *value) {
    uint8_t width = vector->type->width;
    if (width <= 4) {
        *value = ((const int16_t *)vector->data)[row];
    } else if (width <= 9) {
        *value = ((const int32_t *)vector->data)[row];
    } else if (width <= 18) {
        *value = ((const int64_t *)vector->data)[row];
    } else {
        return int128_to_int64(((const TarnEngineInt128 *)vector->data)[row], false, value);
    }
    return true;
}

bool tarn_engine_vector_int64(const TarnEngineVector *vector, uint64_t row, int64_t *value) {
    *value = 0;
    if (tarn_engine_vector_null(vector, row)) return false;
    switch (vector->type->kind) {
    case TARN_ENGINE_BOOLEAN:
    case TARN_ENGINE_UTINYINT: *value = ((const uint8_t *)vector->data)[row]; return true;
    case TARN_ENGINE_TINYINT: *value = ((const int8_t *)vector->data)[row]; return true;
    case TARN_ENGINE_SMALLINT: *value = ((const int16_t *)vector->data)[row]; return true;
    case TARN_ENGINE_USMALLINT: *value = ((const uint16_t *)vector->data)[row]; return true;
    case TARN_ENGINE_INTEGER:
    case TARN_ENGINE_DATE: *value = ((const int32_t *)vector->data)[row]; return true;
    case TARN_ENGINE_UINTEGER: *value = ((const uint32_t *)vector->data)[row]; return true;
    case TARN_ENGINE_BIGINT:
    case TARN_ENGINE_TIME:
    case TARN_ENGINE_TIME_NS:
    case TARN_ENGINE_TIMESTAMP:
    case TARN_ENGINE_TIMESTAMP_S:
    case TARN_ENGINE_TIMESTAMP_MS:
    case TARN_ENGINE_TIMESTAMP_NS:
    case TARN_ENGINE_TIMESTAMP_TZ: *value = ((const int64_t *)vector->data)[row]; return true;
    case TARN_ENGINE_UBIGINT: {
        uint64_t wide = ((const uint64_t *)vector->data)[row];
        *value = (int64_t)wide;
        return wide <= INT64_MAX;
    }
    case TARN_ENGINE_HUGEINT:
    case TARN_ENGINE_UHUGEINT:
        return int128_to_int64(((const TarnEngineInt128 *)vector->data)[row],
                               vector->type->kind == TARN_ENGINE_UHUGEINT, value);
    case TARN_ENGINE_DECIMAL: return decimal_int64(vector, row, value);
    default: return false;
    }
}

/* Through the digits, so that the nearest double comes out whatever the scale. */
static bool decimal_double(const TarnEngineVector *vector, uint64_t row, double *value) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, 256);
    tarn_engine__decimal_write(vector, row, true, &text);
    bool done = !text.failed && tarn_base_text_to_double(tarn_base_buffer_view(&text), value);
    tarn_base_buffer_dispose(&text);
    return done;
}

static double int128_double(const TarnEngineVector *vector, uint64_t row) {
    const TarnEngineInt128 *value = &((const TarnEngineInt128 *)vector->data)[row];
    double upper = vector->type->kind == TARN_ENGINE_UHUGEINT ? (double)(uint64_t)value->upper
                                                              : (double)value->upper;
    return upper * 18446744073709551616.0 + (double)value->lower;
}

bool tarn_engine_vector_double(const TarnEngineVector *vector, uint64_t row, double *value) {
    *value = 0;
    if (tarn_engine_vector_null(vector, row)) return false;
    switch (vector->type->kind) {
    case TARN_ENGINE_FLOAT: *value = (double)((const float *)vector->data)[row]; return true;
    case TARN_ENGINE_DOUBLE: *value = ((const double *)vector->data)[row]; return true;
    case TARN_ENGINE_DECIMAL: return decimal_double(vector, row, value);
    case TARN_ENGINE_UBIGINT: *value = (double)((const uint64_t *)vector->data)[row]; return true;
    case TARN_ENGINE_HUGEINT:
    case TARN_ENGINE_UHUGEINT: *value = int128_double(vector, row); return true;
    default: break;
    }
    int64_t integer;
    if (!tarn_engine_vector_int64(vector, row, &integer)) return false;
    *value = (double)integer;
    return true;
}
