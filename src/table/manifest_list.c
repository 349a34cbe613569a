/* Manifest lists: one row per manifest of a snapshot.
 *
 * Read by field id with version 1's gaps filled as the specification says: sequence numbers 0,
 * content data, counts unknown. Written in version 2 or 3, with the header keys the reference
 * implementation writes; no reader may depend on them, but some do.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "table/manifest.h"
#include "table/manifest_private.h"

/* NaN_UNKNOWN stays where the file says nothing; a bool overwrites it with 0 or 1. */
#define NAN_UNKNOWN 2

typedef struct RawSummary {
    bool contains_null;
    unsigned char contains_nan;
    TarnText lower;
    TarnText upper;
} RawSummary;

typedef struct RawRow {
    TarnManifestFile file;
    int32_t content;
    RawSummary *summaries;
    size_t summary_count;
} RawRow;

_Static_assert(sizeof(bool) == 1, "a decoded bool must fit where NAN_UNKNOWN was");

static const RawSummary BLANK_SUMMARY = {.contains_nan = NAN_UNKNOWN};

static const TarnAvroWant SUMMARY_WANTS[] = {
    {.field_id = 509,
     .name = "contains_null",
     .target = TARN_AVRO_TO_BOOL,
     .required = true,
     .offset = offsetof(RawSummary, contains_null)},
    {.field_id = 518,
     .name = "contains_nan",
     .target = TARN_AVRO_TO_BOOL,
     .offset = offsetof(RawSummary, contains_nan)},
    {.field_id = 510,
     .name = "lower_bound",
     .target = TARN_AVRO_TO_TEXT,
     .offset = offsetof(RawSummary, lower)},
    {.field_id = 511,
     .name = "upper_bound",
     .target = TARN_AVRO_TO_TEXT,
     .offset = offsetof(RawSummary, upper)},
};

static const TarnAvroShape SUMMARY_SHAPE = {.wants = SUMMARY_WANTS,
                                            .count = sizeof(SUMMARY_WANTS) /
                                                     sizeof(SUMMARY_WANTS[0]),
                                            .size = sizeof(RawSummary),
                                            .blank = &BLANK_SUMMARY};

#define ROW_WANT(id, label, to, member, must)                                                      \
    {                                                                                              \
        .field_id = (id), .name = (label), .target = (to), .required = (must),                     \
        .offset = offsetof(RawRow, member)                                                         \
    }

static const TarnAvroWant ROW_WANTS[] = {
    ROW_WANT(500, "manifest_path", TARN_AVRO_TO_TEXT, file.path, true),
    ROW_WANT(501, "manifest_length", TARN_AVRO_TO_INT64, file.length, true),
    ROW_WANT(502, "partition_spec_id", TARN_AVRO_TO_INT32, file.spec_id, false),
    ROW_WANT(517, "content", TARN_AVRO_TO_INT32, content, false),
    ROW_WANT(515, "sequence_number", TARN_AVRO_TO_INT64, file.sequence_number, false),
    ROW_WANT(516, "min_sequence_number", TARN_AVRO_TO_INT64, file.min_sequence_number, false),
    ROW_WANT(503, "added_snapshot_id", TARN_AVRO_TO_INT64, file.added_snapshot_id, false),
    ROW_WANT(504, "added_files_count", TARN_AVRO_TO_INT64, file.added_files, false),
    ROW_WANT(505, "existing_files_count", TARN_AVRO_TO_INT64, file.existing_files, false),
    ROW_WANT(506, "deleted_files_count", TARN_AVRO_TO_INT64, file.deleted_files, false),
    ROW_WANT(512, "added_rows_count", TARN_AVRO_TO_INT64, file.added_rows, false),
    ROW_WANT(513, "existing_rows_count", TARN_AVRO_TO_INT64, file.existing_rows, false),
    ROW_WANT(514, "deleted_rows_count", TARN_AVRO_TO_INT64, file.deleted_rows, false),
    {.field_id = 507,
     .name = "partitions",
     .target = TARN_AVRO_TO_LIST,
     .item = TARN_AVRO_TO_RECORD,
     .shape = &SUMMARY_SHAPE,
     .offset = offsetof(RawRow, summaries),
     .count_offset = offsetof(RawRow, summary_count)},
    ROW_WANT(519, "key_metadata", TARN_AVRO_TO_TEXT, file.key_metadata, false),
    ROW_WANT(520, "first_row_id", TARN_AVRO_TO_INT64, file.first_row_id, false),
};

