/* Avro object container files: schemas, reading, decoding by field id, generic values, writing.
 *
 * Sources: Apache Avro 1.11 specification, "Schema Declaration", "Data Serialization and
 * Deserialization", "Object Container Files", "Logical Types"; Iceberg table specification,
 * "Appendix A: Format-specific Requirements / Avro" (field-id, element-id, key-id, value-id, maps
 * with non-string keys as arrays of records, adjust-to-utc).
 *
 * The order of calls for a file whose records are known (a manifest):
 *
 *   tarn_format_avro_reader_open(bytes, name, arena, &reader, error)
 *   tarn_format_avro_plan_compile(tarn_format_avro_reader_schema(reader), &shape, NULL, arena,
 *                                 &plan, error)
 *   while (tarn_format_avro_reader_object(reader, arena, &cursor, error) && cursor != NULL) {
 *       entry = blank;
 *       tarn_format_avro_plan_decode(plan, cursor, &entry, arena, error)
 *   }
 *   tarn_format_avro_reader_close(reader)
 *
 * Whatever the bytes, nothing here reads outside of them, recurses beyond TARN_LIMIT_NESTING or
 * believes a count before it is checked against the bytes that are left. Errors, unless a function
 * says otherwise: TARN_E_FORMAT_CORRUPT, TARN_E_FORMAT_UNSUPPORTED (a codec tarn does not have),
 * TARN_E_LIMIT_EXCEEDED, TARN_E_OUT_OF_MEMORY; the message names the file, the byte, the object
 * and the field.
 */
#ifndef TARN_FORMAT_AVRO_H
#define TARN_FORMAT_AVRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/* ---- Schemas ------------------------------------------------------------------------------- */

typedef enum TarnAvroKind {
    TARN_AVRO_NULL,
    TARN_AVRO_BOOLEAN,
    TARN_AVRO_INT,
    TARN_AVRO_LONG,
    TARN_AVRO_FLOAT,
    TARN_AVRO_DOUBLE,
    TARN_AVRO_BYTES,
    TARN_AVRO_STRING,
    TARN_AVRO_FIXED,
    TARN_AVRO_ENUM,
    TARN_AVRO_RECORD,
    TARN_AVRO_ARRAY,
    TARN_AVRO_MAP,
    TARN_AVRO_UNION
} TarnAvroKind;

/* A logical type on a kind it does not fit, or unknown, is NONE, as the specification asks. */
typedef enum TarnAvroLogical {
    TARN_AVRO_LOGICAL_NONE,
    TARN_AVRO_LOGICAL_DECIMAL, /* bytes, fixed */
    TARN_AVRO_LOGICAL_UUID,    /* string, fixed(16) */
    TARN_AVRO_LOGICAL_DATE,    /* int */
    TARN_AVRO_LOGICAL_TIME_MILLIS,
    TARN_AVRO_LOGICAL_TIME_MICROS,
    TARN_AVRO_LOGICAL_TIMESTAMP_MILLIS,
    TARN_AVRO_LOGICAL_TIMESTAMP_MICROS,
    TARN_AVRO_LOGICAL_TIMESTAMP_NANOS,
    TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MILLIS,
    TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_MICROS,
    TARN_AVRO_LOGICAL_LOCAL_TIMESTAMP_NANOS,
    TARN_AVRO_LOGICAL_DURATION, /* fixed(12): months, days, milliseconds, little-endian uint32 */
    TARN_AVRO_LOGICAL_MAP       /* an array of {key, value} records: Iceberg's map of other keys */
} TarnAvroLogical;

#define TARN_AVRO_NO_ID (-1)

typedef struct TarnAvroSchema TarnAvroSchema;

typedef struct TarnAvroField {
    TarnText name;
    TarnText doc; /* data NULL = none */
    const TarnAvroSchema *type;
    const TarnJson *default_value; /* NULL = none */
    const TarnJson *json;          /* the whole declaration, for attributes not read here */
    int32_t field_id;              /* TARN_AVRO_NO_ID if absent or not an id */
} TarnAvroField;

