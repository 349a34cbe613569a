/* AWS Signature Version 4.
 *
 * Idea: canonical request -> its hash -> string to sign -> HMAC with a key derived from the secret,
 * the date, the region and the service. Each step is one function here; nothing is kept between
 * calls (deriving the key is four HMACs, some microseconds). S3's rules for the path apply: it is
 * encoded once and never normalised, so that every key is the object it names.
 *
 * It does not presign URLs and does not sign chunks.
 */
#include "net/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/time.h"

#define DIGEST_BYTES 32

/* ---- encoding ---------------------------------------------------------------------------- */

static bool is_unreserved(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void tarn_net_encode(TarnBuffer *out, TarnText text, bool keep_slash) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (is_unreserved(c) || (c == '/' && keep_slash)) {
            tarn_base_buffer_byte(out, c);
        } else {
            tarn_base_buffer_printf(out, "%%%02X", c);
        }
    }
}

typedef struct EncodedParameter {
    const char *name;
    const char *value;
} EncodedParameter;

static int compare_parameters(const void *a, const void *b) {
    const EncodedParameter *x = a;
    const EncodedParameter *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->value, y->value);
}

static const char *encode_string(TarnArena *arena, const char *string) {
    TarnBuffer buffer;
    tarn_base_buffer_init(&buffer, TARN_MIB);
    tarn_net_encode(&buffer, tarn_base_text(string), false);
    const char *copy = tarn_base_buffer_keep(&buffer, arena);
    tarn_base_buffer_dispose(&buffer);
    return copy;
}

bool tarn_net_query(const TarnNetParameter *parameters, size_t count, TarnBuffer *out,
                    TarnError *error) {
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    EncodedParameter *list = TARN_NEW_ARRAY(&arena, count + 1, EncodedParameter);
    bool ok = list != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        list[i].name = encode_string(&arena, parameters[i].name);
        list[i].value = encode_string(&arena, parameters[i].value);
        ok = list[i].name != NULL && list[i].value != NULL;
    }
    if (ok) {
        qsort(list, count, sizeof(*list), compare_parameters);
        for (size_t i = 0; i < count; i++) {
            tarn_base_buffer_printf(out, "%s%s=%s", i > 0 ? "&" : "", list[i].name, list[i].value);
        }
    } else {
        ok = tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "no memory for a query");
    }
    tarn_base_arena_dispose(&arena);
    return ok && tarn_base_buffer_check(out, error);
}

void tarn_net_amz_date(int64_t us, char out[TARN_NET_AMZ_DATE_BYTES]) {
    int64_t seconds = us / 1000000;
    int64_t days = seconds / 86400;
    int64_t rest = seconds % 86400;
    int64_t year;
    unsigned month;
    unsigned day;
    tarn_base_time_civil_from_days(days, &year, &month, &day);
    (void)snprintf(out, TARN_NET_AMZ_DATE_BYTES, "%04u%02u%02uT%02u%02u%02uZ",
                   (unsigned)year % 10000, month % 100, day % 100, (unsigned)(rest / 3600) % 100,
                   (unsigned)(rest / 60 % 60), (unsigned)(rest % 60));
}

/* ---- digests ----------------------------------------------------------------------------- */

bool tarn_net_md5(TarnText text, unsigned char out[TARN_NET_MD5_BYTES]) {
    unsigned size = 0;
    return EVP_Digest(text.data, text.size, out, &size, EVP_md5(), NULL) == 1 &&
           size == TARN_NET_MD5_BYTES;
}

void tarn_net_base64(TarnBuffer *out, const unsigned char *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        unsigned left = size - i < 3 ? (unsigned)(size - i) : 3;
        uint32_t word = (uint32_t)data[i] << 16;
        if (left > 1) word |= (uint32_t)data[i + 1] << 8;
        if (left > 2) word |= data[i + 2];
        for (unsigned k = 0; k < 4; k++) {
            char digit = digits[word >> (18 - 6 * k) & 63];
            tarn_base_buffer_byte(out, (uint8_t)(k <= left ? digit : '='));
        }
    }
}

static bool fail_digest(TarnError *error) {
    return tarn_base_error_set(error, TARN_E_INTERNAL, "libcrypto could not make a digest");
}

bool tarn_net_sha256(TarnText text, char hex[65], TarnError *error) {
    unsigned char digest[DIGEST_BYTES];
    unsigned size = 0;
    if (EVP_Digest(text.data, text.size, digest, &size, EVP_sha256(), NULL) != 1 ||
        size != DIGEST_BYTES) {
        return fail_digest(error);
    }
    tarn_base_text_hex(digest, DIGEST_BYTES, hex);
    return true;
}

static bool hmac(const void *key, size_t key_size, const char *text, size_t text_size,
                 unsigned char out[DIGEST_BYTES]) {
    unsigned size = 0;
    return HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)text, text_size, out,
                &size) != NULL &&
           size == DIGEST_BYTES;
}

/* ---- the canonical request --------------------------------------------------------------- */

typedef struct CanonicalHeader {
    const char *name; /* lower case */
    const char *value;
} CanonicalHeader;

static int compare_headers(const void *a, const void *b) {
    return strcmp(((const CanonicalHeader *)a)->name, ((const CanonicalHeader *)b)->name);
}