static const TarnAvroShape ROW_SHAPE = {
    .wants = ROW_WANTS, .count = sizeof(ROW_WANTS) / sizeof(ROW_WANTS[0]), .size = sizeof(RawRow)};

static const RawRow BLANK_ROW = {.file = {.added_snapshot_id = TARN_ABSENT,
                                          .added_files = TARN_ABSENT,
                                          .existing_files = TARN_ABSENT,
                                          .deleted_files = TARN_ABSENT,
                                          .added_rows = TARN_ABSENT,
                                          .existing_rows = TARN_ABSENT,
                                          .deleted_rows = TARN_ABSENT,
                                          .first_row_id = TARN_ABSENT}};

typedef struct RowList {
    TarnManifestFile *items;
    size_t count;
    size_t capacity;
} RowList;

static bool refuse_row(const char *path, size_t number, TarnError *error, const char *what) {
    return tarn_base_error_set(error, TARN_E_METADATA_INVALID, "manifest list \"%s\", row %zu: %s",
                               path, number, what);
}

/* A negative count is some writers' "unknown". */
static void clear_negative(int64_t *count) {
    if (*count < 0) *count = TARN_ABSENT;
}

static bool finish_row(RawRow *raw, const char *path, size_t number, TarnArena *arena,
                       TarnError *error) {
    TarnManifestFile *file = &raw->file;
    if (file->path.size == 0) return refuse_row(path, number, error, "its path is empty");
    if (memchr(file->path.data, '\0', file->path.size) != NULL) {
        return refuse_row(path, number, error, "its path holds a zero byte");
    }
    if (raw->content != 0 && raw->content != 1) {
        return refuse_row(path, number, error, "its content is neither 0 (data) nor 1 (deletes)");
    }
    if (file->length < 0 || file->sequence_number < 0 || file->min_sequence_number < 0) {
        return refuse_row(path, number, error, "a length or sequence number is negative");
    }
    if (file->first_row_id != TARN_ABSENT && file->first_row_id < 0) {
        return refuse_row(path, number, error, "its first row id is negative");
    }
    file->is_deletes = raw->content == 1;
    clear_negative(&file->added_files);
    clear_negative(&file->existing_files);
    clear_negative(&file->deleted_files);
    clear_negative(&file->added_rows);
    clear_negative(&file->existing_rows);
    clear_negative(&file->deleted_rows);
    if (raw->summaries == NULL) return true;
    file->partitions = TARN_NEW_ARRAY(arena, raw->summary_count, TarnPartitionSummary);
    file->partition_count = raw->summary_count;
    if (file->partitions == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < raw->summary_count; i++) {
        const RawSummary *summary = &raw->summaries[i];
        file->partitions[i] = (TarnPartitionSummary){
            .contains_null = summary->contains_null,
            .contains_nan = summary->contains_nan == NAN_UNKNOWN ? -1 : summary->contains_nan,
            .lower = summary->lower,
            .upper = summary->upper};
    }
    return true;
}

