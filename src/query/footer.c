/* Footers through the store: what is read is the end of a file, in one or two ranges.
 */
#include "query/footer_private.h"

#include <inttypes.h>

#include "base/limits.h"
#include "store/s3.h"

typedef struct RangeReader {
    TarnStore *store;
    const char *location;
    uint64_t file_size; /* as the table's metadata has it */
    TarnText tail;      /* the file's last bytes, as far as they are known; size 0 = not at all */
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
    uint64_t known = reader->file_size - reader->tail.size;
    if (offset >= known && size <= reader->file_size - offset) {
        *bytes = (TarnText){reader->tail.data + (offset - known), size};
        return true;
    }
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

/* ---- many at a time ---------------------------------------------------------------------- */

#define TAIL_BYTES (64 * TARN_KIB) /* what the reader of footers asks for first */

static bool passes(TarnErrorCode code) {
    return code == TARN_E_UNAVAILABLE || code == TARN_E_TIMEOUT || code == TARN_E_INTERRUPTED;
}

typedef struct Fetching {
    TarnStore *store;
    TarnFooterTail *tails;
} Fetching;

static bool fetch_tail(void *state, size_t index, TarnError *error) {
    const Fetching *fetching = state;
    TarnFooterTail *tail = &fetching->tails[index];
    TarnStoreObject object;
    TarnText bytes;
    if (tail->file_size <= 0) return true;
    uint64_t size = tail->file_size < (int64_t)TAIL_BYTES ? (uint64_t)tail->file_size : TAIL_BYTES;
    TarnStoreRange range = {tail->file_size - (int64_t)size, size};
    if (!tarn_store_get(fetching->store, tail->location, range, size, &tail->arena, &bytes,
                        &object, error)) {
        return !passes(error->code);
    }
    if (object.size == (uint64_t)tail->file_size && bytes.size == size) tail->bytes = bytes;
    return true;
}

bool tarn_query__footer_tails_fetch(TarnStore *store, TarnFooterTail *tails, size_t count,
                                    TarnError *error) {
    Fetching fetching = {.store = store, .tails = tails};
    for (size_t i = 0; i < count; i++) {
        tarn_base_arena_init(&tails[i].arena, TARN_MIB);
        tails[i].bytes = (TarnText){"", 0};
    }
    return !tarn_store_is_s3(tarn_base_text(store->root)) || count < 2 ||
           tarn_os_parallel(TARN_LIMIT_SCAN_STAT_THREADS, count, fetch_tail, &fetching, error);
}

void tarn_query__footer_tails_dispose(TarnFooterTail *tails, size_t count) {
    for (size_t i = 0; i < count; i++) tarn_base_arena_dispose(&tails[i].arena);
}

bool tarn_query__footer_read_tail(TarnStore *store, const TarnFooterTail *tail, TarnArena *arena,
                                  TarnParquetFooter **footer, TarnError *error) {
    RangeReader reader = {.store = store, .location = tail->location,
                          .file_size = (uint64_t)tail->file_size, .tail = tail->bytes};
    return tarn_format_parquet_footer_read(read_range, &reader, (uint64_t)tail->file_size,
                                           tail->location, arena, footer, error);
}
