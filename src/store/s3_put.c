/* Writing to S3: whole objects in one request, large files in parts.
 *
 * Idea: every put that must find nothing carries an identity of its own, a random id kept with the
 * object as user metadata. When the answer is lost, or is "there is one already", the object's head
 * tells for certain whether it was this very put that made it. So an unknown outcome is settled and
 * never guessed, also where two writers write the same bytes. Stores that drop user metadata are
 * settled by size and MD5.
 *
 * Parts are sent from the file, so memory does not grow with it. After a failure an upload in parts
 * is aborted; nothing is found under its name before it is completed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "store/s3_private.h"

typedef struct Put {
    TarnStoreS3 *s3;
    const char *location;
    const char *key;
    TarnText content;
    TarnOsFile *file; /* NULL = content */
    uint64_t size;
    TarnStorePut how;
    char id[TARN_OS_UUID_BYTES];
    TarnStoreS3Retry retry;
    TarnArena arena;
    TarnError *error;
} Put;

static bool fail_exists(const Put *put) {
    return tarn_base_error_set(put->error, TARN_E_OBJECT_EXISTS, "\"%s\" exists already",
                               put->location);
}

/* ---- whose object is it? ----------------------------------------------------------------- */

typedef enum Whose { NOBODYS, OURS, ANOTHERS, UNKNOWN } Whose;

static Whose judge_content(const Put *put, const TarnStoreObject *object) {
    unsigned char md5[TARN_NET_MD5_BYTES];
    char hex[2 * TARN_NET_MD5_BYTES + 1];
    if (object->size != put->size) return ANOTHERS;
    if (put->file != NULL || !tarn_net_md5(put->content, md5)) return UNKNOWN;
    tarn_base_text_hex(md5, sizeof(md5), hex);
    if (strcmp(hex, object->etag) == 0) return OURS;
    /* An ETag of another form (encryption, parts) is no MD5 and proves nothing. */
    return strlen(object->etag) == 32 ? ANOTHERS : UNKNOWN;
}

/* False if the store could not be asked; then *put->error says why. */
static bool find_out(Put *put, Whose *whose) {
    TarnStoreObject object = {.location = put->location};
    const char *id = "";
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(put->s3);
    *whose = UNKNOWN;
    if (!tarn_store__s3_head(put->s3, put->location, &retry, &put->arena, &object, &id,
                             put->error)) {
        return false;
    }
    if (!object.exists) {
        *whose = NOBODYS;
    } else if (id[0] != '\0') {
        *whose = strcmp(id, put->id) == 0 ? OURS : ANOTHERS;
    } else {
        *whose = judge_content(put, &object);
    }
    return true;
}

static bool fail_unknown(Put *put) {
    TarnError *error = put->error;
    if (error == NULL) return false;
    if (error->code == TARN_OK) {
        tarn_base_error_set(error, TARN_E_UNAVAILABLE,
                            "the answer to writing \"%s\" was lost, and what is there now cannot "
                            "be told apart from what another could have written",
                            put->location);
    }
    error->outcome_unknown = true;
    return false;
}

/* After an answer that was lost or unclear: *again = nothing is there, write once more. True and
 * !*again = it is ours. */
static bool settle(Put *put, bool *again) {
    TarnError first;
    Whose whose;
    tarn_base_error_clear(&first);
    if (put->error != NULL) first = *put->error;
    *again = false;
    if (!find_out(put, &whose)) return fail_unknown(put);
    switch (whose) {
    case OURS: return true;
    case ANOTHERS: return fail_exists(put);
    case NOBODYS: break;
    default:
        if (put->error != NULL) *put->error = first;
        return fail_unknown(put);
    }
    if (put->error != NULL) *put->error = first;
    /* A request that is still on its way may yet arrive; its id is ours, so a second one is no
     * danger. When there is no time for it, nobody can say. */
    if (tarn_store__s3_retry_wait(put->s3, &put->retry, false, NULL, put->error)) {
        *again = true;
        return true;
    }
    return fail_unknown(put);
}

/* ---- one request ------------------------------------------------------------------------- */

