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

/* The end of a file, fetched ahead: nearly always all of its footer. */
typedef struct TarnFooterTail {
    const char *location; /* given, as is the size */
    int64_t file_size;
    TarnArena arena;
    TarnText bytes; /* size 0 = not fetched */
} TarnFooterTail;

/* Fetches the ends of files on S3 many at a time, since each costs a round trip; elsewhere nothing.
 * What is wrong with one file is left to its own reading; false only where the store cannot be
 * reached, or the user has interrupted. Dispose either way. */
bool tarn_query__footer_tails_fetch(TarnStore *store, TarnFooterTail *tails, size_t count,
                                    TarnError *error) TARN_CHECKED;
void tarn_query__footer_tails_dispose(TarnFooterTail *tails, size_t count);
/* tarn_query__footer_read() from what was fetched ahead, as far as it goes. */
bool tarn_query__footer_read_tail(TarnStore *store, const TarnFooterTail *tail, TarnArena *arena,
                                  TarnParquetFooter **footer, TarnError *error) TARN_CHECKED;

#endif
