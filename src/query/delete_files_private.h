/* Deletes by position, written: position delete files in version 2, vectors in version 3. */
#ifndef TARN_QUERY_DELETE_FILES_PRIVATE_H
#define TARN_QUERY_DELETE_FILES_PRIVATE_H

#include "query/query_private.h"

/* Rows of one data file that are to be deleted. */
typedef struct TarnNewDeletes {
    const TarnScanTask *task;
    const TarnRoaring *fresh; /* positions deleted now */
    const TarnRoaring *old;   /* those deleted before; NULL = none */
} TarnNewDeletes;

typedef struct TarnDeleteFilesOptions {
    TarnQuery *query;
    TarnStore *store;
    const TarnTableMetadata *metadata;
    const char *commit_id; /* in every file name */
    bool joined; /* one file for the data files of a partition, unless the table says otherwise */
} TarnDeleteFilesOptions;

/* What a change of the table adds and removes for them. */
typedef struct TarnDeleteFiles {
    TarnDataFile *items;
    size_t count;
    const char **locations; /* of the files written; a Puffin file holds many vectors */
    size_t location_count;
    TarnRemovedDelete *removed; /* what the new deletion vectors take the place of */
    size_t removed_count;
} TarnDeleteFiles;

/* `deletes` is sorted here. On an error the caller abandons the intent. Memory in the arena. */
bool tarn_query__delete_files_write(const TarnDeleteFilesOptions *options, TarnNewDeletes *deletes,
                                    size_t count, TarnArena *arena, TarnDeleteFiles *files,
                                    TarnError *error) TARN_CHECKED;

/* --- within delete_files.c and deletion_vectors.c --- */

typedef struct TarnDeleteFilesWriter {
    const TarnDeleteFilesOptions *options;
    TarnArena *arena;
    TarnDeleteFiles *files;
    TarnError *error;
} TarnDeleteFilesWriter;

/* One Puffin file with a deletion vector for each data file. */
bool tarn_query__deletion_vectors_write(TarnDeleteFilesWriter *writer,
                                        const TarnNewDeletes *deletes, size_t count);

#endif