static TarnStoreS3Request begin_request(const Put *put, const char *method) {
    return (TarnStoreS3Request){.method = method, .location = put->location, .key = put->key,
                                .limit = TARN_MIB};
}

static void add_header(TarnStoreS3Request *request, const char *name, const char *value) {
    request->headers[request->header_count++] = (TarnNetHeader){name, value};
}

static void add_parameter(TarnStoreS3Request *request, const char *name, const char *value) {
    request->parameters[request->parameter_count++] = (TarnNetParameter){name, value};
}

static bool put_whole(Put *put) {
    bool exclusive = put->how == TARN_STORE_IF_ABSENT;
    TarnStoreS3Request request = begin_request(put, "PUT");
    request.body = put->content;
    request.file = put->file;
    request.file_size = put->size;
    request.once = exclusive;
    if (exclusive) {
        add_header(&request, "If-None-Match", "*");
        add_header(&request, TARN_STORE_S3_ID_HEADER, put->id);
    }
    for (;;) {
        TarnNetResponse response;
        bool again;
        if (!tarn_store__s3_send(put->s3, &request, &put->retry, &put->arena, &response,
                                 put->error)) {
            TarnError *error = put->error;
            if (!exclusive || error == NULL || !error->outcome_unknown) return false;
            if (error->code == TARN_E_INTERRUPTED) return false;
            if (!settle(put, &again)) return false;
            if (!again) return true;
            continue;
        }
        if (response.status < 300) return true;
        if (exclusive && response.status == 412) {
            if (!settle(put, &again)) return false;
            if (!again) return true;
            continue; /* whoever was there has gone meanwhile */
        }
        tarn_store__s3_refuse(put->s3, &request, &response, put->error);
        if (response.status != 409) return false;
        /* Two writers at once, and the store chose neither. */
        if (!tarn_store__s3_retry_wait(put->s3, &put->retry, false, &response, put->error)) {
            return false;
        }
    }
}

/* ---- parts ------------------------------------------------------------------------------- */

typedef struct Upload {
    Put *put;
    const char *id;
    uint64_t part_bytes;
    uint32_t count;
    const char **etags;
} Upload;

static bool create_upload(Upload *upload) {
    Put *put = upload->put;
    TarnNetResponse response;
    TarnText content;
    TarnStoreS3Request request = begin_request(put, "POST");
    add_parameter(&request, "uploads", "");
    if (put->how == TARN_STORE_IF_ABSENT) add_header(&request, TARN_STORE_S3_ID_HEADER, put->id);
    if (!tarn_store__s3_send(put->s3, &request, &put->retry, &put->arena, &response,
                             put->error)) {
        return false;
    }
    if (response.status >= 300) {
        return tarn_store__s3_refuse(put->s3, &request, &response, put->error);
    }
    if (!tarn_store__xml_root(response.body, "InitiateMultipartUploadResult", &content,
                              put->error) ||
        !tarn_store__xml_text(content, "UploadId", &put->arena, &upload->id, put->error)) {
        return false;
    }
    return upload->id[0] != '\0' ||
           tarn_base_error_set(put->error, TARN_E_FORMAT_CORRUPT,
                               "the object store began an upload without an id");
}

static bool send_part(Upload *upload, uint32_t index) {
    Put *put = upload->put;
    TarnArena arena;
    TarnNetResponse response;
    TarnStoreS3Request request = begin_request(put, "PUT");
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    /* Each part has its own time: an upload may take hours. */
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(put->s3);
    add_parameter(&request, "partNumber", tarn_base_arena_printf(&put->arena, "%u", index + 1));
    add_parameter(&request, "uploadId", upload->id);
    request.file = put->file;
    request.file_offset = index * upload->part_bytes;
    uint64_t left = put->size - request.file_offset;
    request.file_size = left < upload->part_bytes ? left : upload->part_bytes;
    bool ok = tarn_base_arena_check(&put->arena, put->error) &&
              tarn_store__s3_send(put->s3, &request, &retry, &arena, &response, put->error);
    if (ok && response.status >= 300) {
        ok = tarn_store__s3_refuse(put->s3, &request, &response, put->error);
    }
    if (ok) {
        const char *etag = tarn_net_header(&response, "etag");
        upload->etags[index] = tarn_base_arena_string(&put->arena, etag);
        ok = tarn_base_arena_check(&put->arena, put->error) &&
             (etag != NULL || tarn_base_error_set(put->error, TARN_E_FORMAT_CORRUPT,
                                                  "the object store took a part without an ETag"));
    }
    tarn_base_arena_dispose(&arena);
    return ok;
}