static char *lower_copy(TarnArena *arena, const char *text) {
    char *copy = tarn_base_arena_string(arena, text);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c | 0x20);
    }
    return copy;
}

/* No white space at the ends, and one space where there were several. */
static char *squeeze(TarnArena *arena, const char *text) {
    char *copy = tarn_base_text_string(arena, tarn_base_text_trim(tarn_base_text(text)));
    if (copy == NULL) return NULL;
    char *to = copy;
    for (const char *from = copy; *from != '\0'; from++) {
        if (*from == ' ' && from[1] == ' ') continue;
        *to++ = *from;
    }
    *to = '\0';
    return copy;
}

static bool sort_headers(const TarnNetSignature *signature, TarnArena *arena,
                         CanonicalHeader **sorted, TarnError *error) {
    if (signature->header_count > TARN_LIMIT_NET_SIGNED_HEADERS) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "%zu headers to sign",
                                   signature->header_count);
    }
    *sorted = TARN_NEW_ARRAY(arena, signature->header_count + 1, CanonicalHeader);
    for (size_t i = 0; *sorted != NULL && i < signature->header_count; i++) {
        (*sorted)[i].name = lower_copy(arena, signature->headers[i].name);
        (*sorted)[i].value = squeeze(arena, signature->headers[i].value);
    }
    if (!tarn_base_arena_check(arena, error)) return false;
    qsort(*sorted, signature->header_count, sizeof(**sorted), compare_headers);
    return true;
}

static void write_header_names(const CanonicalHeader *headers, size_t count, TarnBuffer *out) {
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(out, "%s%s", i > 0 ? ";" : "", headers[i].name);
    }
}

static void write_request(const TarnNetSignature *signature, const CanonicalHeader *headers,
                          TarnBuffer *out) {
    tarn_base_buffer_printf(out, "%s\n%s\n%s\n", signature->method, signature->path,
                            signature->query);
    for (size_t i = 0; i < signature->header_count; i++) {
        tarn_base_buffer_printf(out, "%s:%s\n", headers[i].name, headers[i].value);
    }
    tarn_base_buffer_byte(out, '\n');
    write_header_names(headers, signature->header_count, out);
    tarn_base_buffer_printf(out, "\n%s", signature->payload_hash);
}

/* ---- the signature ----------------------------------------------------------------------- */

static bool derive_key(const TarnNetSignature *signature, unsigned char key[DIGEST_BYTES],
                       TarnError *error) {
    TarnBuffer start;
    tarn_base_buffer_init(&start, 64 * TARN_KIB);
    tarn_base_buffer_printf(&start, "AWS4%s", signature->secret_key);
    bool ok = !start.failed &&
              hmac(start.data, start.size, signature->date, 8, key) &&
              hmac(key, DIGEST_BYTES, signature->region, strlen(signature->region), key) &&
              hmac(key, DIGEST_BYTES, signature->service, strlen(signature->service), key) &&
              hmac(key, DIGEST_BYTES, "aws4_request", 12, key);
    if (start.data != NULL) OPENSSL_cleanse(start.data, start.capacity);
    tarn_base_buffer_dispose(&start);
    return ok || fail_digest(error);
}

static bool sign_request(const TarnNetSignature *signature, const CanonicalHeader *headers,
                         TarnBuffer *work, TarnBuffer *authorization, TarnError *error) {
    char request_hash[65];
    unsigned char key[DIGEST_BYTES];
    char hex[2 * DIGEST_BYTES + 1];
    write_request(signature, headers, work);
    if (!tarn_base_buffer_check(work, error) ||
        !tarn_net_sha256(tarn_base_buffer_view(work), request_hash, error)) {
        return false;
    }
    tarn_base_buffer_clear(work);
    tarn_base_buffer_printf(work, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/%s/aws4_request\n%s",
                            signature->date, signature->date, signature->region,
                            signature->service, request_hash);
    if (!tarn_base_buffer_check(work, error) || !derive_key(signature, key, error)) return false;
    bool ok = hmac(key, DIGEST_BYTES, work->data, work->size, key) || fail_digest(error);
    tarn_base_text_hex(key, DIGEST_BYTES, hex);
    OPENSSL_cleanse(key, sizeof(key));
    tarn_base_buffer_printf(authorization,
                            "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/%s/aws4_request, "
                            "SignedHeaders=",
                            signature->access_key, signature->date, signature->region,
                            signature->service);
    write_header_names(headers, signature->header_count, authorization);
    tarn_base_buffer_printf(authorization, ", Signature=%s", hex);
    return ok && tarn_base_buffer_check(authorization, error);
}

bool tarn_net_sign(const TarnNetSignature *signature, TarnBuffer *authorization,
                   TarnError *error) {
    TarnArena arena;
    TarnBuffer work;
    CanonicalHeader *headers = NULL;
    tarn_base_arena_init(&arena, TARN_MIB);
    tarn_base_buffer_init(&work, TARN_MIB);
    bool ok = sort_headers(signature, &arena, &headers, error) &&
              sign_request(signature, headers, &work, authorization, error);
    tarn_base_buffer_dispose(&work);
    tarn_base_arena_dispose(&arena);
    return ok;
}
