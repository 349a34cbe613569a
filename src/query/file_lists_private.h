/* What the SQL of a scan asks about the files it reads, by their place in a read_parquet list.
 *
 *   tarn_alive(list, file_index, file_row_number)   is the row not deleted by position?
 *   tarn_file_fact(list, which, file_index)         a number of the file: TarnFileFact
 *   tarn_mark(marks, action, task, position)        a row that a statement changes: marks.h
 *
 * A list belongs to the statement that was prepared last: the next one clears all of them, as it
 * replaces the views that name them. The engine's threads read them while the statement runs. */
#ifndef TARN_QUERY_FILE_LISTS_PRIVATE_H
#define TARN_QUERY_FILE_LISTS_PRIVATE_H

#include "engine/engine.h"
#include "format/roaring.h"

typedef enum TarnFileFact {
    TARN_FILE_TASK,         /* the file's place among the tasks of the plan */
    TARN_FILE_FIRST_ROW_ID, /* null if the file has none */
    TARN_FILE_SEQUENCE,     /* its data sequence number */
    TARN_FILE_PARTITION,    /* a number for its spec and partition: equality deletes */
    TARN_FILE_SIGN,         /* of a changelog: 1 = its rows came, -1 = they went */
    TARN_FILE_ORDINAL,      /* with which step */
    TARN_FILE_COMMIT,       /* of which snapshot */
    TARN_FILE_PAIRED,       /* 1 = rows of the step are told apart by their ids */
    TARN_FILE_FACT_COUNT
} TarnFileFact;

typedef struct TarnListedFile {
    const TarnRoaring *deleted; /* positions; NULL = none; lives as long as the list */
    bool only;                  /* no: these are the ones that are alive */
    int64_t facts[TARN_FILE_FACT_COUNT];
} TarnListedFile;

typedef struct TarnFileLists TarnFileLists;

/* The functions are registered in the session's engine, which frees the lists when it closes. */
bool tarn_query__file_lists_open(TarnEngineSession *session, TarnFileLists **lists,
                                 TarnError *error) TARN_CHECKED;
/* Only while no statement runs. Frees the bitmaps that were given away too. */
void tarn_query__file_lists_clear(TarnFileLists *lists);
/* Copies the items; *id is what the SQL names the list by. */
bool tarn_query__file_lists_add(TarnFileLists *lists, const TarnListedFile *items, size_t count,
                                int64_t *id, TarnError *error) TARN_CHECKED;
/* Takes the bitmap over, also when it fails. */
bool tarn_query__file_lists_own(TarnFileLists *lists, TarnRoaring *bitmap,
                                TarnError *error) TARN_CHECKED;

#endif
