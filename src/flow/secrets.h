/* The lake's secrets: names and values in .tarn/secrets, a file that only its owner can read.
 *
 * tarn.yaml names them, ${secret:NAME}, where a secret belongs; it can be shared then. Values never
 * enter an error, a log or a listing. The file is a JSON object; it is replaced as a whole, under a
 * lock, so that two writers do not lose each other's secrets.
 */
#ifndef TARN_FLOW_SECRETS_H
#define TARN_FLOW_SECRETS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "os/os.h"

/* Letters, digits, '_', '-' and '.', at most TARN_LIMIT_SECRET_NAME_BYTES: TARN_E_NAME_INVALID. */
bool tarn_flow_secret_check_name(const char *name, TarnError *error) TARN_CHECKED;
/* *value NULL = there is none of that name. `folder` is the lake's. */
bool tarn_flow_secret_find(const TarnOs *os, const char *folder, const char *name,
                           TarnArena *arena, const char **value, TarnError *error) TARN_CHECKED;
/* Sorted names. */
bool tarn_flow_secret_list(const TarnOs *os, const char *folder, TarnArena *arena,
                           const char ***names, size_t *count, TarnError *error) TARN_CHECKED;
/* Durable when it returns. A value is UTF-8 without NUL: TARN_E_CONFIG. */
bool tarn_flow_secret_set(const TarnOs *os, const char *folder, const char *name, TarnText value,
                          TarnError *error) TARN_CHECKED;
/* TARN_E_SECRET_NOT_FOUND */
bool tarn_flow_secret_remove(const TarnOs *os, const char *folder, const char *name,
                             TarnError *error) TARN_CHECKED;

#endif
