/* YAML (1.1 as libyaml reads it), cut to what configuration needs, as a base/json.h tree.
 *
 * Scalars: plain true/false -> BOOL, plain null/~/empty -> NULL, plain JSON-shaped numbers ->
 * NUMBER, all else and everything quoted -> STRING ("yes", "1%", "7y", "0 2 * * *" stay text).
 * References like ${secret:name} may stand unquoted inside { } and [ ] too, where YAML alone would
 * take their braces for its own. An empty document is a NULL node.
 * Refused, with file:line:column: duplicate keys, anchors and aliases (no billion laughs), tags,
 * merge keys, several documents, non-scalar and empty keys, control characters, invalid UTF-8,
 * nesting beyond TARN_LIMIT_NESTING, sources beyond TARN_LIMIT_CONFIG_BYTES.
 */
#ifndef TARN_BASE_YAML_H
#define TARN_BASE_YAML_H

#include "base/json.h"

/* `name` as in tarn_base_json_parse(). The tree copies what it needs from the source. */
bool tarn_base_yaml_parse(TarnText source, const char *name, TarnArena *arena, TarnJson **root,
                          TarnError *error) TARN_CHECKED;

#endif
