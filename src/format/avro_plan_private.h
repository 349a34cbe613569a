/* The compiled form of schema x wanted fields, shared by its compiler and its interpreter.
 *
 * A plan is one flat array of steps. Steps run in order; those of optional values and unions
 * jump, those of arrays run the steps that follow them up to `jump` once an item.
 */
#ifndef TARN_FORMAT_AVRO_PLAN_PRIVATE_H
#define TARN_FORMAT_AVRO_PLAN_PRIVATE_H

#include "format/avro_private.h"

typedef enum TarnAvroStepCode {
    TARN_AVRO_STEP_SKIP_FIXED,   /* as.size bytes */
    TARN_AVRO_STEP_SKIP_VARINTS, /* as.size of them */
    TARN_AVRO_STEP_SKIP_BYTES,
    TARN_AVRO_STEP_SKIP_ITEMS,  /* as.schema: the array or map; body up to jump */
    TARN_AVRO_STEP_SKIP_SCHEMA, /* as.schema, walked: recursive types */
    TARN_AVRO_STEP_OPTIONAL,    /* branch null_branch of two is null: to jump */
    TARN_AVRO_STEP_SWITCH,      /* as.jumps, by branch */
    TARN_AVRO_STEP_JUMP,
    TARN_AVRO_STEP_REFUSE_NULL,
    TARN_AVRO_STEP_BOOL,
    TARN_AVRO_STEP_INT32,
    TARN_AVRO_STEP_INT64,
    TARN_AVRO_STEP_FLOAT,
    TARN_AVRO_STEP_DOUBLE,
    TARN_AVRO_STEP_DOUBLE_OF_FLOAT,
    TARN_AVRO_STEP_TEXT,
    TARN_AVRO_STEP_TEXT_FIXED,  /* as.size */
    TARN_AVRO_STEP_TEXT_SYMBOL, /* as.schema */
    TARN_AVRO_STEP_LIST,        /* as.list; body up to jump */
    TARN_AVRO_STEP_MERGE,       /* as.merge; body up to jump */
    TARN_AVRO_STEP_MERGE_END,   /* as.rows */
    TARN_AVRO_STEP_VALUES       /* as.values */
} TarnAvroStepCode;

typedef struct TarnAvroJumps {
    uint32_t *to;
    size_t count;
} TarnAvroJumps;

typedef struct TarnAvroListStep {
    size_t count_offset;
    size_t item_size;
    size_t item_minimum; /* encoded bytes */
    const void *blank;
} TarnAvroListStep;

typedef struct TarnAvroOrder {
    int32_t key;
    uint32_t index; /* of the row */
} TarnAvroOrder;

/* The rows of one TarnAvroMerge while an object is being decoded. Reused. */
typedef struct TarnAvroRows {
    const TarnAvroMerge *merge;
    unsigned char *items; /* item_size each */
    uint32_t *set;        /* per row: which maps gave it a value */
    TarnAvroOrder *order; /* for sorting; as many as rows */
    size_t count;
    size_t capacity;
    size_t sorted; /* rows 0 .. sorted-1 ascend strictly */
    size_t next;   /* where the next key is expected */
    uint32_t maps; /* numbers given out to maps */
    struct {       /* by map, for joining rows of the same key */
        uint32_t offset;
        uint32_t size;
    } members[32];
} TarnAvroRows;

/* Where the body of a map's item puts what it reads when the item is not {int, long | bytes}. */
typedef struct TarnAvroMergeItem {
    int32_t key;
    int64_t integer;
    TarnText text;
} TarnAvroMergeItem;

typedef struct TarnAvroMergeStep {
    TarnAvroRows *rows;
    uint32_t map; /* its number in rows */
    bool is_text;
    bool is_plain; /* item is {int key, long or bytes value}: read without the body */
    size_t item_minimum;
} TarnAvroMergeStep;

typedef struct TarnAvroValuesStep {
    const TarnAvroSchema *record;
    TarnAvroValue *values;
    size_t count_offset;
} TarnAvroValuesStep;

typedef struct TarnAvroStep {
    uint8_t code;
    uint8_t null_branch;
    bool refuse_null;
    uint32_t offset; /* destination */
    uint32_t jump;
    union {
        size_t size;
        const TarnAvroSchema *schema;
        TarnAvroJumps *jumps;
        TarnAvroListStep *list;
        TarnAvroMergeStep *merge;
        TarnAvroRows *rows;
        TarnAvroValuesStep *values;
    } as;
} TarnAvroStep;

struct TarnAvroPlan {
    TarnArena *arena;
    struct {
        TarnAvroStep *items;
        size_t count;
        size_t capacity;
    } steps;
    struct { /* by step: the field it belongs to, for messages; NULL at the top */
        const TarnAvroField **items;
        size_t count;
        size_t capacity;
    } fields;
    struct {
        TarnAvroRows **items;
        size_t count;
        size_t capacity;
    } rows;
    const int32_t *keys;
    size_t key_count;
    bool has_keys;
};

/* Merged maps (avro_merge.c). Resets what a failed object left. */
void tarn_format__avro_rows_reset(TarnAvroRows *rows);
/* Reads one map into its rows; false with a problem in the cursor. */
bool tarn_format__avro_merge_plain(TarnAvroPlan *plan, const TarnAvroMergeStep *step,
                                   TarnAvroCursor *cursor, uint64_t count);
/* One value; false: no memory. */
bool tarn_format__avro_merge_item(TarnAvroPlan *plan, const TarnAvroMergeStep *step,
                                  const TarnAvroMergeItem *item);
/* Delivers the rows to `object`, sorted; false: no memory. */
bool tarn_format__avro_merge_end(TarnAvroRows *rows, unsigned char *object, TarnArena *arena);

#endif