/* A type. Immutable once parsed; recursive types point back to themselves. */
struct TarnAvroSchema {
    TarnAvroKind kind;
    TarnAvroLogical logical;
    TarnText full_name;    /* RECORD ENUM FIXED: with the namespace; else data NULL */
    TarnText doc;          /* data NULL = none */
    TarnAvroField *fields; /* RECORD; MAP: two pseudo fields, "key" (string) and "value" */
    size_t field_count;
    const TarnAvroSchema *item;      /* ARRAY: items; MAP: values */
    const TarnAvroSchema **branches; /* UNION */
    size_t branch_count;
    TarnText *symbols; /* ENUM */
    size_t symbol_count;
    size_t size;          /* FIXED: bytes */
    int32_t precision;    /* DECIMAL */
    int32_t scale;        /* DECIMAL */
    int32_t element_id;   /* ARRAY */
    int32_t key_id;       /* MAP */
    int32_t value_id;     /* MAP */
    int adjust_to_utc;    /* Iceberg's attribute of timestamps: -1 absent, 0, 1 */
    bool is_recursive;    /* RECORD: contains itself, at any depth */
    bool is_constant;     /* every value takes exactly minimum_bytes */
    size_t minimum_bytes; /* no value is shorter */
    const TarnJson *json; /* the declaration; NULL of synthesized types */
};

/* `name` is the user's file (.avsc) for errors with line and column, TARN_E_SCHEMA_FILE_INVALID;
 * NULL: a schema out of a container, TARN_E_FORMAT_CORRUPT. `json` must outlive the schema. */
bool tarn_format_avro_schema_parse(TarnText json, const char *name, TarnArena *arena,
                                   const TarnAvroSchema **schema, TarnError *error) TARN_CHECKED;
bool tarn_format_avro_schema_from_json(const TarnJson *json, const char *name, TarnArena *arena,
                                       const TarnAvroSchema **schema, TarnError *error)
    TARN_CHECKED;
/* NULL if absent or not a record */
const TarnAvroField *tarn_format_avro_schema_field(const TarnAvroSchema *record, TarnText name);
const TarnAvroField *tarn_format_avro_schema_field_by_id(const TarnAvroSchema *record, int32_t id);
/* The T of T, [T], ["null", T] and [T, "null"]; NULL of any other union. */
const TarnAvroSchema *tarn_format_avro_schema_required(const TarnAvroSchema *schema);
bool tarn_format_avro_schema_is_nullable(const TarnAvroSchema *schema);
const char *tarn_format_avro_kind_name(TarnAvroKind kind); /* "long" */

/* ---- Reading a container ------------------------------------------------------------------- */

typedef enum TarnAvroCodec {
    TARN_AVRO_CODEC_NULL,
    TARN_AVRO_CODEC_DEFLATE, /* RFC 1951, no zlib header */
    TARN_AVRO_CODEC_SNAPPY,  /* with the big-endian CRC-32 of the raw bytes, which is checked */
    TARN_AVRO_CODEC_ZSTANDARD
} TarnAvroCodec;

#define TARN_AVRO_SYNC_BYTES 16

typedef struct TarnAvroPair {
    TarnText key;
    TarnText value; /* any bytes */
} TarnAvroPair;

/* Where the bytes come from when they are not in memory. `read` fills exactly `size` bytes from
 * `offset`; it is never asked beyond `size` of the whole. */
typedef struct TarnAvroSource {
    void *state;
    uint64_t size;
    bool (*read)(void *state, uint64_t offset, void *out, size_t size, TarnError *error);
} TarnAvroSource;

/* A place in encoded bytes: the next thing to decode. Every view that decoding yields points into
 * the bytes between begin and end and lives as long as they do. */
