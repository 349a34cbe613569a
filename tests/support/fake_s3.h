/* A small S3 in memory, on fake_http.h, that does as it is told: fails before or after it has done
 * what was asked, drops answers, answers nonsense. One bucket, "lake"; signatures are not looked
 * at, only that there is one. */
#ifndef TARN_TESTS_FAKE_S3_H
#define TARN_TESTS_FAKE_S3_H

#include <stdbool.h>
#include <stddef.h>

#include "fake_http.h"

typedef struct FakeS3 FakeS3;

typedef struct FakeFault {
    const char *method; /* "" = any; "POST" and so on */
    const char *query;  /* must be in the target; "" = any */
    unsigned skip;      /* so many matching requests pass first */
    unsigned count;     /* then so many are hit */
    bool apply;         /* what was asked is done before the answer is spoilt */
    FakeHow how;        /* FAKE_ANSWER: with the status and the code below */
    int status;
    const char *code;
    const char *extra;  /* more XML of the error */
    const char *header; /* "Name: value\r\n" */
} FakeFault;

FakeS3 *fake_s3_start(void);
void fake_s3_stop(FakeS3 *s3);
const char *fake_s3_endpoint(const FakeS3 *s3);
/* Takes the place of the fault before; NULL = none. */
void fake_s3_fault(FakeS3 *s3, const FakeFault *fault);
void fake_s3_forget_metadata(FakeS3 *s3, bool yes); /* a store that drops user metadata */
void fake_s3_ignore_conditions(FakeS3 *s3, bool yes);
void fake_s3_no_batches(FakeS3 *s3, bool yes);
/* Deletions in batches of keys with "busy" in them are refused so many times; of keys with
 * "protected" always. */
void fake_s3_busy(FakeS3 *s3, unsigned times);
void fake_s3_page(FakeS3 *s3, unsigned keys); /* of a listing; default 1000 */
unsigned fake_s3_requests(FakeS3 *s3, const char *method); /* "" = all; since the start */
unsigned fake_s3_objects(FakeS3 *s3);
unsigned fake_s3_uploads(FakeS3 *s3); /* begun and neither completed nor aborted */
/* How many times an object was made under a key: put, or an upload completed. */
unsigned fake_s3_made(FakeS3 *s3, const char *key);
/* Bytes of an object, or NULL. Valid until the next request. */
const char *fake_s3_bytes(FakeS3 *s3, const char *key, size_t *size);
/* Somebody else's object. */
void fake_s3_plant(FakeS3 *s3, const char *key, const char *bytes);
const char *fake_s3_last_token(FakeS3 *s3); /* the session token of the last request, or "" */
const char *fake_s3_last_key_id(FakeS3 *s3); /* the access key of the last request */

#endif
