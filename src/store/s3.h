/* A store on S3: what it is opened with, and what the engine needs to read beside it.
 *
 * A location is s3://bucket/key (s3a and s3n are the same in metadata that others wrote). What is
 * not given is looked up as Amazon's own clients do: environment, profile files, the container's
 * and the machine's metadata service. Nothing is sent before the first request.
 */
#ifndef TARN_STORE_S3_H
#define TARN_STORE_S3_H

#include "store/store.h"

typedef enum TarnStoreS3Style {
    TARN_STORE_S3_STYLE_AUTO,   /* path at an own endpoint, virtual at Amazon's */
    TARN_STORE_S3_STYLE_PATH,   /* https://endpoint/bucket/key */
    TARN_STORE_S3_STYLE_VIRTUAL /* https://bucket.endpoint/key */
} TarnStoreS3Style;

/* NULL or 0 = look it up, or the default. */
typedef struct TarnStoreS3Options {
    const char *endpoint; /* "http://127.0.0.1:9000"; without a scheme https */
    const char *region;
    TarnStoreS3Style style;
    const char *access_key; /* both keys or none */
    const char *secret_key;
    const char *session_token;
    const char *profile; /* of the profile files; else AWS_PROFILE, "default" */
    int64_t retry_ms;    /* how long one call goes on trying */
    int64_t silence_ms;  /* of one request; see net/http.h */
    uint64_t part_bytes; /* of an upload in parts, and from which size on there are parts */
} TarnStoreS3Options;

/* What someone else needs to open the store's objects. */
typedef struct TarnStoreS3Access {
    const char *host; /* "127.0.0.1:9000" */
    bool secure;
    bool path_style;
    const char *region;
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* "" = none */
    int64_t expires_us;        /* INT64_MAX = never */
} TarnStoreS3Access;

/* True for locations that a store on S3 would open, by their scheme alone. */
bool tarn_store_is_s3(TarnText location);
/* The store must be on S3. The texts live in the arena and are secret. May ask a metadata
 * service. */
bool tarn_store_s3_access(TarnStore *store, TarnArena *arena, TarnStoreS3Access *access,
                          TarnError *error) TARN_CHECKED;

#endif
