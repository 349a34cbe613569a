/* Names of tables: <zone>.<table> or <zone>.<namespace>...<table>.
 *
 * A namespace is its levels joined by dots, as the Iceberg SQL catalogs store it; the first level
 * is the zone. Quoting follows SQL: "a b"."c". Levels may not be empty, hold a dot, a slash, a
 * control character or be longer than TARN_LIMIT_IDENTIFIER_BYTES, since they become folder
 * names. Folding: names are kept as written and compared without case of ASCII letters.
 */
#ifndef TARN_CATALOG_NAME_H
#define TARN_CATALOG_NAME_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

typedef struct TarnTableName {
    const char *ns;   /* "raw", "raw.crm" */
    const char *name; /* "flights", "flights$quarantine" */
} TarnTableName;

/* TARN_E_NAME_INVALID with a hint when the zone is missing. */
bool tarn_catalog_name_parse(TarnText text, TarnArena *arena, TarnTableName *name,
                             TarnError *error) TARN_CHECKED;
/* From levels already unquoted, the last being the table. */
bool tarn_catalog_name_from_levels(const TarnText *levels, size_t count, TarnArena *arena,
                                   TarnTableName *name, TarnError *error) TARN_CHECKED;
bool tarn_catalog_name_equal(TarnTableName a, TarnTableName b);
/* "raw.flights", quoted where needed */
void tarn_catalog_name_write(TarnTableName name, TarnBuffer *out);
const char *tarn_catalog_name_text(TarnTableName name, TarnArena *arena);
/* The first level of the namespace. */
TarnText tarn_catalog_name_zone(TarnTableName name);

#endif
