/* What the fuzzers of sources share: the bytes as a file, and what must hold of every reading,
 * whatever the bytes: rows and rejects together are numbered 1..n, each once, a reject has exactly
 * the bytes at its place, and pieces of another size bring the same. */
#ifndef TARN_TESTS_FUZZ_SOURCE_H
#define TARN_TESTS_FUZZ_SOURCE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "fuzz.h"
#include "source/source.h"

/* A file in memory with the bytes, one per process. */
static const char *fuzz_file(const uint8_t *data, size_t size) {
    static int descriptor = -1;
    static char path[64];
    if (descriptor < 0) {
        descriptor = memfd_create("fuzz", 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    }
    FUZZ_CHECK(descriptor >= 0 && ftruncate(descriptor, (off_t)size) == 0);
    FUZZ_CHECK(pwrite(descriptor, data, size, 0) == (ssize_t)size);
    return path;
}

/* What a reading brought. */
typedef struct FuzzReading {
    bool opened;
    uint64_t rows;
    uint64_t rejects;
    uint64_t last; /* number */
    uint64_t hash; /* of values and reasons, in order */
} FuzzReading;

static uint64_t hash_array(const struct ArrowArray *array, uint64_t hash) {
    hash = tarn_base_hash64(&array->length, sizeof(array->length), hash);
    hash = tarn_base_hash64(&array->null_count, sizeof(array->null_count), hash);
    if (array->n_buffers == 3) {
        const int32_t *offsets = array->buffers[1];
        for (int64_t i = 0; i < array->length; i++) FUZZ_CHECK(offsets[i] <= offsets[i + 1]);
        size_t size = (size_t)offsets[array->length];
        if (size > 0) hash = tarn_base_hash64(array->buffers[2], size, hash);
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        hash = hash_array(array->children[i], hash);
    }
    return hash;
}

/* Sums do not depend on how rows are spread over batches. */
static void fuzz_take(FuzzReading *reading, const TarnBatch *batch, const uint8_t *data,
                      size_t size, bool whole_bytes) {
    const struct ArrowArray *numbers = batch->array.children[batch->array.n_children - 1];
    const int64_t *rows = numbers->buffers[1];
    int64_t at = 0;
    for (int64_t i = 0; i < batch->array.n_children; i++) {
        FUZZ_CHECK(batch->array.children[i]->length == batch->array.length);
        (void)hash_array(batch->array.children[i], 0);
    }
    for (size_t i = 0; i <= batch->reject_count; i++) {
        const TarnReject *reject = i < batch->reject_count ? &batch->rejects[i] : NULL;
        for (; at < batch->array.length && (reject == NULL || rows[at] < (int64_t)reject->row);
             at++) {
            FUZZ_CHECK((uint64_t)rows[at] == reading->last + 1 || !whole_bytes);
            reading->last = (uint64_t)rows[at];
        }
        if (reject == NULL) break;
        FUZZ_CHECK(reject->reason != NULL && reject->reason[0] != '\0');
        FUZZ_CHECK(reject->row == reading->last + 1 || !whole_bytes);
        reading->last = reject->row;
        if (whole_bytes && reject->bytes.size > 0) {
            FUZZ_CHECK(reject->offset + reject->bytes.size <= size);
            FUZZ_CHECK(memcmp(data + reject->offset, reject->bytes.data, reject->bytes.size) == 0);
        }
        reading->hash = tarn_base_hash64(reject->reason, strlen(reject->reason), reading->hash);
    }
    reading->rows += (uint64_t)batch->array.length;
    reading->rejects += batch->reject_count;
}

static FuzzReading fuzz_read(const char *path, const TarnSourceOptions *options,
                             const uint8_t *data, size_t size, bool whole_bytes) {
    FuzzReading reading = {0};
    TarnSourceReader *reader;
    TarnError error = {0};
    if (!tarn_source_reader_open(tarn_os_posix(), path, options, &reader, &error)) {
        fuzz_check_refusal(&error, false);
        return reading;
    }
    reading.opened = true;
    for (;;) {
        TarnBatch batch = {0};
        bool more = false;
        if (!tarn_source_reader_next(reader, 0, &batch, &more, &error)) {
            fuzz_check_refusal(&error, false);
            break;
        }
        if (!more) break;
        fuzz_take(&reading, &batch, data, size, whole_bytes);
        batch.array.release(&batch.array);
    }
    tarn_source_reader_close(reader);
    return reading;
}

/* The same in pieces of another size. */
__attribute__((unused)) static void fuzz_read_twice(const char *path, TarnSourceOptions options,
                                                    size_t piece_bytes, const uint8_t *data,
                                                    size_t size) {
    options.piece_bytes = 65536; /* one piece; the usual size is much slower to allocate */
    FuzzReading first = fuzz_read(path, &options, data, size, true);
    options.piece_bytes = piece_bytes;
    FuzzReading second = fuzz_read(path, &options, data, size, true);
    FUZZ_CHECK(first.opened == second.opened && first.rows == second.rows);
    FUZZ_CHECK(first.rejects == second.rejects && first.hash == second.hash);
    FUZZ_CHECK(first.last == first.rows + first.rejects);
}

#endif
