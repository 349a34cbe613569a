/* Refused rows waiting for their commit: an unnamed file of records, so that any number of them
 * costs no memory. Written by the reading threads, read back once as Arrow batches.
 *
 * A record is a header of fixed size, then reason, column and bytes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "flow/load_private.h"
#include "source/batch_builder.h"

#define WRITE_BUFFER_BYTES (256 * 1024)
#define READ_BATCH_ROWS 1024
#define READ_BATCH_BYTES (8 * TARN_MIB)

typedef struct RecordHeader {
    uint32_t file;
    uint32_t reason_size;
    uint32_t column_size; /* UINT32_MAX = none */
    uint32_t padding;
    uint64_t bytes_size;
    uint64_t line;
    uint64_t row;
    uint64_t offset;
} RecordHeader;

struct TarnRejectSpool {
    const TarnOs *os;
    TarnOsFile *file;
    char *path; /* of a named file, where the system has no unnamed ones; removed on free */
    pthread_mutex_t mutex;
    TarnBuffer pending;
    uint64_t written;
    uint64_t read;
    uint64_t count;
    TarnError error; /* of reading back */
};

static bool open_named(TarnRejectSpool *spool, const char *scratch, TarnError *error) {
    char uuid[TARN_OS_UUID_BYTES];
    if (!tarn_os_uuid4(spool->os, uuid, error)) return false;
    size_t size = strlen(scratch) + sizeof(uuid) + 16;
    spool->path = malloc(size);
    if (spool->path == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    snprintf(spool->path, size, "%s/rejects-%s", scratch, uuid);
    return spool->os->file_open(spool->os, spool->path, TARN_OS_CREATE_SECRET, &spool->file,
                                error);
}

bool tarn_flow__spool_new(const TarnOs *os, const char *scratch, TarnRejectSpool **spool,
                          TarnError *error) {
    *spool = calloc(1, sizeof(**spool));
    if (*spool == NULL) return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory");
    (*spool)->os = os;
    pthread_mutex_init(&(*spool)->mutex, NULL);
    tarn_base_buffer_init(&(*spool)->pending, 2 * TARN_LIMIT_FIELD_BYTES);
    bool ok = tarn_os_directory_create_all(os, scratch, false, error) &&
              os->file_open_unnamed(os, scratch, &(*spool)->file, error) &&
              ((*spool)->file != NULL || open_named(*spool, scratch, error));
    if (ok) return true;
    tarn_flow__spool_free(*spool);
    *spool = NULL;
    return false;
}

void tarn_flow__spool_free(TarnRejectSpool *spool) {
    if (spool == NULL) return;
    if (spool->file != NULL) tarn_os_file_discard(spool->os, spool->file);
    if (spool->path != NULL) {
        TarnError ignored;
        if (!spool->os->unlink(spool->os, spool->path, NULL, &ignored)) {
            /* In the scratch folder, which is swept when this process has ended. */
        }
    }
    tarn_base_buffer_dispose(&spool->pending);
    pthread_mutex_destroy(&spool->mutex);
    free(spool->path);
    free(spool);
}

uint64_t tarn_flow__spool_count(const TarnRejectSpool *spool) { return spool->count; }

static bool flush_pending(TarnRejectSpool *spool, TarnError *error) {
    bool ok = tarn_base_buffer_check(&spool->pending, error) &&
              tarn_os_file_write_all(spool->os, spool->file, spool->pending.data,
                                     spool->pending.size, error);
    spool->written += spool->pending.size;
    tarn_base_buffer_clear(&spool->pending);
    return ok;
}

bool tarn_flow__spool_add(TarnRejectSpool *spool, uint32_t file, const TarnReject *reject,
                          TarnError *error) {
    RecordHeader header = {
        .file = file,
        .reason_size = (uint32_t)strlen(reject->reason),
        .column_size = reject->column != NULL ? (uint32_t)strlen(reject->column) : UINT32_MAX,
        .bytes_size = reject->bytes.size,
        .line = reject->line,
        .row = reject->row,
        .offset = reject->offset};
    pthread_mutex_lock(&spool->mutex);
    tarn_base_buffer_append(&spool->pending, &header, sizeof(header));
    tarn_base_buffer_append(&spool->pending, reject->reason, header.reason_size);
    if (reject->column != NULL) tarn_base_buffer_string(&spool->pending, reject->column);
    tarn_base_buffer_text(&spool->pending, reject->bytes);
    spool->count++;
    bool ok = spool->pending.size < WRITE_BUFFER_BYTES || flush_pending(spool, error);
    pthread_mutex_unlock(&spool->mutex);
    return ok;
}

/* --- reading back --- */

static const TarnColumn spool_columns[] = {
    {.name = "file", .type = {.kind = TARN_TYPE_INT}},
    {.name = "reason", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "column", .type = {.kind = TARN_TYPE_STRING}},
    {.name = "line", .type = {.kind = TARN_TYPE_LONG}},
    {.name = "offset", .type = {.kind = TARN_TYPE_LONG}},
    {.name = "bytes", .type = {.kind = TARN_TYPE_BINARY}},
};
#define SPOOL_COLUMNS (sizeof(spool_columns) / sizeof(spool_columns[0]))

static bool read_part(TarnRejectSpool *spool, void *data, size_t size) {
    bool ok = tarn_os_file_read_exact(spool->os, spool->file, spool->read, data, size,
                                      &spool->error);
    spool->read += size;
    return ok;
}

static bool read_record(TarnRejectSpool *spool, TarnBatchBuilder *builder, size_t *bytes) {
    RecordHeader header;
    if (!read_part(spool, &header, sizeof(header))) return false;
    bool has_column = header.column_size != UINT32_MAX;
    size_t column_size = has_column ? header.column_size : 0;
    size_t size = header.reason_size + column_size + header.bytes_size;
    char *text = malloc(size + 1);
    bool ok = text != NULL && read_part(spool, text, size);
    if (ok) {
        const char *column = text + header.reason_size;
        tarn_source_builder_put_int32(builder, 0, (int32_t)header.file);
        tarn_source_builder_put_bytes(builder, 1, (TarnText){text, header.reason_size});
        if (has_column) {
            tarn_source_builder_put_bytes(builder, 2, (TarnText){column, column_size});
        } else {
            tarn_source_builder_put_null(builder, 2);
        }
        if (header.line > 0) {
            tarn_source_builder_put_int64(builder, 3, (int64_t)header.line);
        } else {
            tarn_source_builder_put_null(builder, 3);
        }
        tarn_source_builder_put_int64(builder, 4, (int64_t)header.offset);
        tarn_source_builder_put_bytes(builder, 5,
                                      (TarnText){column + column_size, header.bytes_size});
        tarn_source_builder_end_row(builder, (int64_t)header.row);
    }
    *bytes += size;
    free(text);
    return ok;
}

static int next_rejects(struct ArrowArrayStream *stream, struct ArrowArray *array) {
    TarnRejectSpool *spool = stream->private_data;
    size_t bytes = 0;
    TarnBatchBuilder *builder = NULL;
    array->release = NULL;
    bool ok = spool->pending.size == 0 || flush_pending(spool, &spool->error);
    if (ok && spool->read == spool->written) return 0;
    ok = ok && tarn_source_builder_new(spool_columns, SPOOL_COLUMNS, &builder, &spool->error);
    for (size_t i = 0; ok && i < READ_BATCH_ROWS && bytes < READ_BATCH_BYTES; i++) {
        if (spool->read == spool->written) break;
        ok = read_record(spool, builder, &bytes);
    }
    ok = ok && tarn_source_builder_finish(builder, array, &spool->error);
    tarn_source_builder_free(builder);
    return ok ? 0 : EIO;
}

static int spool_schema(struct ArrowArrayStream *stream, struct ArrowSchema *schema) {
    TarnRejectSpool *spool = stream->private_data;
    return tarn_source_builder_schema(spool_columns, SPOOL_COLUMNS, schema, &spool->error) ? 0
                                                                                           : ENOMEM;
}

static const char *spool_error(struct ArrowArrayStream *stream) {
    TarnRejectSpool *spool = stream->private_data;
    return spool->error.message;
}

static void release_stream(struct ArrowArrayStream *stream) { stream->release = NULL; }

void tarn_flow__spool_stream(TarnRejectSpool *spool, struct ArrowArrayStream *stream) {
    *stream = (struct ArrowArrayStream){.get_schema = spool_schema,
                                        .get_next = next_rejects,
                                        .get_last_error = spool_error,
                                        .release = release_stream,
                                        .private_data = spool};
}
