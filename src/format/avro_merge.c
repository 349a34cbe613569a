/* Maps of one object with the same keys, merged into rows.
 *
 * The maps of a manifest entry (column sizes, value counts, bounds, ...) have nearly always the
 * same keys in the same order. So each key is first looked for where the last one's successor is;
 * on a miss by binary search among the rows that ascend; and only keys that come out of order are
 * appended without a search. If that happened, the rows are sorted at the end and those of the
 * same key joined, member by member. Whatever the order of keys, an object of n values costs no
 * more than n log n.
 */
#include <stdlib.h>

#include "format/avro_plan_private.h"

#define FIRST_ROWS 32
/* A row can be wider than its value is long in the file; indexes while sorting are 32 bits. */
#define ROWS_MAX ((size_t)UINT32_MAX / 2)

void tarn_format__avro_rows_reset(TarnAvroRows *rows) {
    rows->count = 0;
    rows->sorted = 0;
    rows->next = 0;
}

static inline unsigned char *row_at(const TarnAvroRows *rows, size_t index) {
    return rows->items + index * rows->merge->item_size;
}

static inline int32_t key_at(const TarnAvroRows *rows, size_t index) {
    int32_t key;
    memcpy(&key, row_at(rows, index) + rows->merge->key_offset, sizeof(key));
    return key;
}

static bool is_kept(const TarnAvroPlan *plan, int32_t key) {
    if (!plan->has_keys) return true;
    size_t low = 0;
    size_t high = plan->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plan->keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < plan->key_count && plan->keys[low] == key;
}

static bool grow(TarnAvroPlan *plan, TarnAvroRows *rows) {
    size_t capacity = rows->capacity > 0 ? rows->capacity * 2 : FIRST_ROWS;
    if (capacity > ROWS_MAX) return false;
    void *items = tarn_base_arena_array(plan->arena, capacity, rows->merge->item_size);
    uint32_t *set = TARN_NEW_ARRAY(plan->arena, capacity, uint32_t);
    TarnAvroOrder *order = TARN_NEW_ARRAY(plan->arena, capacity, TarnAvroOrder);
    if (items == NULL || set == NULL || order == NULL) return false;
    if (rows->count > 0) {
        memcpy(items, rows->items, rows->count * rows->merge->item_size);
        memcpy(set, rows->set, rows->count * sizeof(*set));
    }
    rows->items = items;
    rows->set = set;
    rows->order = order;
    rows->capacity = capacity;
    return true;
}

static bool append_row(TarnAvroPlan *plan, TarnAvroRows *rows, int32_t key) {
    const TarnAvroMerge *merge = rows->merge;
    if (rows->count == rows->capacity && !grow(plan, rows)) return false;
    unsigned char *row = row_at(rows, rows->count);
    if (merge->blank != NULL) {
        memcpy(row, merge->blank, merge->item_size);
    } else {
        memset(row, 0, merge->item_size);
    }
    memcpy(row + merge->key_offset, &key, sizeof(key));
    rows->set[rows->count] = 0;
    bool ascends = rows->count == 0 || key_at(rows, rows->count - 1) < key;
    if (rows->sorted == rows->count && ascends) rows->sorted++;
    rows->count++;
    return true;
}

/* The row of a key not found at rows->next; leaves rows->next behind it. *is_skipped: the key is
 * not wanted. false: no memory. */
static bool find_row(TarnAvroPlan *plan, TarnAvroRows *rows, int32_t key, bool *is_skipped) {
    *is_skipped = !is_kept(plan, key);
    if (*is_skipped) return true;
    /* The first map's keys come in their order: nothing to search. */
    bool is_last = rows->sorted == 0 || key_at(rows, rows->sorted - 1) < key;
    size_t low = is_last ? rows->sorted : 0;
    size_t high = rows->sorted;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_at(rows, middle) < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < rows->sorted && key_at(rows, low) == key) {
        rows->next = low + 1;
        return true;
    }
    if (!append_row(plan, rows, key)) return false;
    rows->next = rows->count;
    return true;
}

/* Finds the row of `key`; *index is SIZE_MAX if it is not wanted. false: no memory. */
static inline bool seek_row(TarnAvroPlan *plan, TarnAvroRows *rows, int32_t key, size_t *index) {
    if (rows->next < rows->count && key_at(rows, rows->next) == key) {
        *index = rows->next++;
        return true;
    }
    bool is_skipped = false;
    if (!find_row(plan, rows, key, &is_skipped)) return false;
    *index = is_skipped ? SIZE_MAX : rows->next - 1;
    return true;
}

