/* AWS Signature Version 4 ("Authenticating Requests: Using the Authorization Header", Amazon S3
 * API reference): pure functions, no clock and no network.
 *
 * The text that is signed is the text that is sent: the caller builds the encoded path and query
 * once, with tarn_net_encode() and tarn_net_query(), and uses them in the URL as well.
 */
#ifndef TARN_NET_SIGV4_H
#define TARN_NET_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "net/http.h"

#define TARN_NET_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"

typedef struct TarnNetParameter {
    const char *name;
    const char *value; /* "" for a name alone */
} TarnNetParameter;

typedef struct TarnNetSignature {
    const char *method;
    const char *path;  /* encoded, begins with '/' */
    const char *query; /* as tarn_net_query() writes it; "" = none */
    const TarnNetHeader *headers; /* all that are signed: host and x-amz-date belong to them */
    size_t header_count;          /* at most TARN_LIMIT_NET_SIGNED_HEADERS */
    const char *payload_hash;     /* SHA-256 in lower case hex, or TARN_NET_UNSIGNED_PAYLOAD */
    const char *service;
    const char *region;
    const char *access_key;
    const char *secret_key;
    const char *date; /* "20150830T123600Z": the value of x-amz-date */
} TarnNetSignature;

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~, and '/' if `keep_slash`; upper case hex. */
void tarn_net_encode(TarnBuffer *out, TarnText text, bool keep_slash);
/* Sorted by the bytes of the encoded name, then value; "name=value&name=value". */
bool tarn_net_query(const TarnNetParameter *parameters, size_t count, TarnBuffer *out,
                    TarnError *error) TARN_CHECKED;
/* "20150830T123600Z" */
#define TARN_NET_AMZ_DATE_BYTES 17
void tarn_net_amz_date(int64_t us, char out[TARN_NET_AMZ_DATE_BYTES]);
/* Appends the value of the Authorization header. */
bool tarn_net_sign(const TarnNetSignature *signature, TarnBuffer *authorization,
                   TarnError *error) TARN_CHECKED;

#define TARN_NET_MD5_BYTES 16
/* MD5 as S3 wants it in Content-MD5 and shows it in ETags; false where the system forbids MD5. */
bool tarn_net_md5(TarnText text, unsigned char out[TARN_NET_MD5_BYTES]);
void tarn_net_base64(TarnBuffer *out, const unsigned char *data, size_t size);
bool tarn_net_sha256(TarnText text, char hex[65], TarnError *error) TARN_CHECKED;

#endif
