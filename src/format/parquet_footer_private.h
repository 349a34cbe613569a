/* Shared by the two halves of the Parquet footer parser. Private to format/. */
#ifndef TARN_FORMAT_PARQUET_FOOTER_PRIVATE_H
#define TARN_FORMAT_PARQUET_FOOTER_PRIVATE_H

#include "format/parquet_footer.h"
#include "format/thrift_compact_private.h"

/* Reads the field `schema` of FileMetaData into footer->nodes and columns: levels, parents and
 * ends computed, names and types checked. Failure shows in the reader. */
void tarn_format__parquet_schema_read(TarnThriftReader *reader, const TarnThriftField *field,
                                      TarnArena *arena, TarnParquetFooter *footer);

/* TARN_E_FORMAT_UNSUPPORTED: the footer of "name" <what>. */
void tarn_format__parquet_unsupported(TarnThriftReader *reader, const char *what);
/* An arena's array, or a failed reader. */
void *tarn_format__parquet_array(TarnThriftReader *reader, TarnArena *arena, size_t count,
                                 size_t size);

#endif
