/* View metadata: a view's versions, its SQL in one or several dialects, its columns.
 *
 * Source: Iceberg view specification, format version 1. A version never changes: every change adds
 * one, and the newest versions stay as history (property version.history.num-entries, 10 unless
 * set). Lossless: members that this program does not know are written back as they were.
 *
 *   tarn_table_view_change(NULL, &wanted, now_ms, arena, &metadata, error)     create
 *   tarn_table_view_write(metadata, &text)
 *   tarn_table_view_parse(text, name, arena, &metadata, error)
 *   tarn_table_view_sql(metadata->current, "duckdb")
 */
#ifndef TARN_TABLE_VIEW_METADATA_H
#define TARN_TABLE_VIEW_METADATA_H

#include "base/json.h"

/* The dialect that the engine runs. */
#define TARN_VIEW_DIALECT "duckdb"

typedef struct TarnViewRepresentation {
    const char *dialect;
    const char *sql;
} TarnViewRepresentation;

typedef struct TarnViewVersion {
    int64_t id;
    int64_t timestamp_ms;
    int64_t schema_id;
    TarnViewRepresentation *representations; /* those of type sql */
    size_t representation_count;
} TarnViewVersion;

typedef struct TarnViewMetadata {
    const char *uuid;
    const char *location; /* no trailing slash */
    TarnViewVersion *versions;
    size_t version_count;
    const TarnViewVersion *current;
    const TarnJson *root;
} TarnViewMetadata;

/* `text` must outlive the metadata; `name` is the file named in errors. TARN_E_JSON_SYNTAX,
 * TARN_E_METADATA_INVALID, TARN_E_FORMAT_UNSUPPORTED for another format version. */
bool tarn_table_view_parse(TarnText text, const char *name, TarnArena *arena,
                           TarnViewMetadata **metadata, TarnError *error) TARN_CHECKED;
void tarn_table_view_write(const TarnViewMetadata *metadata, TarnBuffer *out);

/* NULL = the version has none of that dialect; compared without case. */
const char *tarn_table_view_sql(const TarnViewVersion *version, const char *dialect);
/* The columns of a version as Iceberg JSON; NULL if they are missing. */
const TarnJson *tarn_table_view_schema(const TarnViewMetadata *metadata,
                                       const TarnViewVersion *version);

/* Is this what the current version says already? */
bool tarn_table_view_is(const TarnViewMetadata *metadata, const char *sql,
                        const char *schema_json, TarnArena *arena);

/* What the next version of a view is to be. */
typedef struct TarnViewWanted {
    const char *uuid;        /* of a new view */
    const char *location;    /* likewise */
    const char *ns;          /* "sandbox.reports": for names without one; NULL = as before */
    const char *schema_json; /* Iceberg JSON; NULL = as before */
    const TarnViewRepresentation *representations;
    size_t representation_count;
} TarnViewWanted;

/* `base` with one more version, which is current; NULL = a new view. The base is unchanged, and it
 * and what it was parsed from must outlive the result. */
bool tarn_table_view_change(const TarnViewMetadata *base, const TarnViewWanted *wanted,
                            int64_t now_ms, TarnArena *arena, TarnViewMetadata **metadata,
                            TarnError *error) TARN_CHECKED;

#endif
