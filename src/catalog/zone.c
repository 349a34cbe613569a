/* The zones of a new lake. Raw is unchanged history, so rows are only added there and originals
 * are kept; each zone after it asks for one more proof. Sandbox asks for nothing. */
#include "catalog/zone.h"

const TarnZone tarn_catalog_default_zones[] = {
    {.name = "raw", .keep_originals = true, .append_only = true},
    {.name = "cleansed", .requires_schema = true},
    {.name = "curated", .requires_schema = true, .requires_checks = true},
    {.name = "consumption", .requires_checks = true},
    {.name = "sandbox"},
};
const size_t tarn_catalog_default_zone_count =
    sizeof(tarn_catalog_default_zones) / sizeof(tarn_catalog_default_zones[0]);
