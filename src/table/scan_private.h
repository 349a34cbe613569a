/* What the files of scan*.c share, and the snapshot producer with them. */
#ifndef TARN_TABLE_SCAN_PRIVATE_H
#define TARN_TABLE_SCAN_PRIVATE_H

#include "base/map.h"
#include "table/scan.h"

/* One filter per spec of a table, made when first asked for. */
typedef struct TarnSpecFilters {
    const TarnTableMetadata *metadata;
    const TarnPredicate *predicate;
    TarnArena *arena;
    TarnPartitionFilter **filters; /* by the spec's place in metadata->specs */
} TarnSpecFilters;

bool tarn_table__spec_filters_init(TarnSpecFilters *filters, const TarnTableMetadata *metadata,
                                   const TarnPredicate *predicate, TarnArena *arena,
                                   TarnError *error) TARN_CHECKED;
/* TARN_E_METADATA_INVALID if the table has no such spec. */
bool tarn_table__spec_filters_get(TarnSpecFilters *filters, const TarnManifestFile *file,
                                  const TarnPartitionFilter **filter,
                                  const TarnPartitionSpec **spec, TarnError *error) TARN_CHECKED;
/* TARN_E_FORMAT_UNSUPPORTED for a snapshot of a very old version 1 writer: its manifests are listed
 * in the metadata itself, which is not read. */
bool tarn_table__snapshot_has_list(const TarnSnapshot *snapshot, TarnError *error) TARN_CHECKED;
/* Can the manifest have live files? Unknown counts: yes. */
bool tarn_table__manifest_has_live(const TarnManifestFile *file);
/* The data sequence number of an entry, inherited where left out; TARN_ABSENT if it has none. */
int64_t tarn_table__entry_sequence(const TarnManifestEntry *entry, const TarnManifest *manifest,
                                   const TarnManifestFile *file);

/* Reads manifests[i] for each i into pins[i] (NULL where wanted[i] is false), those not in the
 * cache over several threads. On failure nothing stays pinned. */
bool tarn_table__manifests_acquire(TarnManifestCache *cache, TarnStore *store,
                                   const TarnTableMetadata *metadata,
                                   const TarnManifestFile *manifests, const bool *wanted,
                                   size_t count, const TarnManifestReadOptions *data_options,
                                   uint32_t threads, TarnArena *arena, const TarnManifestPin **pins,
                                   TarnError *error) TARN_CHECKED;
void tarn_table__manifests_release(const TarnManifestPin **pins, size_t count);

/* Deletes by what they apply to. */
typedef struct TarnDeleteList {
    TarnScanDelete *items; /* by sequence number, once sorted */
    size_t count;
    size_t capacity;
    bool sorted;
} TarnDeleteList;

typedef struct TarnDeleteIndex {
    TarnArena *arena;
    TarnMap by_path;      /* data file path -> TarnDeleteList */
    TarnMap by_partition; /* spec and partition values -> TarnDeleteList */
    TarnDeleteList everywhere;
    size_t count;
} TarnDeleteIndex;

void tarn_table__delete_index_init(TarnDeleteIndex *index, TarnArena *arena);
bool tarn_table__delete_index_add(TarnDeleteIndex *index, const TarnDataFile *file,
                                  int64_t sequence_number, const TarnPartitionSpec *spec,
                                  TarnError *error) TARN_CHECKED;
/* The list of a data file's partition, to be asked for once per tuple; NULL if none. */
bool tarn_table__delete_index_partition(TarnDeleteIndex *index, int32_t spec_id,
                                        const TarnLiteral *values, size_t count,
                                        TarnDeleteList **list, TarnError *error) TARN_CHECKED;
/* What applies to one data file, ascending by sequence number. */
bool tarn_table__delete_index_find(TarnDeleteIndex *index, TarnDeleteList *partition,
                                   const TarnDataFile *file, int64_t sequence_number,
                                   const TarnScanDelete **deletes, size_t *count, TarnError *error)
    TARN_CHECKED;

#endif