typedef struct TarnAvroCursor {
    const unsigned char *at;
    const unsigned char *begin;
    const unsigned char *end;
    const char *name; /* for messages; NULL = none */
    uint64_t offset;  /* of the block in its file, for messages */
    uint64_t object;  /* number of the object in its file, from 0, for messages */
    uint32_t empties; /* values of no bytes this object may still have */
    uint32_t problem; /* private: what went wrong */
} TarnAvroCursor;

typedef struct TarnAvroBlock {
    TarnAvroCursor cursor; /* on the first object not yet decoded */
    uint64_t count;        /* objects in the block */
    uint64_t left;         /* objects that tarn_format_avro_block_object has not given out */
    uint64_t first;        /* number of the block's first object in the file, from 0 */
    uint64_t offset;       /* of the block in the file: what tarn_format_avro_reader_seek takes */
    uint64_t next_offset;  /* of the byte behind its sync marker */
} TarnAvroBlock;

typedef struct TarnAvroReader TarnAvroReader;

/* Reads the header. `bytes` (or what `source` reads) and `name`, which is only for messages, must
 * outlive the reader; the reader's own structures are in `arena`. Close frees what is not in an
 * arena: the codec's state and buffers. A reader has one owner. */
bool tarn_format_avro_reader_open(TarnText bytes, const char *name, TarnArena *arena,
                                  TarnAvroReader **reader, TarnError *error) TARN_CHECKED;
bool tarn_format_avro_reader_open_source(const TarnAvroSource *source, const char *name,
                                         TarnArena *arena, TarnAvroReader **reader,
                                         TarnError *error) TARN_CHECKED;
void tarn_format_avro_reader_close(TarnAvroReader *reader); /* NULL is fine */

const TarnAvroSchema *tarn_format_avro_reader_schema(const TarnAvroReader *reader);
TarnAvroCodec tarn_format_avro_reader_codec(const TarnAvroReader *reader);
/* All of the header's keys in file order, "avro.schema" and "avro.codec" among them. */
const TarnAvroPair *tarn_format_avro_reader_pairs(const TarnAvroReader *reader, size_t *count);
/* false if the key is absent */
bool tarn_format_avro_reader_metadata(const TarnAvroReader *reader, const char *key,
                                      TarnText *value);

/* The next block, decompressed; *more is false at the end of the file, and then *block is not
 * filled. Its bytes are in `arena`, except of the null codec in memory: then they are the bytes
 * given to open. A caller with much data resets `arena` before each call. */
bool tarn_format_avro_reader_block(TarnAvroReader *reader, TarnArena *arena, TarnAvroBlock *block,
                                   bool *more, TarnError *error) TARN_CHECKED;
/* Moves to the block's next object; *cursor is NULL behind the last one. Refuses a block with
 * bytes left over. Between two calls exactly one object must be decoded or skipped. */
bool tarn_format_avro_block_object(TarnAvroBlock *block, TarnAvroCursor **cursor, TarnError *error)
    TARN_CHECKED;
/* Both in one, for files whose blocks may all stay in `arena`: *cursor is NULL at the end of the
 * file. Not to be mixed with reader_block. */
bool tarn_format_avro_reader_object(TarnAvroReader *reader, TarnArena *arena,
                                    TarnAvroCursor **cursor, TarnError *error) TARN_CHECKED;
/* Continues at a block: `offset` as a TarnAvroBlock gave it, `first` the number of its first
 * object. Refused if no sync marker ends there. */
bool tarn_format_avro_reader_seek(TarnAvroReader *reader, uint64_t offset, uint64_t first,
                                  TarnError *error) TARN_CHECKED;

/* ---- Decoding into the caller's structs ---------------------------------------------------- */

/* What a wanted field becomes. A value that is null, and a field the file does not have, leave
 * the destination untouched: the caller fills it first with what absence shall look like. A TEXT
 * that is there never has data NULL, even when empty. Promotions are those of Avro's schema
 * resolution; logical types do not matter (a date is its int). */