static bool read_rows(TarnAvroReader *reader, TarnAvroPlan *plan, const char *path,
                      TarnArena *arena, RowList *rows, TarnError *error) {
    for (;;) {
        TarnAvroCursor *cursor = NULL;
        if (!tarn_format_avro_reader_object(reader, arena, &cursor, error)) return false;
        if (cursor == NULL) return true;
        RawRow raw = BLANK_ROW;
        if (!tarn_format_avro_plan_decode(plan, cursor, &raw, arena, error) ||
            !finish_row(&raw, path, rows->count, arena, error)) {
            return false;
        }
        TarnManifestFile *row = TARN_PUSH(arena, rows);
        if (row == NULL) return tarn_base_arena_check(arena, error);
        *row = raw.file;
    }
}

bool tarn_table_manifest_list_read(TarnText bytes, const char *path, TarnArena *arena,
                                   TarnManifestFile **manifests, size_t *count, TarnError *error) {
    TarnAvroReader *reader = NULL;
    TarnAvroPlan *plan = NULL;
    RowList rows = {0};
    if (!tarn_format_avro_reader_open(bytes, path, arena, &reader, error)) return false;
    bool done = tarn_format_avro_plan_compile(tarn_format_avro_reader_schema(reader), &ROW_SHAPE,
                                              NULL, arena, &plan, error) &&
                read_rows(reader, plan, path, arena, &rows, error);
    tarn_format_avro_reader_close(reader);
    if (!done) return false;
    *manifests = rows.items;
    *count = rows.count;
    return true;
}

/* --- writing --- */

static void put_optional_bytes(TarnBuffer *out, TarnText bytes) {
    tarn_format_avro_put_branch(out, bytes.data != NULL ? 1 : 0);
    if (bytes.data != NULL) tarn_format_avro_put_bytes(out, bytes);
}

static void put_summaries(TarnBuffer *out, const TarnManifestFile *file) {
    tarn_format_avro_put_branch(out, file->partitions != NULL ? 1 : 0);
    if (file->partitions == NULL) return;
    if (file->partition_count > 0) tarn_format_avro_put_items_begin(out, file->partition_count);
    for (size_t i = 0; i < file->partition_count; i++) {
        const TarnPartitionSummary *summary = &file->partitions[i];
        tarn_format_avro_put_boolean(out, summary->contains_null);
        tarn_format_avro_put_branch(out, summary->contains_nan >= 0 ? 1 : 0);
        if (summary->contains_nan >= 0) {
            tarn_format_avro_put_boolean(out, summary->contains_nan > 0);
        }
        put_optional_bytes(out, summary->lower);
        put_optional_bytes(out, summary->upper);
    }
    tarn_format_avro_put_items_end(out);
}

static bool put_row(TarnAvroWriter *writer, const TarnManifestFile *file,
                    const TarnManifestListWriteOptions *options, TarnError *error) {
    const int64_t counts[] = {file->added_files, file->existing_files, file->deleted_files,
                              file->added_rows,  file->existing_rows,  file->deleted_rows};
    for (size_t i = 0; i < 6; i++) {
        if (counts[i] >= 0 && (i >= 3 || counts[i] <= INT32_MAX)) continue;
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "cannot write manifest \"%.*s\" into a manifest list: its "
                                   "counts are not known or too large",
                                   TARN_TEXT_ARG(file->path));
    }
    if (options->format_version > 2 && !file->is_deletes && file->first_row_id == TARN_ABSENT) {
        return tarn_base_error_set(error, TARN_E_METADATA_INVALID,
                                   "cannot write manifest \"%.*s\" into a manifest list: it has no "
                                   "first row id",
                                   TARN_TEXT_ARG(file->path));
    }
    int64_t own = file->sequence_number != TARN_ABSENT ? file->sequence_number
                                                       : options->sequence_number;
    int64_t lowest = file->min_sequence_number != TARN_ABSENT ? file->min_sequence_number : own;
    TarnBuffer *out = &writer->block;
    tarn_format_avro_put_bytes(out, file->path);
    tarn_format_avro_put_long(out, file->length);
    tarn_format_avro_put_long(out, file->spec_id);
    tarn_format_avro_put_long(out, file->is_deletes ? 1 : 0);
    tarn_format_avro_put_long(out, own);
    tarn_format_avro_put_long(out, lowest);
    tarn_format_avro_put_long(out, file->added_snapshot_id);
    for (size_t i = 0; i < 6; i++) tarn_format_avro_put_long(out, counts[i]);
    put_summaries(out, file);
    put_optional_bytes(out, file->key_metadata);
    if (options->format_version > 2) {
        tarn_format_avro_put_branch(out, file->is_deletes ? 0 : 1);
        if (!file->is_deletes) tarn_format_avro_put_long(out, file->first_row_id);
    }
    return tarn_format_avro_writer_object_end(writer, error);
}

