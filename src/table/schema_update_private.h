/* What schema_update.c and schema_union.c share. */
#ifndef TARN_TABLE_SCHEMA_UPDATE_PRIVATE_H
#define TARN_TABLE_SCHEMA_UPDATE_PRIVATE_H

#include "table/schema_private.h"

/* The fields of one level, to be changed in place. */
typedef struct TarnFieldList {
    TarnField **items;
    size_t *count;
} TarnFieldList;

/* Adds a copy of `field` with fresh ids behind the last one of `parent` (NULL = top level), after
 * all checks of a new column. */
bool tarn_table__update_append(TarnSchemaUpdate *update, TarnField *parent, const TarnField *field,
                               TarnError *error);
/* Widens one primitive field. `path` is for messages. */
bool tarn_table__update_promote(TarnSchemaUpdate *update, TarnField *field, const char *path,
                                TarnPrimitive to, TarnError *error);

#endif
