/* The footer of a table's data file. */
#ifndef TARN_QUERY_FOOTER_PRIVATE_H
#define TARN_QUERY_FOOTER_PRIVATE_H

#include "format/parquet_footer.h"
#include "store/store.h"

/* Into the arena, which the footer's texts are views into. Errors as of
 * tarn_format_parquet_footer_read() and tarn_store_get(). */
bool tarn_query__footer_read(TarnStore *store, const char *location, int64_t file_size,
                             TarnArena *arena, TarnParquetFooter **footer,
                             TarnError *error) TARN_CHECKED;

#endif