bool tarn_table_manifests_assign_row_ids(TarnManifestFile *manifests, size_t count, int64_t next,
                                         int64_t *assigned, TarnError *error) {
    int64_t first = next;
    for (size_t i = 0; i < count; i++) {
        TarnManifestFile *file = &manifests[i];
        if (file->is_deletes || file->first_row_id != TARN_ABSENT) continue;
        file->first_row_id = next;
        if (file->added_rows < 0 || file->existing_rows < 0 ||
            __builtin_add_overflow(next, file->added_rows, &next) ||
            __builtin_add_overflow(next, file->existing_rows, &next)) {
            return tarn_base_error_set(
                error, TARN_E_METADATA_INVALID,
                "manifest \"%.*s\": its rows get no row ids, their number is "
                "not known or there are no ids left",
                TARN_TEXT_ARG(file->path));
        }
    }
    *assigned = next - first;
    return true;
}

bool tarn_table_manifest_list_write(const TarnManifestFile *manifests, size_t count,
                                    const TarnManifestListWriteOptions *options, TarnBuffer *out,
                                    TarnError *error) {
    int32_t version = options->format_version;
    if (version != 2 && version != 3) {
        return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                                   "manifest lists of format version %" PRId32 " cannot be written",
                                   version);
    }
    char snapshot[24];
    char parent[24];
    char sequence[24];
    char first_row_id[24];
    snprintf(snapshot, sizeof(snapshot), "%" PRId64, options->snapshot_id);
    snprintf(parent, sizeof(parent), "%" PRId64, options->parent_id);
    if (options->parent_id == TARN_ABSENT) snprintf(parent, sizeof(parent), "null");
    snprintf(sequence, sizeof(sequence), "%" PRId64, options->sequence_number);
    snprintf(first_row_id, sizeof(first_row_id), "%" PRId64, options->first_row_id);
    const TarnAvroPair pairs[] = {
        {TARN_TEXT("snapshot-id"), tarn_base_text(snapshot)},
        {TARN_TEXT("parent-snapshot-id"), tarn_base_text(parent)},
        {TARN_TEXT("sequence-number"), tarn_base_text(sequence)},
        {TARN_TEXT("format-version"), version > 2 ? TARN_TEXT("3") : TARN_TEXT("2")},
        {TARN_TEXT("first-row-id"), tarn_base_text(first_row_id)},
    };
    size_t pair_count = sizeof(pairs) / sizeof(pairs[0]);
    TarnAvroWriterOptions avro = {.schema = tarn_table__manifest_list_schema(version),
                                  .metadata = pairs,
                                  .metadata_count = version > 2 ? pair_count : pair_count - 1,
                                  .codec = TARN_AVRO_CODEC_DEFLATE};
    memcpy(avro.sync_marker, options->sync_marker, sizeof(avro.sync_marker));
    TarnAvroWriter writer = {0};
    bool done = tarn_format_avro_writer_begin(&writer, &avro, out, error);
    for (size_t i = 0; done && i < count; i++) {
        done = put_row(&writer, &manifests[i], options, error);
    }
    done = done && tarn_format_avro_writer_finish(&writer, error) &&
           tarn_base_buffer_check(out, error);
    tarn_format_avro_writer_dispose(&writer);
    return done;
}
