/* Footers through the store: what is read is the end of a file, in one or two ranges.
 */
#include "query/footer_private.h"

typedef struct RangeReader {
    TarnStore *store;
    const char *location;
} RangeReader;

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *arena,
                       TarnText *bytes, TarnError *error) {
    RangeReader *reader = context;
    return tarn_store_get(reader->store, reader->location,
                          (TarnStoreRange){(int64_t)offset, size}, size, arena, bytes, NULL,
                          error);
}

bool tarn_query__footer_read(TarnStore *store, const char *location, int64_t file_size,
                             TarnArena *arena, TarnParquetFooter **footer, TarnError *error) {
    RangeReader reader = {.store = store, .location = location};
    return tarn_format_parquet_footer_read(read_range, &reader, (uint64_t)file_size, location,
                                           arena, footer, error);
}
