/* Avro values into column builders (avro_value.c). */
#ifndef TARN_SOURCE_AVRO_VALUE_PRIVATE_H
#define TARN_SOURCE_AVRO_VALUE_PRIVATE_H

#include "source/avro_private.h"
#include "source/column_text_private.h"

/* How the values of one type of the file become values of one column. Immutable once made. */
typedef struct TarnAvroDecoder TarnAvroDecoder;
struct TarnAvroDecoder {
    const TarnAvroSchema *schema;
    const TarnColumn *column;  /* NULL: the row */
    TarnAvroDecoder *children; /* fields of a record, branches of a union, item, key and value */
    size_t child_count;
    int32_t *targets; /* record: field -> child of the column, -1 = not wanted */
    size_t *missing;  /* record: children of the column the file does not have */
    size_t missing_count;
};

/* What one thread needs to decode rows. */
typedef struct TarnAvroRow {
    TarnAvroCursor *cursor;
    TarnArena *arena;   /* for reasons */
    TarnBuffer *text;   /* room for JSON texts */
    const char *reason; /* why the row is refused; NULL with a false result = damaged bytes */
    const char *path;
    const char *column;
    bool refuse_extra_fields;
    TarnDrops *drops;
    TarnError *error;
} TarnAvroRow;

/* Columns that neither the record has nor may be null are told through `absent`. */
bool tarn_source__avro_decoder(const TarnAvroSchema *record, const TarnColumn *columns,
                               size_t count, bool missing_as_null, TarnArena *arena,
                               TarnAvroDecoder **decoder, const TarnColumn **absent,
                               TarnError *error) TARN_CHECKED;
/* One value to each builder. False: see `reason`; the builders are then to be truncated, and the
 * cursor is anywhere. */
bool tarn_source__avro_read_row(TarnAvroRow *row, const TarnAvroDecoder *decoder,
                                TarnColumnBuilder *builders);

#endif
