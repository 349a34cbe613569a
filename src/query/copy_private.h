/* Files of this machine that COPY may read or write. */
#ifndef TARN_QUERY_COPY_PRIVATE_H
#define TARN_QUERY_COPY_PRIVATE_H

#include "query/query_private.h"

typedef struct TarnCopyFile {
    const char *path;   /* absolute, without links, "." and ".."; may be a pattern for FROM */
    const char *folder; /* that it is in, or that the pattern begins with */
    const char *name;   /* the last part */
    bool pattern;
    uint64_t size; /* bytes, of a file that is read */
} TarnCopyFile;

/* The file of a statement, if it may be used: local files are allowed, it is outside of the lake's
 * own folders, and it is a file; for FROM also a pattern (*, ?, [..]) of files, for TO also nothing
 * yet. Errors point at the name. */
bool tarn_query__copy_file(TarnQuery *query, const TarnParsed *parsed, TarnArena *arena,
                           TarnCopyFile *file, TarnError *error) TARN_CHECKED;

typedef struct TarnCopyFrom {
    struct TarnInsert *write;
    const TarnParsed *parsed;
    const TarnSchema *schema; /* of the table */
    TarnCopyFile file;
    bool *taken;              /* per column of the schema */
    const TarnField **fields; /* that the file fills; of CSV in its order */
    size_t field_count;
    TarnEngine *engine;
    TarnEngineSession *session;
    bool header;  /* CSV: the first line is one */
    bool guesses; /* .. by its names, for the statement does not say */
    bool empty;   /* the file has no rows */
    TarnArena *arena;
    TarnError *error;
} TarnCopyFrom;

typedef enum TarnCopyReading { TARN_COPY_ROWS, TARN_COPY_NAMES } TarnCopyReading;

/* " FROM read_csv('file', ..)". For NAMES the fields of JSON and Parquet, the first line of CSV. */
void tarn_query__copy_reader(const TarnCopyFrom *copy, TarnCopyReading reading, TarnBuffer *sql);
/* Holds the file's names against the columns; sets header and empty. (copy_names.c) */
bool tarn_query__copy_names(TarnCopyFrom *copy) TARN_CHECKED;

/* A file that COPY .. TO writes: in a scratch folder until it is complete. */
typedef struct TarnCopyDraft {
    const TarnOs *os;
    const char *folder; /* NULL = none was made */
    const char *path;   /* what the engine writes; its name ends as the file's */
} TarnCopyDraft;

bool tarn_query__copy_draft_begin(TarnQuery *query, const TarnCopyFile *file, TarnArena *arena,
                                  TarnCopyDraft *draft, TarnError *error) TARN_CHECKED;
/* Gives it its name in one step, in place of what is there, once its bytes are durable. */
bool tarn_query__copy_draft_publish(TarnCopyDraft *draft, const TarnCopyFile *file,
                                    TarnError *error) TARN_CHECKED;
/* Removes what is left in the scratch folder; needed in any case. */
void tarn_query__copy_draft_end(TarnCopyDraft *draft);

#endif
