/* Reading the members of table metadata with a path for each refusal. Private to metadata_*. */
#ifndef TARN_TABLE_METADATA_READ_PRIVATE_H
#define TARN_TABLE_METADATA_READ_PRIVATE_H

#include "table/metadata_private.h"

typedef struct TarnMetadataReader {
    const char *name; /* of the file, for errors */
    TarnArena *arena;
    const TarnJson *root;
    TarnTableMetadata *metadata;
    TarnError *error;
} TarnMetadataReader;

/* An object in the file: "" (the root), "snapshots[3]", "refs.main". */
typedef struct TarnMetadataPlace {
    const TarnJson *object;
    const char *list; /* NULL = the root */
    TarnText key;     /* of a member of an object; data NULL = an item of a list */
    size_t index;
} TarnMetadataPlace;

/* TARN_E_METADATA_INVALID: "<place>.<member>" <what>, at the line and column of the member, or of
 * the object if it lacks the member. `member` may be NULL: the object itself. */
bool tarn_table__metadata_refuse(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                 const char *member, const char *format, ...) TARN_PRINTF(4, 5);

/* Typed members. A missing or null member leaves *value as it is, unless `required`. */
bool tarn_table__metadata_int64(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                const char *member, bool required, int64_t *value) TARN_CHECKED;
bool tarn_table__metadata_int32(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                const char *member, bool required, int32_t *value) TARN_CHECKED;
bool tarn_table__metadata_string(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                 const char *member, bool required, const char **value)
    TARN_CHECKED;
/* An object of strings. `without` (may be NULL) is a key that goes to *taken instead. */
bool tarn_table__metadata_strings(const TarnMetadataReader *reader, const TarnMetadataPlace *place,
                                  const char *member, const char *without, const char **taken,
                                  TarnProperty **pairs, size_t *count) TARN_CHECKED;
/* A list or an object of objects; NULL if missing. */
bool tarn_table__metadata_children(const TarnMetadataReader *reader, const char *member,
                                   TarnJsonKind kind, bool required, const TarnJson **children)
    TARN_CHECKED;

/* metadata_history.c: snapshots, refs, both logs, both lists of statistics, and their rules. */
bool tarn_table__metadata_read_history(TarnMetadataReader *reader) TARN_CHECKED;
bool tarn_table__metadata_check_history(TarnMetadataReader *reader) TARN_CHECKED;

#endif
