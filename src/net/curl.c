/* Loading libcurl.
 *
 * Linked in the usual way it brings some thirty libraries, whose relocations would cost every
 * command several milliseconds and megabytes (net/README.md has the figures). So it is opened by
 * its name when the first client is made, and never closed: it keeps global state.
 */
#include "net/curl_private.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

static pthread_mutex_t curl_lock = PTHREAD_MUTEX_INITIALIZER;
static bool curl_loaded;
static TarnNetCurl curl_functions;

typedef struct CurlSlot {
    const char *name;
    size_t offset;
} CurlSlot;

#define SLOT(name) {"curl_" #name, offsetof(TarnNetCurl, name)}
static const CurlSlot curl_slots[] = {
    SLOT(global_init),  SLOT(easy_init),    SLOT(easy_setopt),   SLOT(easy_getinfo),
    SLOT(easy_perform), SLOT(easy_reset),   SLOT(easy_cleanup),  SLOT(easy_strerror),
    SLOT(slist_append), SLOT(slist_free_all),
};

static bool refuse(TarnError *error, const char *why) {
    tarn_base_error_set(error, TARN_E_UNAVAILABLE, "cannot load libcurl (libcurl.so.4): %s", why);
    return tarn_base_error_hint(error, "install it; Debian's package is libcurl4");
}

static bool load(TarnError *error) {
    void *handle = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (handle == NULL) {
        const char *reason = dlerror();
        return refuse(error, reason != NULL ? reason : "no reason given");
    }
    for (size_t i = 0; i < sizeof(curl_slots) / sizeof(curl_slots[0]); i++) {
        void *symbol = dlsym(handle, curl_slots[i].name);
        if (symbol == NULL) return refuse(error, "it lacks a function");
        memcpy((char *)&curl_functions + curl_slots[i].offset, &symbol, sizeof(symbol));
    }
    if (curl_functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return refuse(error, "it could not be started");
    }
    curl_loaded = true;
    return true;
}

bool tarn_net__curl(const TarnNetCurl **curl, TarnError *error) {
    pthread_mutex_lock(&curl_lock);
    bool ok = curl_loaded || load(error);
    pthread_mutex_unlock(&curl_lock);
    *curl = &curl_functions;
    return ok;
}
