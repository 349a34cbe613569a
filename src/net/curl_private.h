/* The functions of libcurl that are used, looked up when the first client is opened. */
#ifndef TARN_NET_CURL_PRIVATE_H
#define TARN_NET_CURL_PRIVATE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/error.h"

/* easy_setopt and easy_getinfo are variadic in libcurl too: an int must be passed as long. */
typedef struct TarnNetCurl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    CURLcode (*easy_perform)(CURL *easy);
    void (*easy_reset)(CURL *easy);
    void (*easy_cleanup)(CURL *easy);
    const char *(*easy_strerror)(CURLcode code);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
} TarnNetCurl;

/* Loads libcurl once; the functions live as long as the process. */
bool tarn_net__curl(const TarnNetCurl **curl, TarnError *error) TARN_CHECKED;

#endif
