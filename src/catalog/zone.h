/* Zones: the top-level namespaces and the policy the catalog enforces in each commit. */
#ifndef TARN_CATALOG_ZONE_H
#define TARN_CATALOG_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TarnZone {
    const char *name;
    bool keep_originals;   /* loads keep the source files byte for byte */
    bool requires_schema;  /* commits must come through a checked or declared schema */
    bool requires_checks;  /* commits must come through passed quality gates */
    bool append_only;      /* raw: rows are added, never changed */
    int64_t retention_ms;  /* 0 = for ever; carried out by lifecycle */
    uint64_t file_size;    /* target bytes of a data file; 0 = default */
} TarnZone;

/* What a commit can show for itself. */
typedef struct TarnZoneEvidence {
    bool schema_checked; /* rows were validated against the table's schema */
    bool checks_passed;  /* the table's quality gates ran on these rows and passed */
} TarnZoneEvidence;

/* raw, cleansed, curated, consumption, sandbox with the defaults of a new lake. */
extern const TarnZone tarn_catalog_default_zones[];
extern const size_t tarn_catalog_default_zone_count;

#endif
