/* YAML (1.1 as libyaml reads it), cut to what configuration needs, as a base/json.h tree.
 *
 * Scalars: plain true/false -> BOOL, plain null/~/empty -> NULL, plain JSON-shaped numbers ->
 * NUMBER, all else and everything quoted -> STRING ("yes", "1%", "7y", "0 2 * * *" stay text).
 * Refused, with file:line:column: duplicate keys, anchors and aliases (no billion laughs), tags,
 * several documents, non-scalar keys, nesting beyond TARN_LIMIT_NESTING.
 */
#ifndef TARN_BASE_YAML_H
#define TARN_BASE_YAML_H

#include "base/json.h"

bool tarn_base_yaml_parse(TarnText source, const char *name, TarnArena *arena, TarnJson **root,
                          TarnError *error) TARN_CHECKED;

#endif
