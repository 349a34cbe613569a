/* Which files a table needs: everything that its snapshots name, by looking through all of them.
 *
 * No shortcut from one snapshot to the next: a file belongs to a table as long as any snapshot of
 * any branch or tag has it live. So expiry is: the files of the snapshots that go, less the files
 * of all that stay. A manifest that several snapshots share is read once; one is in memory at a
 * time, decoded block by block. The set of paths is 16 bytes a file and some room (path_set.h).
 *
 *   tarn_table_reachable_init(&reach, os, store, error)
 *   tarn_table_reachable_add(&reach, metadata, snapshots, count, error)     what stays
 *   tarn_table_unreachable_visit(&reach, metadata, expired, n, visit, state, &missing, error)
 *   tarn_table_reachable_dispose(&reach)
 *
 * More may be added at any time, as when others have committed since: a set only grows.
 */
#ifndef TARN_TABLE_REACHABLE_H
#define TARN_TABLE_REACHABLE_H

#include "store/store.h"
#include "table/manifest.h"
#include "table/path_set.h"

typedef enum TarnTableFileKind {
    TARN_TABLE_FILE_DATA,
    TARN_TABLE_FILE_DELETES, /* position deletes, equality deletes, deletion vectors */
    TARN_TABLE_FILE_MANIFEST,
    TARN_TABLE_FILE_MANIFEST_LIST,
    TARN_TABLE_FILE_STATISTICS,
    TARN_TABLE_FILE_PARTITION_STATISTICS,
    TARN_TABLE_FILE_METADATA,
    TARN_TABLE_FILE_KIND_COUNT
} TarnTableFileKind;

const char *tarn_table_file_kind_name(TarnTableFileKind kind); /* "manifest list" */

typedef struct TarnTableFile {
    TarnText path;
    TarnTableFileKind kind;
    int64_t bytes;       /* as the metadata tells; TARN_ABSENT */
    int64_t snapshot_id; /* one that names it; TARN_ABSENT: the table itself */
} TarnTableFile;

/* Return false with the error set to stop. */
typedef bool (*TarnTableFileVisit)(void *state, const TarnTableFile *file, TarnError *error);

typedef struct TarnReachable {
    TarnStore *store;
    TarnPathSet live;
    TarnPathSet walked;   /* manifests and manifest lists that have been read */
    int64_t files;        /* distinct ones in `live` */
    int64_t data_files;   /* of them, data and delete files */
    int64_t bytes;        /* as far as the metadata tells */
    int32_t *spec_ids;    /* of the manifests, each once */
    size_t spec_count;
    size_t spec_capacity;
    bool has_deletes;     /* some manifest of delete files */
    bool with_removed;    /* for a table that goes as a whole, to be set after init: what manifests
                           * name as removed is visited too by tarn_table_unreachable_visit */
    TarnTableFileVisit visit; /* called for each distinct file added; NULL = nobody */
    void *visit_state;
} TarnReachable;

bool tarn_table_reachable_init(TarnReachable *reach, const TarnOs *os, TarnStore *store,
                               TarnError *error) TARN_CHECKED;
void tarn_table_reachable_dispose(TarnReachable *reach); /* safe on zeroed memory */
/* All that these snapshots of the table name, with the statistics that belong to them. A manifest
 * or manifest list that is missing is an error, as is a snapshot of an old version 1 writer
 * without a manifest list. After a failure the set is not complete: dispose it. */
bool tarn_table_reachable_add(TarnReachable *reach, const TarnTableMetadata *metadata,
                              const TarnSnapshot *const *snapshots, size_t count,
                              TarnError *error) TARN_CHECKED;
/* Everything a table has: all snapshots, statistics of any snapshot, the metadata file itself
 * (`location`) and those of the metadata log. */
bool tarn_table_reachable_add_table(TarnReachable *reach, const TarnTableMetadata *metadata,
                                    const char *location, TarnError *error) TARN_CHECKED;
bool tarn_table_reachable_has(TarnReachable *reach, TarnText path, bool *has,
                              TarnError *error) TARN_CHECKED;

/* Each file once that the given snapshots name and that is not reachable: first data and delete
 * files, then manifests, then manifest lists and statistics, so that whoever deletes them in this
 * order and is interrupted finds the rest by the same call. `statistics_of` is metadata that still
 * has the snapshots' statistics; NULL = none. Manifests that are gone already are counted in
 * *missing and otherwise passed over. */
bool tarn_table_unreachable_visit(TarnReachable *reach, const TarnTableMetadata *metadata,
                                  const TarnOs *os, const TarnSnapshot *const *snapshots,
                                  size_t count, TarnTableFileVisit visit, void *state,
                                  size_t *missing, TarnError *error) TARN_CHECKED;

#endif