typedef enum TarnAvroTarget {
    TARN_AVRO_TO_BOOL,   /* bool <- boolean */
    TARN_AVRO_TO_INT32,  /* int32_t <- int */
    TARN_AVRO_TO_INT64,  /* int64_t <- int, long */
    TARN_AVRO_TO_FLOAT,  /* float <- float */
    TARN_AVRO_TO_DOUBLE, /* double <- float, double */
    TARN_AVRO_TO_TEXT,   /* TarnText view <- string, bytes, fixed, enum (its symbol) */
    TARN_AVRO_TO_RECORD, /* the wanted fields of a nested record; see `shape` */
    TARN_AVRO_TO_LIST,   /* T * (not NULL even if empty), size_t <- array, map; see `item` */
    TARN_AVRO_TO_VALUES, /* TarnAvroValue *, size_t <- record: all its fields, in file order */
    TARN_AVRO_TO_MERGED  /* a member of the items of `merge` <- array of {int key, value} */
} TarnAvroTarget;

typedef struct TarnAvroWant TarnAvroWant;

/* The wanted fields of one record and the struct they go to. */
typedef struct TarnAvroShape {
    const TarnAvroWant *wants;
    size_t count;
    size_t size;       /* of the struct; used for the items of a LIST */
    const void *blank; /* LIST: what an item is before decoding; NULL = zeroes */
} TarnAvroShape;

/* Maps of one record with the same keys (column ids), merged into one array of structs sorted by
 * key: `T *` and `size_t` at the two offsets of the outer struct. Left untouched if no map has a
 * wanted key. A key comes once, even if a map has it twice: then one of its values stays. */
typedef struct TarnAvroMerge {
    size_t items_offset;
    size_t count_offset;
    size_t item_size;
    size_t key_offset; /* of the int32_t key in the item */
    const void *blank; /* what an item is before its values come; NULL = zeroes */
} TarnAvroMerge;

struct TarnAvroWant {
    int32_t field_id;
    const char *name; /* for messages; matched only in records without any field-id */
    TarnAvroTarget target;
    bool required; /* the file must have the field, and its value may not be null */
    /* In the enclosing struct. RECORD: added to the offsets of `shape`; MERGED: in the item. */
    size_t offset;
    size_t count_offset;        /* LIST, VALUES: of the size_t */
    TarnAvroTarget item;        /* LIST: BOOL .. TEXT, RECORD; MERGED: INT64, TEXT */
    const TarnAvroShape *shape; /* RECORD; LIST of RECORD */
    const TarnAvroMerge *merge; /* MERGED */
    /* MERGED: the ids of key and value; matched by the names "key" and "value" in records without
     * any field-id. */
    int32_t key_id;
    int32_t value_id;
};

/* A value of unknown type; of a union, its branch. */
typedef struct TarnAvroValue {
    const TarnAvroSchema *type; /* kind NULL: the value is null */
    int32_t field_id;           /* of the record's field, or TARN_AVRO_NO_ID */
    union {
        bool boolean;    /* BOOLEAN */
        int64_t integer; /* INT, LONG; ENUM: index of the symbol */
        double real;     /* FLOAT, DOUBLE */
        TarnText bytes;  /* BYTES, STRING, FIXED */
    } as;
} TarnAvroValue;

typedef struct TarnAvroPlanOptions {
    const int32_t *keys; /* sorted: only these keys are kept of MERGED maps; NULL = all */
    size_t key_count;
} TarnAvroPlanOptions;

typedef struct TarnAvroPlan TarnAvroPlan;

