/* What the Avro reader and the schema files share. */
#ifndef TARN_SOURCE_AVRO_PRIVATE_H
#define TARN_SOURCE_AVRO_PRIVATE_H

#include "format/avro.h"
#include "source/reader_private.h"

typedef struct TarnAvroMapping {
    const char *file; /* a schema file: what has no column type is refused with its place.
                       * NULL = a data file: it becomes a column of JSON texts. */
    bool as_required; /* what cannot be null is a required column */
} TarnAvroMapping;

/* The columns of a record: T or ["null", T] of every type; maps, arrays and records nest. */
bool tarn_source__avro_columns(const TarnAvroSchema *record, const TarnAvroMapping *mapping,
                               TarnArena *arena, TarnColumn **columns, size_t *count,
                               TarnError *error) TARN_CHECKED;

/* The columns of a JSON Schema (json_schema.c). */
bool tarn_source__json_schema(const TarnJson *root, TarnText text, const char *file,
                              TarnArena *arena, TarnColumn **columns, size_t *count,
                              TarnError *error) TARN_CHECKED;

#endif