static void abort_upload(Upload *upload) {
    Put *put = upload->put;
    TarnNetResponse response;
    TarnError ignored;
    TarnStoreS3Retry retry = tarn_store__s3_retry_begin(put->s3);
    TarnStoreS3Request request = begin_request(put, "DELETE");
    tarn_base_error_clear(&ignored);
    add_parameter(&request, "uploadId", upload->id);
    request.finish = true;
    /* What cannot be removed costs room, not truth: no name leads to it. */
    if (!tarn_store__s3_send(put->s3, &request, &retry, &put->arena, &response, &ignored)) return;
}

static bool write_completion(const Upload *upload, TarnBuffer *body, TarnError *error) {
    tarn_base_buffer_string(body, "<CompleteMultipartUpload>");
    for (uint32_t i = 0; i < upload->count; i++) {
        tarn_base_buffer_printf(body, "<Part><PartNumber>%u</PartNumber><ETag>", i + 1);
        tarn_store__xml_escape(body, upload->etags[i]);
        tarn_base_buffer_string(body, "</ETag></Part>");
    }
    tarn_base_buffer_string(body, "</CompleteMultipartUpload>");
    return tarn_base_buffer_check(body, error);
}

/* S3 may begin to answer before it is done, and then say "no" in a body under status 200. */
static bool is_error_body(const TarnNetResponse *response) {
    TarnText content;
    return tarn_store__xml_root(response->body, "Error", &content, NULL);
}

typedef enum Completion { COMPLETED, FAILED, UNCLEAR, START_AGAIN } Completion;

static Completion complete_once(Upload *upload, TarnText body) {
    Put *put = upload->put;
    TarnNetResponse response;
    TarnStoreS3Request request = begin_request(put, "POST");
    add_parameter(&request, "uploadId", upload->id);
    if (put->how == TARN_STORE_IF_ABSENT) add_header(&request, "If-None-Match", "*");
    request.body = body;
    request.once = true;
    if (!tarn_store__s3_send(put->s3, &request, &put->retry, &put->arena, &response,
                             put->error)) {
        bool unclear = put->error != NULL && put->error->outcome_unknown &&
                       put->error->code != TARN_E_INTERRUPTED;
        return unclear ? UNCLEAR : FAILED;
    }
    if (response.status < 300 && !is_error_body(&response)) return COMPLETED;
    tarn_store__s3_refuse(put->s3, &request, &response, put->error);
    if (response.status == 409) return START_AGAIN;
    /* 404: the upload is gone, perhaps because it is complete. */
    bool unclear = response.status < 300 || response.status == 404 || response.status == 412;
    return unclear ? UNCLEAR : FAILED;
}

/* A replaced object cannot be told from its successor by an id: the upload's own is gone once it is
 * complete, and completing again is what S3 allows. */
static Completion complete_upload(Upload *upload, TarnText body) {
    Put *put = upload->put;
    for (;;) {
        Completion completion = complete_once(upload, body);
        bool again = true;
        if (completion != UNCLEAR) return completion;
        if (put->how == TARN_STORE_IF_ABSENT) {
            if (!settle(put, &again)) return FAILED;
            if (!again) return COMPLETED;
        } else if (!tarn_store__s3_retry_wait(put->s3, &put->retry, false, NULL, put->error)) {
            (void)fail_unknown(put);
            return FAILED;
        }
    }
}