/* Compiles writer's schema x wanted fields, once a file. `schema` must be a record; `shape`, what
 * it points to, and `options` must outlive the plan, which lives in `arena` together with what it
 * reuses from object to object: a plan has one owner. Fields not wanted are skipped. LIST of an
 * Avro map: its key has the map's key-id and the name "key", its value value-id and "value".
 * Refused: a required field that is absent, a field whose type does not fit its target, two
 * fields of one record with the same id. */
bool tarn_format_avro_plan_compile(const TarnAvroSchema *schema, const TarnAvroShape *shape,
                                   const TarnAvroPlanOptions *options, TarnArena *arena,
                                   TarnAvroPlan **plan, TarnError *error) TARN_CHECKED;
/* Decodes one object and moves the cursor behind it. Lists and merged items are allocated in
 * `arena`; texts are views into the cursor's bytes (enum symbols: into the schema); the array of
 * VALUES is the plan's and valid until the next decode. On failure *object is half filled. */
bool tarn_format_avro_plan_decode(TarnAvroPlan *plan, TarnAvroCursor *cursor, void *object,
                                  TarnArena *arena, TarnError *error) TARN_CHECKED;

/* ---- Decoding without a struct: the schema tells what to call ------------------------------ */

/* A cursor over one datum outside of a container (a message of a stream). */
TarnAvroCursor tarn_format_avro_cursor(TarnText bytes, const char *name);

/* Each reads one value and moves behind it. */
bool tarn_format_avro_cursor_boolean(TarnAvroCursor *cursor, bool *value, TarnError *error)
    TARN_CHECKED;
bool tarn_format_avro_cursor_int(TarnAvroCursor *cursor, int32_t *value, TarnError *error)
    TARN_CHECKED;
bool tarn_format_avro_cursor_long(TarnAvroCursor *cursor, int64_t *value, TarnError *error)
    TARN_CHECKED;
bool tarn_format_avro_cursor_float(TarnAvroCursor *cursor, float *value, TarnError *error)
    TARN_CHECKED;
bool tarn_format_avro_cursor_double(TarnAvroCursor *cursor, double *value, TarnError *error)
    TARN_CHECKED;
/* bytes and string; whether a string is UTF-8 is not checked */
bool tarn_format_avro_cursor_bytes(TarnAvroCursor *cursor, TarnText *value, TarnError *error)
    TARN_CHECKED;
bool tarn_format_avro_cursor_fixed(TarnAvroCursor *cursor, size_t size, TarnText *value,
                                   TarnError *error) TARN_CHECKED;
/* the index of an enum's symbol, checked */
bool tarn_format_avro_cursor_symbol(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    size_t *index, TarnError *error) TARN_CHECKED;
/* the branch of a union, checked; its value follows */
bool tarn_format_avro_cursor_branch(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    const TarnAvroSchema **branch, TarnError *error) TARN_CHECKED;
/* Any value that is not a record, array or map (these: TARN_E_INTERNAL, a defect of the caller),
 * unions resolved. field_id is TARN_AVRO_NO_ID. */
bool tarn_format_avro_cursor_scalar(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    TarnAvroValue *value, TarnError *error) TARN_CHECKED;

/* Items of an array or map: before each item, and once more behind the last, call with the same
 * zero-initialised `items`; *more false = over. An item of a map is a string key, then a value. */
typedef struct TarnAvroItems {
    uint64_t left;                /* in the current run of items: a hint for how much to reserve */
    const unsigned char *run_end; /* private */
} TarnAvroItems;
bool tarn_format_avro_cursor_items(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                   TarnAvroItems *items, bool *more, TarnError *error) TARN_CHECKED;
/* One value of any type. */
bool tarn_format_avro_cursor_skip(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                  TarnError *error) TARN_CHECKED;

/* One value of any type as JSON for people and quarantine (not Avro's own JSON encoding: a union
 * is just its value). Records are objects, enums their symbol, floats that are not numbers the
 * strings "NaN", "Infinity", "-Infinity". Invalid UTF-8 becomes U+FFFD. A map's key that comes
 * twice is written twice. */
