/* Makes the metadata of a table of very many files, and the files, all empty: for measuring what
 * maintenance of such a table takes. A tool of the benchmarks, run by hand.
 *
 *   make_big_table FOLDER FILES OLD SNAPSHOTS PER_MANIFEST [touch|orphans]
 *
 * The first snapshot has OLD files that the second removes; the snapshots from the second on add
 * FILES in equal parts. Manifests have statistics of 20 columns. With `touch` the files are made,
 * 1,000 to a folder, and one orphan in each; with `orphans` only these. The name of the
 * metadata file is printed.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "os/os.h"
#include "table/manifest.h"

enum { COLUMNS = 20, SNAPSHOTS_MAX = 200, MANIFESTS_MAX = 100000 };
#define DAY_MS INT64_C(86400000)

static const char *folder;
static TarnArena arena;
static TarnError error;
static TarnTableMetadata *table;
static TarnManifestFile *rows;
static size_t row_count;
static int64_t file_number;

static void check(bool ok) {
    if (ok) return;
    fprintf(stderr, "make_big_table: %s\n", error.message);
    exit(1);
}

static void write_file(const char *path, const TarnBuffer *bytes) {
    FILE *out = fopen(path, "wb");
    if (out == NULL || fwrite(bytes->data, 1, bytes->size, out) != bytes->size ||
        fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

static TarnSchema *make_schema(void) {
    TarnSchema *schema = TARN_NEW(&arena, TarnSchema);
    schema->field_count = COLUMNS;
    schema->fields = TARN_NEW_ARRAY(&arena, COLUMNS, TarnField);
    for (int i = 0; i < COLUMNS; i++) {
        schema->fields[i].id = i + 1;
        schema->fields[i].name = tarn_base_arena_printf(&arena, "column_%d", i);
        schema->fields[i].type.primitive.kind = i % 3 == 0 ? TARN_TYPE_STRING : TARN_TYPE_LONG;
    }
    return schema;
}

static void fill_entry(TarnManifestEntry *entry, int64_t number, int64_t snapshot_id,
                       TarnArena *scratch) {
    TarnColumnMetrics *columns = TARN_NEW_ARRAY(scratch, COLUMNS, TarnColumnMetrics);
    char *path = tarn_base_arena_printf(
        scratch, "%s/data/%03" PRId64 "/00000-0-4f1f2f3f-aaaa-bbbb-cccc-%012" PRId64 ".parquet",
        folder, number / 1000, number);
    for (int i = 0; i < COLUMNS; i++) {
        int64_t low = number * 1000 + i;
        bool text = i % 3 == 0;
        char *bound = text ? tarn_base_arena_printf(scratch, "value %010" PRId64, low)
                           : tarn_base_arena_copy(scratch, &low, sizeof(low));
        TarnText bytes = {bound, text ? 16 : 8};
        columns[i] = (TarnColumnMetrics){.field_id = i + 1,
                                         .column_size = 10000 + low % 999,
                                         .value_count = 1000,
                                         .null_count = low % 7,
                                         .nan_count = TARN_ABSENT,
                                         .lower = bytes,
                                         .upper = bytes};
    }
    *entry = (TarnManifestEntry){.status = TARN_ENTRY_ADDED,
                                 .snapshot_id = snapshot_id,
                                 .sequence_number = TARN_ABSENT,
                                 .file_sequence_number = TARN_ABSENT,
                                 .file = {.path = tarn_base_text(path),
                                          .format = TARN_TEXT("PARQUET"),
                                          .record_count = 1000,
                                          .file_size = 250000,
                                          .columns = columns,
                                          .column_count = COLUMNS,
                                          .sort_order_id = 0,
                                          .first_row_id = TARN_ABSENT,
                                          .content_offset = TARN_ABSENT,
                                          .content_size = TARN_ABSENT}};
}

static void write_manifest(int64_t count, int64_t snapshot_id, int64_t sequence) {
    TarnArena scratch;
    TarnBuffer bytes;
    TarnManifestWriteOptions options = {
        .format_version = 2, .snapshot_id = snapshot_id, .sync_marker = "0123456789abcde"};
    tarn_base_arena_init(&scratch, TARN_GIB);
    tarn_base_buffer_init(&bytes, TARN_GIB);
    TarnManifestEntry *entries = TARN_NEW_ARRAY(&scratch, (size_t)count, TarnManifestEntry);
    for (int64_t i = 0; i < count; i++) fill_entry(&entries[i], file_number++, snapshot_id,
                                                   &scratch);
    TarnManifestFile *row = &rows[row_count];
    char *path = tarn_base_arena_printf(&arena, "%s/metadata/m%06zu.avro", folder, row_count);
    *row = (TarnManifestFile){.path = tarn_base_text(path)};
    row_count++;
    check(tarn_table_manifest_write(entries, (size_t)count, &table->schemas[0], &table->specs[0],
                                    &options, &bytes, &arena, row, &error));
    row->sequence_number = sequence;
    row->min_sequence_number = sequence;
    write_file(path, &bytes);
    tarn_base_buffer_dispose(&bytes);
    tarn_base_arena_dispose(&scratch);
}

static const char *write_list(size_t first, int64_t id, int64_t parent, int64_t sequence) {
    TarnBuffer bytes;
    TarnManifestListWriteOptions options = {.snapshot_id = id,
                                            .parent_id = parent,
                                            .sequence_number = sequence,
                                            .format_version = 2,
                                            .sync_marker = "0123456789abcde"};
    const char *path = tarn_base_arena_printf(&arena, "%s/metadata/snap-%" PRId64 ".avro", folder,
                                              id);
    tarn_base_buffer_init(&bytes, TARN_GIB);
    check(tarn_table_manifest_list_write(rows + first, row_count - first, &options, &bytes,
                                         &error));
    write_file(path, &bytes);
    tarn_base_buffer_dispose(&bytes);
    return path;
}

static void add_snapshot(int64_t id, int64_t parent, size_t first, int64_t time_ms) {
    TarnSnapshotRef ref = {.name = "main",
                           .snapshot_id = id,
                           .min_snapshots_to_keep = TARN_ABSENT,
                           .max_snapshot_age_ms = TARN_ABSENT,
                           .max_ref_age_ms = TARN_ABSENT};
    TarnSnapshot *snapshot = TARN_NEW(&arena, TarnSnapshot);
    *snapshot = (TarnSnapshot){.id = id,
                               .parent_id = parent,
                               .sequence_number = id,
                               .timestamp_ms = time_ms,
                               .manifest_list = write_list(first, id, parent, id),
                               .operation = "append",
                               .first_row_id = TARN_ABSENT,
                               .added_rows = TARN_ABSENT};
    TarnTableUpdate updates[] = {{.kind = TARN_UPDATE_ADD_SNAPSHOT, .snapshot = snapshot},
                                 {.kind = TARN_UPDATE_SET_SNAPSHOT_REF, .ref = &ref}};
    ref.name = tarn_base_arena_string(&arena, ref.name);
    check(tarn_table_metadata_apply(table, NULL, updates, 2, time_ms, &arena, &table, &error));
}

static void touch(const char *path) {
    static const struct timespec OLD[2] = {{1600000000, 0}, {1600000000, 0}};
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || futimens(fd, OLD) != 0 || close(fd) != 0) {
        perror(path);
        exit(1);
    }
}

static void touch_files(bool orphans_only) {
    char path[4096];
    for (int64_t i = 0; i < file_number; i++) {
        if (i % 1000 == 0) {
            snprintf(path, sizeof(path), "%s/data/%03" PRId64, folder, i / 1000);
            mkdir(path, 0700);
            snprintf(path, sizeof(path), "%s/data/%03" PRId64 "/orphan.parquet", folder, i / 1000);
            touch(path);
        }
        if (orphans_only) continue;
        snprintf(path, sizeof(path),
                 "%s/data/%03" PRId64 "/00000-0-4f1f2f3f-aaaa-bbbb-cccc-%012" PRId64 ".parquet",
                 folder, i / 1000, i);
        touch(path);
    }
}

static int64_t read_number(const char *text) {
    int64_t number = 0;
    if (tarn_base_text_to_int64(tarn_base_text(text), &number) && number >= 0) return number;
    fprintf(stderr, "make_big_table: \"%s\" is no number\n", text);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    folder = argv[1];
    int64_t files = read_number(argv[2]);
    int64_t old = read_number(argv[3]);
    int64_t snapshots = read_number(argv[4]);
    int64_t per_manifest = read_number(argv[5]);
    char path[4096];
    if (snapshots < 2 || snapshots > SNAPSHOTS_MAX || per_manifest < 1) return 2;
    tarn_base_arena_init(&arena, 4 * TARN_GIB);
    rows = TARN_NEW_ARRAY(&arena, MANIFESTS_MAX, TarnManifestFile);
    for (int i = 0; i < 3; i++) {
        static const char *const names[] = {"", "/metadata", "/data"};
        snprintf(path, sizeof(path), "%s%s", folder, names[i]);
        mkdir(path, 0700);
    }
    int64_t now_ms = tarn_os_clock_ms(tarn_os_posix());
    int64_t begin_ms = now_ms - 100 * DAY_MS;
    check(tarn_table_metadata_create("9c12d441-03fe-4693-9a96-a0705ddf69c1", folder, make_schema(),
                                     NULL, NULL, NULL, 0, 2, begin_ms, &arena, &table, &error));
    for (int64_t done = 0; done < old; done += per_manifest) write_manifest(per_manifest, 1, 1);
    add_snapshot(1, TARN_ABSENT, 0, begin_ms + 1);
    size_t first = row_count;
    for (int64_t s = 2; s <= snapshots; s++) {
        int64_t end = files * (s - 1) / (snapshots - 1);
        for (int64_t done = files * (s - 2) / (snapshots - 1); done < end; done += per_manifest) {
            write_manifest(end - done < per_manifest ? end - done : per_manifest, s, s);
        }
        add_snapshot(s, s - 1, first, begin_ms + s * DAY_MS / 10);
    }
    if (argc > 6) touch_files(argv[6][0] == 'o');
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_GIB);
    check(tarn_table_metadata_write(table, &text, &error));
    snprintf(path, sizeof(path), "%s/metadata/v1.metadata.json", folder);
    write_file(path, &text);
    printf("%s\n", path);
    return 0;
}