static Completion upload_parts(Upload *upload) {
    Put *put = upload->put;
    TarnBuffer body;
    if (!create_upload(upload)) return FAILED;
    bool ok = true;
    for (uint32_t i = 0; ok && i < upload->count; i++) ok = send_part(upload, i);
    Completion completion = FAILED;
    tarn_base_buffer_init(&body, 8 * TARN_MIB);
    if (ok && !TARN_FAULT("store.s3.before_complete", put->error) &&
        write_completion(upload, &body, put->error)) {
        put->retry = tarn_store__s3_retry_begin(put->s3);
        completion = complete_upload(upload, tarn_base_buffer_view(&body));
    }
    tarn_base_buffer_dispose(&body);
    bool unknown = completion == FAILED && put->error->outcome_unknown;
    if (completion != COMPLETED && !unknown) abort_upload(upload);
    return completion;
}

static bool put_parts(Put *put) {
    uint64_t part_bytes = put->s3->options.part_bytes;
    uint64_t least = put->size / TARN_LIMIT_STORE_PARTS + 1;
    if (part_bytes < least) part_bytes = least;
    Upload upload = {.put = put, .part_bytes = part_bytes,
                     .count = (uint32_t)((put->size + part_bytes - 1) / part_bytes)};
    upload.etags = TARN_NEW_ARRAY(&put->arena, upload.count, const char *);
    if (upload.etags == NULL) return tarn_base_arena_check(&put->arena, put->error);
    for (;;) {
        Completion completion = upload_parts(&upload);
        if (completion != START_AGAIN) return completion == COMPLETED;
        if (!tarn_store__s3_retry_wait(put->s3, &put->retry, false, NULL, put->error)) return false;
    }
}

/* ---- the two puts ------------------------------------------------------------------------ */

static bool check_key(const char *location, TarnError *error) {
    const char *key = tarn_store__s3_key(location);
    size_t size = strlen(key);
    if (size > 0 && size <= TARN_LIMIT_STORE_KEY_BYTES && key[size - 1] != '/') return true;
    return tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                               "cannot write \"%s\": %s", location,
                               size > TARN_LIMIT_STORE_KEY_BYTES
                                   ? "S3 allows names of 1024 bytes"
                                   : "it names a folder");
}

/* Do not send much to learn that it is in vain. */
static bool look_first(Put *put) {
    Whose whose;
    if (put->how != TARN_STORE_IF_ABSENT || put->size < TARN_LIMIT_STORE_LOOK_BYTES) return true;
    if (!find_out(put, &whose)) return false;
    return whose == NOBODYS || fail_exists(put);
}

static bool run_put(Put *put) {
    TarnError ignored;
    tarn_base_error_clear(&ignored);
    if (put->error == NULL) put->error = &ignored;
    if (!check_key(put->location, put->error) ||
        !tarn_os_uuid4(put->s3->store.os, put->id, put->error)) {
        return false;
    }
    put->key = tarn_store__s3_key(put->location);
    put->retry = tarn_store__s3_retry_begin(put->s3);
    tarn_base_arena_init(&put->arena, 64 * TARN_MIB);
    bool parts = put->file != NULL && put->size > put->s3->options.part_bytes;
    bool ok = look_first(put) && (parts ? put_parts(put) : put_whole(put));
    tarn_base_arena_dispose(&put->arena);
    return ok;
}

bool tarn_store__s3_put(TarnStore *store, const char *location, TarnText content,
                        TarnStorePut how, bool durable, TarnError *error) {
    (void)durable; /* always */
    Put put = {.s3 = (TarnStoreS3 *)store, .location = location, .content = content,
               .size = content.size, .how = how, .error = error};
    return run_put(&put);
}

bool tarn_store__s3_put_file(TarnStore *store, const char *location, const char *local_file,
                             TarnStorePut how, bool durable, TarnError *error) {
    (void)durable;
    Put put = {.s3 = (TarnStoreS3 *)store, .location = location, .how = how, .error = error};
    TarnOsStat stat;
    if (!store->os->file_open(store->os, local_file, TARN_OS_READ, &put.file, error)) return false;
    bool ok = store->os->file_stat(store->os, put.file, &stat, error);
    put.size = ok ? stat.size : 0;
    ok = ok && run_put(&put);
    tarn_os_file_discard(store->os, put.file);
    return ok;
}