typedef struct TarnAvroJsonOptions {
    /* bytes and fixed: base64 (RFC 4648, padded), or lower-case hex */
    bool hex;
    /* decimals as text "-12.50", dates, times and timestamps as ISO 8601 text (Z unless local),
     * uuids as text, durations as ISO 8601 "P1M2DT3.004S"; else the number or bytes beneath */
    bool logical;
    int indent; /* 0 = one line */
} TarnAvroJsonOptions;
/* Appends to `out`; options NULL = all zero. A full `out` is TARN_E_LIMIT_EXCEEDED. On failure
 * what was appended is taken back. */
bool tarn_format_avro_value_to_json(TarnAvroCursor *cursor, const TarnAvroSchema *schema,
                                    const TarnAvroJsonOptions *options, TarnBuffer *out,
                                    TarnError *error) TARN_CHECKED;

/* ---- Writing ------------------------------------------------------------------------------- */

typedef struct TarnAvroWriterOptions {
    TarnText schema;              /* JSON text, written as it is */
    const TarnAvroPair *metadata; /* written in order behind the schema and codec */
    size_t metadata_count;
    TarnAvroCodec codec;
    unsigned char sync_marker[TARN_AVRO_SYNC_BYTES]; /* random, the caller's */
    size_t block_bytes; /* raw bytes at which a block ends; 0 = 64 KiB */
} TarnAvroWriterOptions;

/* The caller's struct: begin / (encode, object_end)* / finish, and dispose in any case. */
typedef struct TarnAvroWriter {
    TarnBuffer block; /* raw bytes of the open block: encode values into it */
    TarnBuffer stored;
    TarnBuffer *out;
    uint64_t objects; /* in the open block */
    uint64_t total;   /* in the file */
    size_t block_bytes;
    size_t complete; /* bytes of `block` that are whole objects */
    TarnAvroCodec codec;
    unsigned char sync_marker[TARN_AVRO_SYNC_BYTES];
    void *codec_state;
} TarnAvroWriter;

/* Appends the header to `out`. Refused with TARN_E_INTERNAL: a key "avro.*" in the metadata. */
bool tarn_format_avro_writer_begin(TarnAvroWriter *writer, const TarnAvroWriterOptions *options,
                                   TarnBuffer *out, TarnError *error) TARN_CHECKED;
/* What was put into writer->block since the last call is one object. */
bool tarn_format_avro_writer_object_end(TarnAvroWriter *writer, TarnError *error) TARN_CHECKED;
/* Drops what was put into writer->block since the last object_end. */
void tarn_format_avro_writer_object_cancel(TarnAvroWriter *writer);
/* Writes the last block. */
bool tarn_format_avro_writer_finish(TarnAvroWriter *writer, TarnError *error) TARN_CHECKED;
void tarn_format_avro_writer_dispose(TarnAvroWriter *writer); /* safe on zeroed memory */

/* Encoding of values, in schema order. Failure shows in the buffer. null is no bytes. */
void tarn_format_avro_put_boolean(TarnBuffer *out, bool value);
void tarn_format_avro_put_long(TarnBuffer *out, int64_t value); /* int, long, enum index */
void tarn_format_avro_put_float(TarnBuffer *out, float value);
void tarn_format_avro_put_double(TarnBuffer *out, double value);
void tarn_format_avro_put_bytes(TarnBuffer *out, TarnText value); /* bytes, string */
void tarn_format_avro_put_fixed(TarnBuffer *out, TarnText value); /* size must be the type's */
void tarn_format_avro_put_branch(TarnBuffer *out, size_t index);  /* of a union; value follows */
/* Items of an array or map (key, value): begin with their number, then end. Further begin calls
 * before the end add further runs. */
void tarn_format_avro_put_items_begin(TarnBuffer *out, size_t count);
void tarn_format_avro_put_items_end(TarnBuffer *out);

#endif
