/* What reading a CSV file and guessing at one share: the file's start. */
#ifndef TARN_SOURCE_CSV_PRIVATE_H
#define TARN_SOURCE_CSV_PRIVATE_H

#include "source/piece_private.h"
#include "source/reader_private.h"

typedef struct TarnCsvHeader {
    const char **origins; /* as in the file, unquoted; without a header: those of the columns */
    const char **names;   /* the same made unique and not empty */
    size_t count;
} TarnCsvHeader;

/* Passes over a byte order mark, the lines to skip and the header. *shape gets the newline the
 * file uses. UTF-16 and UTF-32 are refused by name. An empty file has the columns wanted. */
bool tarn_source__csv_header(TarnPieces *pieces, const char *path, const TarnCsvDialect *dialect,
                             TarnRecordShape *shape, const TarnColumn *columns,
                             size_t column_count, TarnArena *arena, TarnCsvHeader *header,
                             TarnError *error) TARN_CHECKED;

typedef struct TarnCsvFields {
    TarnText *items; /* unquoted; views or arena copies */
    bool *quoted;
    size_t count;
    size_t capacity;
    size_t quoted_capacity;
} TarnCsvFields;

/* One record at `at` into fields (cleared first), leniently: for headers and samples. False at
 * the end of the data. */
bool tarn_source__csv_record(TarnText data, size_t at, TarnRecordShape shape, TarnArena *arena,
                             TarnCsvFields *fields, size_t *end, uint64_t *lines);
/* After BOM; *newline as the text uses it. Refuses UTF-16/32. */
bool tarn_source__csv_start(TarnText data, const char *path, size_t *bom_size, uint8_t *newline,
                            TarnError *error) TARN_CHECKED;

bool tarn_source__csv_infer(const TarnOs *os, const char *path, TarnFileCompression compression,
                            const TarnCsvDialect *fixed, TarnArena *arena, TarnSourceGuess *guess,
                            TarnError *error) TARN_CHECKED;

#endif
