/* tarn.yaml: the one required file of a lake, read into structs with every key checked.
 *
 * An unknown key, a duplicate key or a wrong type is an error with file:line:column and the
 * nearest known key. `${env:X}` is replaced from the environment, `${secret:X}` from the lake's
 * secrets (flow/secrets.h), where a secret belongs; errors quote no line of `storage`. Sections of
 * features that this version does not have (schedules, auth, ...) are accepted and listed in
 * `unused`, so that `tarn doctor` can say that they have no effect.
 */
#ifndef TARN_FLOW_LAKE_CONFIG_H
#define TARN_FLOW_LAKE_CONFIG_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "catalog/zone.h"
#include "os/os.h"
#include "source/source.h"
#include "store/s3.h"

typedef enum TarnOnError {
    TARN_ON_ERROR_FAIL,       /* the first bad row ends the load, nothing is committed */
    TARN_ON_ERROR_QUARANTINE, /* bad rows go to <table>$quarantine */
    TARN_ON_ERROR_SKIP        /* bad rows are counted and dropped */
} TarnOnError;

/* What a load does with a field the table does not have. */
typedef enum TarnDrift {
    TARN_DRIFT_EVOLVE,        /* the table gets a new optional column */
    TARN_DRIFT_FREEZE,        /* the load is refused */
    TARN_DRIFT_DISCARD_ROW,   /* the row goes where bad rows go */
    TARN_DRIFT_DISCARD_VALUE  /* the value is dropped */
} TarnDrift;

typedef struct TarnSourceConfig {
    const char *name;
    const char *from;   /* "file"; other kinds are known by name and not available yet */
    const char *path;   /* glob, relative to the lake's folder */
    const char *schema; /* .avsc or JSON Schema file, relative likewise; NULL = infer */
    const char *into;   /* <zone>.<table> */
    const char *const *partition_by;
    size_t partition_count;
    TarnOnError on_error;
    double max_error_rate; /* 0..1; 1 = no limit */
    TarnDrift drift;
    TarnFileFormat format; /* UNKNOWN = by name and content */
    TarnCsvDialect csv;
    bool csv_given; /* the dialect is declared, not found */
    const char *const *tags;
    size_t tag_count;
    uint32_t line; /* of the entry in tarn.yaml */
} TarnSourceConfig;

typedef struct TarnUnusedSetting {
    const char *key;
    uint32_t line;
} TarnUnusedSetting;

typedef struct TarnLakeConfig {
    const char *folder; /* absolute, no trailing slash */
    const char *path;   /* of tarn.yaml, as shown in errors */
    const char *name;
    const char *warehouse; /* absolute path or s3://bucket/prefix, no slash at its end */
    TarnStoreS3Options storage; /* for a warehouse or tables on S3 */
    const char *catalog;   /* "sqlite:<absolute path>" */
    bool sync_full;
    const TarnZone *zones;
    size_t zone_count;
    const TarnSourceConfig *sources;
    size_t source_count;
    /* quality.default_action: of sources that name no on_error, and, if it is given, of checks
     * that name no severity. */
    TarnOnError quality_default;
    bool quality_given;
    int64_t drop_retention_ms; /* how long dropped tables can be brought back at least */
    const TarnUnusedSetting *unused;
    size_t unused_count;
} TarnLakeConfig;

/* TARN_E_NOT_A_LAKE with a hint when `folder` has no tarn.yaml. */
bool tarn_flow_lake_config_read(const TarnOs *os, const char *folder, TarnArena *arena,
                                TarnLakeConfig **config, TarnError *error) TARN_CHECKED;
/* The text of a new lake's tarn.yaml; both values are as YAML wants them. */
const char *tarn_flow_lake_config_template(const char *name, const char *warehouse,
                                           TarnArena *arena);

#endif
