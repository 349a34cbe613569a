/* What each text and binary format implements; source/reader.c picks one. */
#ifndef TARN_SOURCE_READER_PRIVATE_H
#define TARN_SOURCE_READER_PRIVATE_H

#include "base/limits.h"
#include "source/column_builder_private.h"

/* --- fields that no column takes (dropped.c) --- */

typedef struct TarnDrop {
    const TarnColumn *scope; /* the struct it is a field of; NULL = the row */
    size_t size;
    char name[TARN_LIMIT_IDENTIFIER_BYTES]; /* in the file; cut */
} TarnDrop;

typedef struct TarnDropState {
    size_t count; /* of names */
    bool more;
    uint64_t rows;
} TarnDropState;

/* What one slot dropped. Zeroed = nothing yet. */
typedef struct TarnDrops {
    TarnDrop items[TARN_SOURCE_DROPPED_NAMES];
    size_t expected;
    bool in_row;
    TarnDropState now;  /* with the row that is being read */
    TarnDropState sure; /* of rows that were kept */
} TarnDrops;

/* A field with a value; behind each row, whether it was kept or refused. */
void tarn_source__drops_note(TarnDrops *drops, const TarnColumn *scope, TarnText name);
void tarn_source__drops_keep(TarnDrops *drops);
void tarn_source__drops_forget(TarnDrops *drops);

/* --- readers --- */

typedef struct TarnReaderVtable {
    bool (*next)(void *state, uint32_t slot, TarnBatch *batch, bool *more, TarnError *error);
    const TarnDrops *(*drops)(void *state, uint32_t slot); /* NULL = there is no such slot */
    void (*close)(void *state);
} TarnReaderVtable;

struct TarnSourceReader {
    const TarnReaderVtable *vtable;
    void *state;
    const TarnColumn *columns;
    size_t column_count;
};

/* Opens fill reader->vtable and state; on false nothing is left open. */
bool tarn_source__csv_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                           TarnSourceReader *reader, TarnError *error) TARN_CHECKED;
bool tarn_source__json_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                            TarnSourceReader *reader, TarnError *error) TARN_CHECKED;
bool tarn_source__avro_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                            TarnSourceReader *reader, TarnError *error) TARN_CHECKED;

bool tarn_source__json_infer(const TarnOs *os, const char *path, TarnFileFormat format,
                             TarnFileCompression compression, TarnArena *arena,
                             TarnSourceGuess *guess, TarnError *error) TARN_CHECKED;
bool tarn_source__avro_infer(const TarnOs *os, const char *path, TarnArena *arena,
                             TarnSourceGuess *guess, TarnError *error) TARN_CHECKED;

/* Refused rows of one batch: list and texts live in an arena until the slot's next call. */
typedef struct TarnRejects {
    TarnReject *items;
    size_t count;
    size_t capacity;
    TarnArena arena;
} TarnRejects;

/* A batch ends when it has this many, so that a file of nothing but bad rows is bounded too. */
#define TARN_SOURCE_REJECTS_MAX 4096

void tarn_source__rejects_clear(TarnRejects *rejects);
/* A reject with a copy of the bytes; NULL when the arena failed. */
TarnReject *tarn_source__reject_add(TarnRejects *rejects, const char *column, TarnText bytes);
/* A value's start, at most `most` bytes, made printable for a reason; "" when the arena failed. */
const char *tarn_source__shown(TarnArena *arena, TarnText text, size_t most);
/* A name in lower case ASCII: the key under which names are the same. */
TarnText tarn_source__folded(TarnText name, TarnArena *arena);

/* Names of columns out of those of a file: not empty, not too long, and none twice, whatever the
 * case of its letters. NULL when the arena failed. */
const char **tarn_source__unique_names(const char *const *origins, size_t count,
                                       TarnArena *arena);

#endif
