/* Cutting an Arrow batch into slices without copying its values.
 *
 * Purpose: DuckDB takes 2048 rows at a time, connectors make batches of any size. A slice is a
 * shallow tree of arrays over the batch's buffers, one column each: DuckDB moves the ownership
 * of an array with its first column only, and a column that outlives its neighbours must keep
 * the batch alive by itself.
 * Idea: only the top of each column's tree needs copying (leaves and lists carry an offset), but
 * inside structs the offset moves down to the children, whose parents' validity bits are then
 * copied to begin at bit 0.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/arrow_private.h"

TarnEngineBatch *tarn_engine__batch_new(struct ArrowArray *array) {
    TarnEngineBatch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL) return NULL;
    batch->array = *array;
    array->release = NULL;
    atomic_init(&batch->references, 1);
    return batch;
}

void tarn_engine__batch_release(TarnEngineBatch *batch) {
    if (batch == NULL || atomic_fetch_sub(&batch->references, 1) != 1) return;
    if (batch->array.release != NULL) batch->array.release(&batch->array);
    free(batch);
}

/* A slice's memory is one list of blocks, freed together. */
typedef struct SliceBlock SliceBlock;
struct SliceBlock {
    SliceBlock *next;
    _Alignas(max_align_t) unsigned char data[];
};

typedef struct Slice {
    TarnEngineBatch *batch;
    SliceBlock *blocks;
} Slice;

static void *slice_alloc(Slice *slice, size_t size) {
    SliceBlock *block = calloc(1, sizeof(*block) + size);
    if (block == NULL) return NULL;
    block->next = slice->blocks;
    slice->blocks = block;
    return block->data;
}

static void free_slice(Slice *slice) {
    while (slice->blocks != NULL) {
        SliceBlock *next = slice->blocks->next;
        free(slice->blocks);
        slice->blocks = next;
    }
    tarn_engine__batch_release(slice->batch);
    free(slice);
}

static void slice_release(struct ArrowArray *array) {
    free_slice(array->private_data);
    array->release = NULL;
    array->private_data = NULL;
}

/* Children belong to their parent: releasing one does nothing. */
static void child_release(struct ArrowArray *array) { array->release = NULL; }

static bool copy_bits(Slice *slice, const uint8_t *from, int64_t start, int64_t count,
                      const void **out) {
    uint8_t *bits = slice_alloc(slice, (size_t)count / 8 + 9);
    if (bits == NULL) return false;
    for (int64_t i = 0; i < count; i++) {
        int64_t at = start + i;
        if (from[at / 8] >> (at % 8) & 1) bits[i / 8] |= (uint8_t)(1U << (i % 8));
    }
    *out = bits;
    return true;
}

static bool copy_shape(Slice *slice, const struct ArrowArray *from, struct ArrowArray *to) {
    *to = *from;
    to->release = child_release;
    to->private_data = NULL;
    if (from->n_buffers > 0) {
        size_t size = (size_t)from->n_buffers * sizeof(*to->buffers);
        to->buffers = slice_alloc(slice, size);
        if (to->buffers == NULL) return false;
        memcpy(to->buffers, from->buffers, size);
    }
    return true;
}

static bool slice_array(Slice *slice, const struct ArrowSchema *schema,
                        const struct ArrowArray *from, int64_t start, int64_t rows,
                        struct ArrowArray *to);

static bool slice_children(Slice *slice, const struct ArrowSchema *schema,
                           const struct ArrowArray *from, int64_t start, int64_t rows,
                           struct ArrowArray *to) {
    size_t count = (size_t)from->n_children;
    to->children = slice_alloc(slice, count * sizeof(*to->children));
    struct ArrowArray *children = slice_alloc(slice, count * sizeof(*children));
    if (to->children == NULL || children == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        to->children[i] = &children[i];
        if (!slice_array(slice, schema->children[i], from->children[i], start, rows,
                         &children[i])) {
            return false;
        }
    }
    return true;
}

static bool slice_array(Slice *slice, const struct ArrowSchema *schema,
                        const struct ArrowArray *from, int64_t start, int64_t rows,
                        struct ArrowArray *to) {
    if (!copy_shape(slice, from, to)) return false;
    bool is_struct = strcmp(schema->format, "+s") == 0;
    int64_t at = from->offset + start;
    bool has_validity = from->n_buffers > 0 && from->buffers[0] != NULL && from->null_count != 0;
    to->length = rows;
    to->null_count = has_validity ? 1 : 0; /* DuckDB only asks whether there are any */
    to->offset = is_struct ? 0 : at;
    if (is_struct) {
        return (!has_validity || copy_bits(slice, from->buffers[0], at, rows, &to->buffers[0])) &&
               slice_children(slice, schema, from, at, rows, to);
    }
    return true;
}

bool tarn_engine__batch_slice(TarnEngineBatch *batch, const struct ArrowSchema *schema,
                              int64_t column, int64_t start, int64_t rows,
                              struct ArrowArray *out) {
    memset(out, 0, sizeof(*out));
    Slice *slice = calloc(1, sizeof(*slice));
    if (slice == NULL) return false;
    atomic_fetch_add(&batch->references, 1);
    slice->batch = batch;
    struct ArrowArray *child = slice_alloc(slice, sizeof(*child));
    out->children = slice_alloc(slice, sizeof(*out->children));
    out->buffers = slice_alloc(slice, sizeof(*out->buffers));
    const struct ArrowArray *from = batch->array.children[column];
    if (child == NULL || out->children == NULL || out->buffers == NULL ||
        !slice_array(slice, schema->children[column], from, start, rows, child)) {
        free_slice(slice);
        return false;
    }
    out->children[0] = child;
    out->length = rows;
    out->n_buffers = 1;
    out->n_children = 1;
    out->private_data = slice;
    out->release = slice_release;
    return true;
}
