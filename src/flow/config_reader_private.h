/* Reading configuration trees (YAML or JSON) by tables of known keys.
 *
 * One table says key, kind and where the value goes; reading refuses unknown keys (naming the
 * nearest known one) and wrong types, always with file:line:column. Used for tarn.yaml, the YAML
 * beside a pipeline, and checks.
 */
#ifndef TARN_FLOW_CONFIG_READER_PRIVATE_H
#define TARN_FLOW_CONFIG_READER_PRIVATE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"

typedef enum TarnConfigKind {
    TARN_CONFIG_TEXT,     /* const char * */
    TARN_CONFIG_BOOL,     /* bool */
    TARN_CONFIG_INT,      /* int64_t */
    TARN_CONFIG_BYTES,    /* uint64_t: "128MB" */
    TARN_CONFIG_DURATION, /* int64_t milliseconds: "30d" */
    TARN_CONFIG_RATE,     /* double 0..1: "1%" or 0.01 */
    TARN_CONFIG_CHAR,     /* char: one ASCII character, or "\t" */
    TARN_CONFIG_ENUM,     /* int: index in `words` (NULL-ended) */
    TARN_CONFIG_TEXTS,    /* TarnConfigTexts: a text or a list of texts */
    TARN_CONFIG_SECRET,   /* const char *: a text that may be ${secret:NAME}, kept out of errors */
    TARN_CONFIG_TREE      /* const TarnJson *: taken as it is, checked by the caller */
} TarnConfigKind;

typedef struct TarnConfigTexts {
    const char **items;
    size_t count;
} TarnConfigTexts;

typedef struct TarnConfigKey {
    const char *name;
    TarnConfigKind kind;
    size_t offset; /* in the struct */
    bool required;
    const char *const *words; /* ENUM */
} TarnConfigKey;

typedef struct TarnConfigReader {
    TarnArena *arena;
    const char *file; /* named in errors */
    TarnError *error;
    /* replaces ${env:X}; NULL result = not set. NULL function = no substitution */
    const char *(*variable)(void *state, const char *name);
    void *variable_state;
    /* replaces ${secret:X}, where the kind allows it; *value NULL = no such secret */
    bool (*secret)(void *state, const char *name, const char **value, TarnError *error);
    void *secret_state;
} TarnConfigReader;

/* `what` is the noun for errors: "source", "zone". */
bool tarn_flow__config_read(const TarnConfigReader *reader, const TarnJson *object,
                            const char *what, const TarnConfigKey *keys, size_t key_count,
                            void *into) TARN_CHECKED;
/* One value by itself. */
bool tarn_flow__config_value(const TarnConfigReader *reader, const TarnJson *value,
                             const char *name, const TarnConfigKey *key, void *target)
    TARN_CHECKED;
/* An error at a value's place; returns false. */
bool tarn_flow__config_refuse(const TarnConfigReader *reader, const TarnJson *at,
                              const char *format, ...) TARN_PRINTF(3, 4);

#endif