static inline void set_value(const TarnAvroMergeStep *step, size_t index, const void *value,
                             size_t size) {
    TarnAvroRows *rows = step->rows;
    memcpy(row_at(rows, index) + rows->members[step->map].offset, value, size);
    rows->set[index] |= 1u << step->map;
}

bool tarn_format__avro_merge_item(TarnAvroPlan *plan, const TarnAvroMergeStep *step,
                                  const TarnAvroMergeItem *item) {
    size_t index = 0;
    if (!seek_row(plan, step->rows, item->key, &index)) return false;
    if (index == SIZE_MAX) return true;
    if (step->is_text) {
        set_value(step, index, &item->text, sizeof(item->text));
    } else {
        set_value(step, index, &item->integer, sizeof(item->integer));
    }
    return true;
}

static bool merge_texts(TarnAvroPlan *plan, const TarnAvroMergeStep *step, TarnAvroCursor *cursor,
                        uint64_t count) {
    for (; count > 0; count--) {
        int32_t key = 0;
        TarnText text = {NULL, 0};
        size_t index = 0;
        if (!tarn_format__avro_take_int(cursor, &key) ||
            !tarn_format__avro_take_bytes(cursor, &text)) {
            return false;
        }
        if (!seek_row(plan, step->rows, key, &index)) {
            return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
        }
        if (index != SIZE_MAX) set_value(step, index, &text, sizeof(text));
    }
    return true;
}

static bool merge_integers(TarnAvroPlan *plan, const TarnAvroMergeStep *step,
                           TarnAvroCursor *cursor, uint64_t count) {
    for (; count > 0; count--) {
        int32_t key = 0;
        int64_t integer = 0;
        size_t index = 0;
        if (!tarn_format__avro_take_int(cursor, &key) ||
            !tarn_format__avro_take_long(cursor, &integer)) {
            return false;
        }
        if (!seek_row(plan, step->rows, key, &index)) {
            return tarn_format__avro_problem(cursor, TARN_AVRO_PROBLEM_MEMORY);
        }
        if (index != SIZE_MAX) set_value(step, index, &integer, sizeof(integer));
    }
    return true;
}

bool tarn_format__avro_merge_plain(TarnAvroPlan *plan, const TarnAvroMergeStep *step,
                                   TarnAvroCursor *cursor, uint64_t count) {
    /* A copy that no store into a row can alias stays in registers. */
    TarnAvroCursor local = *cursor;
    bool is_done = step->is_text ? merge_texts(plan, step, &local, count)
                                 : merge_integers(plan, step, &local, count);
    *cursor = local;
    return is_done;
}

/* ---- Delivery ------------------------------------------------------------------------------ */

static int compare_order(const void *left, const void *right) {
    const TarnAvroOrder *a = left;
    const TarnAvroOrder *b = right;
    if (a->key != b->key) return a->key < b->key ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* Adds to `row` what the maps gave to `later`, a row of the same key. */
static void join_row(const TarnAvroRows *rows, unsigned char *row, size_t later) {
    const unsigned char *from = row_at(rows, later);
    for (uint32_t map = 0; map < rows->maps; map++) {
        if ((rows->set[later] & 1u << map) == 0) continue;
        memcpy(row + rows->members[map].offset, from + rows->members[map].offset,
               rows->members[map].size);
    }
}

/* Sorts and joins into `out`, which has room for all rows; the number of keys. */
static size_t sort_rows(const TarnAvroRows *rows, unsigned char *out) {
    size_t size = rows->merge->item_size;
    TarnAvroOrder *order = rows->order;
    for (size_t i = 0; i < rows->count; i++) {
        order[i] = (TarnAvroOrder){key_at(rows, i), (uint32_t)i};
    }
    qsort(order, rows->count, sizeof(*order), compare_order);
    size_t made = 0;
    for (size_t i = 0; i < rows->count; i++) {
        bool is_new = i == 0 || order[i - 1].key != order[i].key;
        if (is_new) {
            memcpy(out + made++ * size, row_at(rows, order[i].index), size);
        } else {
            join_row(rows, out + (made - 1) * size, order[i].index);
        }
    }
    return made;
}

bool tarn_format__avro_merge_end(TarnAvroRows *rows, unsigned char *object, TarnArena *arena) {
    const TarnAvroMerge *merge = rows->merge;
    size_t count = rows->count;
    if (count == 0) return true;
    unsigned char *items = tarn_base_arena_array(arena, count, merge->item_size);
    if (items == NULL) return false;
    if (rows->sorted == count) {
        memcpy(items, rows->items, count * merge->item_size);
    } else {
        count = sort_rows(rows, items);
    }
    memcpy(object + merge->items_offset, &items, sizeof(items));
    memcpy(object + merge->count_offset, &count, sizeof(count));
    tarn_format__avro_rows_reset(rows);
    return true;
}
