/* The S3 store: what its files share. */
#ifndef TARN_STORE_S3_PRIVATE_H
#define TARN_STORE_S3_PRIVATE_H

#include <pthread.h>

#include "net/http.h"
#include "net/sigv4.h"
#include "store/s3.h"

/* ---- credentials (s3_credentials.c, s3_profile.c) ------------------------------------------ */

/* One set of keys; the texts are allocated together and freed by dispose, which wipes them. */
typedef struct TarnStoreKeys {
    char *access_key; /* NULL = none */
    char *secret_key;
    char *session_token; /* "" = none */
    int64_t expires_us;  /* INT64_MAX = never */
} TarnStoreKeys;

typedef struct TarnStoreCredentials {
    const TarnOs *os;
    const TarnStoreS3Options *options;
    pthread_mutex_t lock; /* guards `keys`; held while they are fetched */
    TarnStoreKeys keys;
    TarnNetClient *metadata_client; /* made when a metadata service is asked */
} TarnStoreCredentials;

void tarn_store__credentials_init(TarnStoreCredentials *credentials, const TarnOs *os,
                                  const TarnStoreS3Options *options);
void tarn_store__credentials_dispose(TarnStoreCredentials *credentials);
/* Keys that are good for some minutes, in the arena. `renew`: those of now were refused as
 * expired. */
bool tarn_store__credentials_get(TarnStoreCredentials *credentials, bool renew, TarnArena *arena,
                                 TarnStoreKeys *keys, TarnError *error) TARN_CHECKED;
/* Takes copies; false if there is no memory. */
bool tarn_store__keys_set(TarnStoreKeys *keys, TarnText access_key, TarnText secret_key,
                          TarnText session_token, int64_t expires_us);
void tarn_store__keys_dispose(TarnStoreKeys *keys);

/* A setting of the profile in use, from the config or the credentials file; NULL = not there. */
bool tarn_store__profile_value(const TarnOs *os, const char *profile, const char *key,
                               TarnArena *arena, const char **value, TarnError *error) TARN_CHECKED;

/* ---- requests (s3_request.c) --------------------------------------------------------------- */

typedef struct TarnStoreS3 {
    TarnStore store;
    TarnArena arena; /* of the store's own texts; not touched after opening */
    TarnStoreS3Options options;
    const char *bucket;
    const char *key_prefix; /* "" or ends with '/' */
    const char *host;       /* with the port, with the bucket where the style is virtual */
    const char *endpoint_host;
    const char *region;
    bool secure;
    bool path_style;
    TarnNetClient *client; /* made by the first request, under `lock` */
    pthread_mutex_t lock;
    TarnStoreCredentials credentials;
} TarnStoreS3;

#define TARN_STORE_S3_HEADERS 4

typedef struct TarnStoreS3Request {
    const char *method;
    const char *location; /* for messages */
    const char *key;      /* "" = the bucket itself */
    TarnNetParameter parameters[6];
    size_t parameter_count;
    TarnNetHeader headers[TARN_STORE_S3_HEADERS]; /* beside those that every request has */
    size_t header_count;
    TarnText body;
    TarnOsFile *file;
    uint64_t file_offset;
    uint64_t file_size;
    size_t limit;
    bool once;   /* not to be repeated when the outcome is unknown */
    bool finish; /* goes on after Ctrl-C */
} TarnStoreS3Request;

/* How long one call of the store may go on trying. */
typedef struct TarnStoreS3Retry {
    int64_t until_us; /* monotonic */
    uint32_t count;
} TarnStoreS3Retry;

TarnStoreS3Retry tarn_store__s3_retry_begin(const TarnStoreS3 *s3);
/* Waits a random time and returns true, or false if there is no time left; *error keeps what it
 * holds unless the wait is interrupted. */
bool tarn_store__s3_retry_wait(const TarnStoreS3 *s3, TarnStoreS3Retry *retry, bool finish,
                               const TarnNetResponse *response, TarnError *error);

/* True with any answer that repeating would not change: the caller looks at the status. False
 * with the error named. With `once` also false, error->outcome_unknown set, where the server may
 * have done it. */
bool tarn_store__s3_send(TarnStoreS3 *s3, const TarnStoreS3Request *request,
                         TarnStoreS3Retry *retry, TarnArena *arena, TarnNetResponse *response,
                         TarnError *error) TARN_CHECKED;
/* Makes the answer "no" an error: its name, its reason, what can be done. Returns false. */
bool tarn_store__s3_refuse(const TarnStoreS3 *s3, const TarnStoreS3Request *request,
                           const TarnNetResponse *response, TarnError *error);
/* The code in the answer's XML; "" if it has none. */
const char *tarn_store__s3_code(const TarnNetResponse *response, TarnArena *arena);
/* True for the code of a refusal that passes by itself: the store is busy or had a failure. */
bool tarn_store__s3_code_passes(const char *code);
/* The same client for all requests of a store. */
bool tarn_store__s3_client(TarnStoreS3 *s3, TarnNetClient **client, TarnError *error) TARN_CHECKED;

/* ---- objects ------------------------------------------------------------------------------- */

bool tarn_store__s3_open(const TarnOs *os, const char *root, const TarnStoreOptions *options,
                         TarnStore **store, TarnError *error) TARN_CHECKED;
/* The part of a checked location after the bucket's slash. */
const char *tarn_store__s3_key(const char *location);
/* HEAD; `id` (may be NULL) gets the identity that a put of ours left, or "". */
#define TARN_STORE_S3_ID_HEADER "x-amz-meta-tarn-put"
bool tarn_store__s3_head(TarnStoreS3 *s3, const char *location, TarnStoreS3Retry *retry,
                         TarnArena *arena, TarnStoreObject *object, const char **id,
                         TarnError *error) TARN_CHECKED;
void tarn_store__s3_describe(const TarnNetResponse *response, TarnStoreObject *object);

/* s3_put.c */
bool tarn_store__s3_put(TarnStore *store, const char *location, TarnText content,
                        TarnStorePut how, bool durable, TarnError *error);
bool tarn_store__s3_put_file(TarnStore *store, const char *location, const char *local_file,
                             TarnStorePut how, bool durable, TarnError *error);

/* s3_list.c */
bool tarn_store__s3_list(TarnStore *store, const char *prefix, TarnStoreVisit visit, void *state,
                         TarnError *error);
bool tarn_store__s3_remove(TarnStore *store, const char *location, bool *existed,
                           TarnError *error);
bool tarn_store__s3_remove_many(TarnStore *store, const char *const *locations, size_t count,
                                bool *removed, TarnError *error);

/* ---- XML (s3_xml.c) ------------------------------------------------------------------------ */

/* The next element of `rest`: its name and what is between its tags. *found false = no more.
 * TARN_E_FORMAT_CORRUPT for what is not well-formed or is more than S3 sends (a DOCTYPE). */
bool tarn_store__xml_next(TarnText *rest, TarnText *name, TarnText *content, bool *found,
                          TarnError *error) TARN_CHECKED;
/* The content of the root element, whose name must be `name` (NULL = any). */
bool tarn_store__xml_root(TarnText document, const char *name, TarnText *content,
                          TarnError *error) TARN_CHECKED;
/* The text of the child `name`, entities resolved; "" if there is none. */
bool tarn_store__xml_text(TarnText content, const char *name, TarnArena *arena, const char **text,
                          TarnError *error) TARN_CHECKED;
bool tarn_store__xml_decode(TarnText raw, TarnArena *arena, const char **text,
                            TarnError *error) TARN_CHECKED;
void tarn_store__xml_escape(TarnBuffer *out, const char *text);

#endif
