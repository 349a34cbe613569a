/* Footers through the store: what is read is the end of a file, in one or two ranges.
 */
#include "query/footer_private.h"

#include <inttypes.h>

typedef struct RangeReader {
    TarnStore *store;
    const char *location;
    uint64_t file_size; /* as the table's metadata has it */
} RangeReader;

/* Data files are never rewritten: somebody has put another in its place, or cut it. */
static bool refuse_size(const RangeReader *reader, uint64_t size, TarnError *error) {
    tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                        "the data file \"%s\" has %" PRIu64 " bytes, the table's metadata says %"
                        PRIu64, reader->location, size, reader->file_size);
    return tarn_base_error_hint(error, "it was overwritten or cut after it was written; bring it "
                                       "back, or roll the table back");
}

static bool read_range(void *context, uint64_t offset, size_t size, TarnArena *arena,
                       TarnText *bytes, TarnError *error) {
    RangeReader *reader = context;
    TarnStoreObject object;
    if (!tarn_store_get(reader->store, reader->location, (TarnStoreRange){(int64_t)offset, size},
                        size, arena, bytes, &object, error)) {
        return false;
    }
    return object.size == reader->file_size || refuse_size(reader, object.size, error);
}

bool tarn_query__footer_read(TarnStore *store, const char *location, int64_t file_size,
                             TarnArena *arena, TarnParquetFooter **footer, TarnError *error) {
    RangeReader reader = {.store = store, .location = location,
                          .file_size = (uint64_t)file_size};
    return tarn_format_parquet_footer_read(read_range, &reader, (uint64_t)file_size, location,
                                           arena, footer, error);
}
