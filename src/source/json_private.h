/* What the files of the JSON readers share. */
#ifndef TARN_SOURCE_JSON_PRIVATE_H
#define TARN_SOURCE_JSON_PRIVATE_H

#include "base/map.h"
#include "source/column_text_private.h"
#include "source/csv_private.h"
#include "source/reader_private.h"

/* --- elements of a document (json_split.c) --- */

typedef enum TarnElement {
    TARN_ELEMENT_FOUND,
    TARN_ELEMENT_CUT /* the data ends inside of it */
} TarnElement;

/* Passes over white space, commas, and the brackets of the outermost array. */
size_t tarn_source__json_separators(const uint8_t *data, size_t size, size_t at, bool *in_array);
/* Where the element that starts at `at` < size ends. */
TarnElement tarn_source__json_element(const uint8_t *data, size_t size, size_t at, size_t *end);

/* A JSON or NDJSON file ready to be cut (json_reader.c). */
bool tarn_source__json_pieces(const TarnOs *os, const char *path, TarnFileFormat format,
                              TarnFileCompression compression, size_t piece_bytes,
                              TarnPieces **pieces, TarnError *error) TARN_CHECKED;

/* --- values (json_value.c) --- */

/* A column made ready for reading: its fields by name. Immutable once made. */
typedef struct TarnJsonPlan TarnJsonPlan;
struct TarnJsonPlan {
    const TarnColumn *column; /* NULL: the row */
    TarnText key;             /* name in the file */
    TarnJsonPlan *children;
    size_t child_count;
    TarnMap exact;  /* STRUCT and row: name in the file -> child + 1 */
    TarnMap folded; /* by lower case */
};

/* The plan of a row of these columns; arena failure shows in the arena. */
TarnJsonPlan *tarn_source__json_plan(const TarnColumn *columns, size_t count, TarnArena *arena);

typedef struct TarnJsonRow {
    const uint8_t *at; /* moves */
    const uint8_t *end;
    const uint8_t *start;
    TarnArena *arena;     /* for reasons */
    TarnBuffer *unescaped;
    bool valid_utf8;      /* all of the bytes are known to be */
    bool refuse_extra_fields;
    TarnDrops *drops;
    uint32_t depth;
    const char *path;     /* of what was refused, built from its end: "[3].price" */
    const char *reason;   /* NULL = good so far */
    const char *column;   /* the row's column it is in */
    bool is_value;        /* the reason is about a value, not about the JSON itself */
} TarnJsonRow;

/* Reads one object at row->at into the builders, one value each, and moves behind it. On false
 * row->reason is set; the builders may then be unequally filled and are to be truncated. */
bool tarn_source__json_read_row(TarnJsonRow *row, const TarnJsonPlan *plan,
                                TarnColumnBuilder *builders);
void tarn_source__json_spaces(TarnJsonRow *row);
/* The full reason, path included. */
const char *tarn_source__json_reason(TarnJsonRow *row);

#endif
