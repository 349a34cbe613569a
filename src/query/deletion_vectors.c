/* Deletion vectors of one commit, in one Puffin file.
 *
 * A vector holds all that is deleted by position in its data file, and takes the place of the
 * vector before and of position delete files about this data file alone. Those about others too
 * stay: readers pass over them where there is a vector.
 *
 * Source: Iceberg table specification, "Deletion Vectors"; Puffin specification.
 */
#include <inttypes.h>

#include "base/limits.h"
#include "format/puffin.h"
#include "query/delete_files_private.h"

/* What the vectors replace. */
static bool add_removed(TarnDeleteFilesWriter *writer, const TarnScanTask *task) {
    TarnDeleteFiles *files = writer->files;
    for (size_t i = 0; i < task->delete_count; i++) {
        const TarnDataFile *file = task->deletes[i].file;
        if (file->content != TARN_CONTENT_POSITION_DELETES ||
            file->referenced_data_file.data == NULL) {
            continue;
        }
        files->removed[files->removed_count++] = (TarnRemovedDelete){
            .path = file->path,
            .content_offset = tarn_table_file_is_deletion_vector(file) ? file->content_offset
                                                                       : TARN_ABSENT};
    }
    return true;
}

static bool room_for_removed(TarnDeleteFilesWriter *writer, const TarnNewDeletes *deletes,
                             size_t count) {
    size_t most = 0;
    for (size_t i = 0; i < count; i++) most += deletes[i].task->delete_count;
    writer->files->removed = TARN_NEW_ARRAY(writer->arena, most + 1, TarnRemovedDelete);
    return tarn_base_arena_check(writer->arena, writer->error);
}

static bool add_vector(TarnDeleteFilesWriter *writer, TarnPuffinWriter *puffin,
                       const TarnNewDeletes *deletes, const char *location) {
    const TarnDataFile *data = deletes->task->file;
    TarnRoaring *all = NULL;
    uint64_t offset = 0;
    uint64_t length = 0;
    bool ok = tarn_format_roaring_new(0, &all, writer->error) &&
              tarn_format_roaring_or(all, deletes->fresh, writer->error) &&
              (deletes->old == NULL || tarn_format_roaring_or(all, deletes->old, writer->error)) &&
              tarn_format_puffin_writer_add_deletion_vector(puffin, all, data->path, &offset,
                                                            &length, writer->error);
    if (ok) {
        writer->files->items[writer->files->count++] = (TarnDataFile){
            .content = TARN_CONTENT_POSITION_DELETES,
            .path = tarn_base_text(location),
            .format = TARN_TEXT("PUFFIN"),
            .spec_id = data->spec_id,
            .partition = data->partition,
            .partition_count = data->partition_count,
            .record_count = (int64_t)tarn_format_roaring_cardinality(all),
            .sort_order_id = -1,
            .first_row_id = TARN_ABSENT,
            .referenced_data_file = data->path,
            .content_offset = (int64_t)offset,
            .content_size = (int64_t)length};
    }
    tarn_format_roaring_free(all);
    return ok && add_removed(writer, deletes->task);
}

/* Made durable with the commit. */
static bool put_file(TarnDeleteFilesWriter *writer, const char *location, const TarnBuffer *bytes) {
    TarnStoreBatch batch;
    tarn_store_batch_init(&batch, writer->options->store);
    bool ok = tarn_base_buffer_check(bytes, writer->error) &&
              tarn_store_put(writer->options->store, location, tarn_base_buffer_view(bytes),
                             TARN_STORE_IF_ABSENT, &batch, writer->error);
    tarn_store_batch_dispose(&batch);
    return ok;
}

bool tarn_query__deletion_vectors_write(TarnDeleteFilesWriter *writer,
                                        const TarnNewDeletes *deletes, size_t count) {
    TarnPuffinWriter puffin;
    TarnBuffer bytes;
    const char *location = tarn_base_arena_printf(writer->arena, "%s/data/00000-%s-deletes.puffin",
                                                  writer->options->metadata->location,
                                                  writer->options->commit_id);
    if (location == NULL || !room_for_removed(writer, deletes, count)) {
        return tarn_base_arena_check(writer->arena, writer->error);
    }
    tarn_base_buffer_init(&bytes, TARN_LIMIT_MANIFEST_BYTES);
    bool ok = tarn_format_puffin_writer_begin(&puffin, writer->arena, &bytes, writer->error);
    for (size_t i = 0; ok && i < count; i++) {
        ok = add_vector(writer, &puffin, &deletes[i], location);
    }
    ok = ok &&
         tarn_format_puffin_writer_finish(&puffin, TARN_TEXT("tarn " TARN_VERSION),
                                          writer->error) &&
         put_file(writer, location, &bytes);
    for (size_t i = 0; i < writer->files->count; i++) {
        writer->files->items[i].file_size = (int64_t)bytes.size;
    }
    if (ok) writer->files->locations[writer->files->location_count++] = location;
    tarn_base_buffer_dispose(&bytes);
    return ok;
}
