/* The rows of all files of a load as one Arrow stream that several threads pull from.
 *
 * A thread takes a slot, asks the reader of the current file for its next piece, and hands out
 * the batch. When a file has no more pieces the next one is opened; a file is closed when the
 * last thread in it is done. Refused rows go to the spool on the way, and the first failure ends
 * the stream for all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "flow/load_private.h"
#include "source/batch_builder.h"

#define SLOTS_MAX 64
/* Rows after which a hopeless error rate ends the load early. */
#define EARLY_ROWS 100000
/* Names of fields, a few for each slot of a file. */
#define DROPPED_BYTES_MAX (64 * TARN_MIB)

typedef struct OpenFile {
    TarnSourceReader *reader;
    uint32_t index;
    uint32_t users;
    bool ended;
} OpenFile;

struct TarnLoadStream {
    TarnLoadStreamOptions options;
    pthread_mutex_t mutex;
    OpenFile *current; /* NULL = the next file is to be opened */
    size_t next_file;
    bool slot_taken[SLOTS_MAX];
    bool failed;
    TarnError error;
    TarnLoadProgress progress;
    TarnArena arena; /* of `dropped`: threads add to it, so it cannot be the load's */
    TarnSourceDropped dropped;
};

bool tarn_flow__load_stream_new(const TarnLoadStreamOptions *options, TarnLoadStream **stream,
                                TarnError *error) {
    *stream = calloc(1, sizeof(**stream));
    if (*stream == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    (*stream)->options = *options;
    if ((*stream)->options.slots > SLOTS_MAX) (*stream)->options.slots = SLOTS_MAX;
    (*stream)->progress.bytes_total = options->bytes_total;
    tarn_base_arena_init(&(*stream)->arena, DROPPED_BYTES_MAX);
    pthread_mutex_init(&(*stream)->mutex, NULL);
    return true;
}

static void close_file(OpenFile *file) {
    if (file == NULL) return;
    tarn_source_reader_close(file->reader);
    free(file);
}

void tarn_flow__load_stream_free(TarnLoadStream *stream) {
    if (stream == NULL) return;
    close_file(stream->current);
    pthread_mutex_destroy(&stream->mutex);
    tarn_base_arena_dispose(&stream->arena);
    free(stream);
}

bool tarn_flow__load_stream_error(TarnLoadStream *stream, TarnError *error) {
    pthread_mutex_lock(&stream->mutex);
    bool failed = stream->failed;
    if (failed) *error = stream->error;
    pthread_mutex_unlock(&stream->mutex);
    return failed;
}

void tarn_flow__load_stream_dropped(TarnLoadStream *stream, TarnArena *arena,
                                    TarnSourceDropped *dropped) {
    pthread_mutex_lock(&stream->mutex);
    tarn_source_dropped_join(dropped, &stream->dropped, arena);
    pthread_mutex_unlock(&stream->mutex);
}

/* --- files, under the mutex --- */

/* A file that cannot be read at all: in quarantine as one entry, or the end of the load. */
static bool refuse_file(TarnLoadStream *stream, uint32_t index, const TarnError *why,
                        TarnError *error) {
    TarnLoadFile *file = &stream->options.files[index];
    const TarnLoadOptions *load = stream->options.load;
    bool of_the_file = why->code == TARN_E_SOURCE_UNREADABLE ||
                       why->code == TARN_E_FORMAT_CORRUPT ||
                       why->code == TARN_E_FORMAT_UNSUPPORTED;
    bool others = stream->options.file_count > 1;
    if (!of_the_file || load->on_error == TARN_ON_ERROR_FAIL || !others) {
        *error = *why;
        return false;
    }
    file->refused = strdup(why->message);
    TarnReject reject = {.reason = file->refused != NULL ? file->refused : "unreadable",
                         .line = why->line,
                         .bytes = {"", 0}};
    return load->on_error != TARN_ON_ERROR_QUARANTINE ||
           tarn_flow__spool_add(stream->options.spool, index, &reject, error);
}

static bool open_next(TarnLoadStream *stream, TarnError *error) {
    while (stream->current == NULL && stream->next_file < stream->options.file_count) {
        uint32_t index = (uint32_t)stream->next_file++;
        TarnLoadFile *file = &stream->options.files[index];
        if (file->done_before || file->format == TARN_FILE_PARQUET) continue;
        TarnSourceOptions options = {
            .format = file->format,
            .compression = file->compression,
            .csv = stream->options.csv,
            .columns = stream->options.columns,
            .column_count = stream->options.column_count,
            .slots = stream->options.slots,
            .missing_as_null = stream->options.load->drift != TARN_DRIFT_FREEZE,
            .refuse_extra_fields = stream->options.load->drift == TARN_DRIFT_DISCARD_ROW};
        TarnSourceReader *reader = NULL;
        TarnError why = {0};
        if (!tarn_source_reader_open(stream->options.load->os, file->path, &options, &reader,
                                     &why)) {
            if (!refuse_file(stream, index, &why, error)) return false;
            continue;
        }
        stream->current = calloc(1, sizeof(*stream->current));
        if (stream->current == NULL) {
            tarn_source_reader_close(reader);
            return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
        }
        stream->current->reader = reader;
        stream->current->index = index;
        stream->progress.file = file->path;
    }
    return true;
}

/* Takes the current file and a slot in it; *file NULL = there is none left. */
static bool enter(TarnLoadStream *stream, OpenFile **file, uint32_t *slot, TarnError *error) {
    pthread_mutex_lock(&stream->mutex);
    *file = NULL;
    bool ok = stream->failed || open_next(stream, error);
    if (ok && !stream->failed && stream->current != NULL) {
        *file = stream->current;
        (*file)->users++;
        for (*slot = 0; stream->slot_taken[*slot]; ++*slot) {
        }
        stream->slot_taken[*slot] = true;
    }
    pthread_mutex_unlock(&stream->mutex);
    return ok;
}

/* Under the mutex. */
static void take_dropped(TarnLoadStream *stream, const TarnSourceReader *reader) {
    TarnArena arena;
    TarnSourceDropped dropped = {0};
    tarn_base_arena_init(&arena, DROPPED_BYTES_MAX);
    tarn_source_reader_dropped(reader, &arena, &dropped);
    tarn_source_dropped_join(&stream->dropped, &dropped, &stream->arena);
    TarnError error = {0};
    if ((!tarn_base_arena_check(&arena, &error) ||
         !tarn_base_arena_check(&stream->arena, &error)) &&
        !stream->failed) {
        stream->error = error;
        stream->failed = true;
    }
    tarn_base_arena_dispose(&arena);
}

static void leave(TarnLoadStream *stream, OpenFile *file, uint32_t slot, bool ended) {
    pthread_mutex_lock(&stream->mutex);
    stream->slot_taken[slot] = false;
    file->ended = file->ended || ended;
    file->users--;
    if (file->ended && stream->current == file) stream->current = NULL;
    bool last = file->ended && file->users == 0;
    if (last) take_dropped(stream, file->reader);
    pthread_mutex_unlock(&stream->mutex);
    if (last) close_file(file);
}

static bool has_failed(TarnLoadStream *stream) {
    pthread_mutex_lock(&stream->mutex);
    bool failed = stream->failed;
    pthread_mutex_unlock(&stream->mutex);
    return failed;
}

static int fail(TarnLoadStream *stream, const TarnError *error) {
    pthread_mutex_lock(&stream->mutex);
    if (!stream->failed) stream->error = *error;
    stream->failed = true;
    pthread_mutex_unlock(&stream->mutex);
    return error->code == TARN_E_INTERRUPTED ? ECANCELED : EIO;
}

/* --- batches --- */

static bool refuse_row(const TarnLoadFile *file, const TarnReject *reject, TarnError *error) {
    tarn_base_error_set(error, TARN_E_ROW_REFUSED, "%s", reject->reason);
    tarn_base_error_place(error, file->path, (uint32_t)reject->line, reject->line > 0 ? 1 : 0);
    return tarn_base_error_hint(error, "with --on-error quarantine the other rows are loaded and "
                                       "this one is kept aside");
}

static bool take_rejects(TarnLoadStream *stream, uint32_t index, const TarnBatch *batch,
                         TarnError *error) {
    const TarnLoadOptions *load = stream->options.load;
    for (size_t i = 0; i < batch->reject_count; i++) {
        if (load->on_error == TARN_ON_ERROR_FAIL) {
            return refuse_row(&stream->options.files[index], &batch->rejects[i], error);
        }
        if (load->on_error == TARN_ON_ERROR_QUARANTINE &&
            !tarn_flow__spool_add(stream->options.spool, index, &batch->rejects[i], error)) {
            return false;
        }
    }
    return true;
}

static bool count_batch(TarnLoadStream *stream, uint32_t index, const TarnBatch *batch,
                        TarnError *error) {
    const TarnLoadOptions *load = stream->options.load;
    TarnLoadFile *file = &stream->options.files[index];
    pthread_mutex_lock(&stream->mutex);
    file->rows += (uint64_t)batch->array.length + batch->reject_count;
    file->rejects += batch->reject_count;
    stream->progress.bytes += batch->bytes;
    stream->progress.rows += (uint64_t)batch->array.length + batch->reject_count;
    stream->progress.rejects += batch->reject_count;
    TarnLoadProgress progress = stream->progress;
    pthread_mutex_unlock(&stream->mutex);
    if (load->progress != NULL) load->progress(load->progress_state, &progress);
    if (progress.rows < EARLY_ROWS ||
        (double)progress.rejects <= load->max_error_rate * (double)progress.rows * 2) {
        return true;
    }
    return tarn_base_error_set(error, TARN_E_TOO_MANY_BAD_ROWS,
                               "%llu of the first %llu rows were refused, more than the "
                               "max_error_rate of %g %% allows",
                               (unsigned long long)progress.rejects,
                               (unsigned long long)progress.rows, load->max_error_rate * 100);
}

/* The file's number goes above the row's. */
static void mark_rows(struct ArrowArray *array, uint32_t index) {
    struct ArrowArray *rows = array->children[array->n_children - 1];
    int64_t *values = (int64_t *)(uintptr_t)rows->buffers[1];
    int64_t mark = (int64_t)index << TARN_LOAD_ROW_BITS;
    for (int64_t i = 0; i < rows->length; i++) values[i] |= mark;
}

static bool take_batch(TarnLoadStream *stream, uint32_t index, TarnBatch *batch,
                       TarnError *error) {
    bool ok = take_rejects(stream, index, batch, error) &&
              count_batch(stream, index, batch, error) &&
              !TARN_FAULT("flow.load.batch", error);
    if (ok && index > 0) mark_rows(&batch->array, index);
    if (!ok) batch->array.release(&batch->array);
    return ok;
}

static int next_batch(struct ArrowArrayStream *arrow, struct ArrowArray *array) {
    TarnLoadStream *stream = arrow->private_data;
    array->release = NULL;
    for (;;) {
        OpenFile *file;
        uint32_t slot;
        TarnError error = {0};
        TarnBatch batch = {0};
        bool more = false;
        if (!enter(stream, &file, &slot, &error)) return fail(stream, &error);
        if (file == NULL) return has_failed(stream) ? EIO : 0;
        uint32_t index = file->index;
        bool ok = tarn_source_reader_next(file->reader, slot, &batch, &more, &error) &&
                  (!more || take_batch(stream, index, &batch, &error));
        leave(stream, file, slot, !ok || !more);
        if (!ok) return fail(stream, &error);
        if (!more) continue;
        if (batch.array.length > 0) {
            *array = batch.array;
            return 0;
        }
        batch.array.release(&batch.array);
    }
}

static int stream_schema(struct ArrowArrayStream *arrow, struct ArrowSchema *schema) {
    TarnLoadStream *stream = arrow->private_data;
    TarnError error = {0};
    if (tarn_source_builder_schema(stream->options.columns, stream->options.column_count, schema,
                                   &error)) {
        return 0;
    }
    return fail(stream, &error);
}

static const char *stream_error(struct ArrowArrayStream *arrow) {
    TarnLoadStream *stream = arrow->private_data;
    return stream->error.message;
}

static void release_arrow(struct ArrowArrayStream *arrow) { arrow->release = NULL; }

void tarn_flow__load_stream_arrow(TarnLoadStream *stream, struct ArrowArrayStream *arrow) {
    *arrow = (struct ArrowArrayStream){.get_schema = stream_schema,
                                       .get_next = next_batch,
                                       .get_last_error = stream_error,
                                       .release = release_arrow,
                                       .private_data = stream};
}
