/* Locations as text: which forms are understood, what they name on this machine, and whether one
 * lies inside another.
 *
 * Idea: a location is never rewritten. What opens an object is a part of the very bytes that stand
 * in the metadata, so no decoding and no cleaning can make two parties disagree on what is meant.
 * Cleaning happens only in comparisons. Links are not looked at here; that needs the disk.
 */
#include "base/limits.h"
#include "store/s3.h"

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* The scheme before ':' (RFC 3986, section 3.1); size 0 if there is none. */
static TarnText find_scheme(TarnText location) {
    size_t i = 0;
    while (i < location.size) {
        char c = location.data[i];
        bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!is_letter(c) && !(i > 0 && later)) break;
        i++;
    }
    bool found = i > 0 && i < location.size && location.data[i] == ':';
    return (TarnText){location.data, found ? i : 0};
}

static bool is_scheme(TarnText scheme, const char *name) {
    if (scheme.size != strlen(name)) return false;
    for (size_t i = 0; i < scheme.size; i++) {
        bool letter = is_letter(scheme.data[i]);
        if ((letter ? scheme.data[i] | 0x20 : scheme.data[i]) != name[i]) return false;
    }
    return true;
}

/* The engine knows these three, in lower case only. */
static bool is_s3_scheme(TarnText scheme) {
    return tarn_base_text_is(scheme, "s3") || tarn_base_text_is(scheme, "s3a") ||
           tarn_base_text_is(scheme, "s3n");
}

bool tarn_store_is_s3(TarnText location) {
    return location.data != NULL && is_s3_scheme(find_scheme(location));
}

static bool refuse(TarnError *error, TarnText location, const char *why) {
    return tarn_base_error_set(error, TARN_E_LOCATION_INVALID, "cannot use the location \"%.*s\": "
                               "%s", TARN_TEXT_ARG(location), why);
}

static bool strip_scheme(TarnText location, TarnText *path, TarnError *error) {
    TarnText scheme = find_scheme(location);
    *path = location;
    if (scheme.size == 0) return true;
    if (!is_scheme(scheme, "file")) {
        tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                            "cannot use the location \"%.*s\": this program has no store for the "
                            "scheme \"%.*s\"",
                            TARN_TEXT_ARG(location), TARN_TEXT_ARG(scheme));
        return tarn_base_error_hint(error, "a store is a folder of this machine (an absolute path "
                                           "or file:///path) or s3://bucket/prefix");
    }
    *path = (TarnText){location.data + scheme.size + 1, location.size - scheme.size - 1};
    if (!tarn_base_text_starts(*path, "//")) return true;
    *path = (TarnText){path->data + 2, path->size - 2};
    if (tarn_base_text_starts(*path, "/")) return true;
    return refuse(error, location, "it names a host; a file is on this machine: file:///path");
}

static bool next_segment(TarnText *rest, TarnText *segment) {
    while (rest->data != NULL) {
        *segment = tarn_base_text_split(*rest, '/', rest);
        if (segment->size > 0 && !tarn_base_text_is(*segment, ".")) return true;
    }
    return false;
}

/* ---- S3 ---------------------------------------------------------------------------------- */

/* "bucket/key" of "s3://bucket/key"; data NULL if there is no "//". */
static TarnText strip_s3(TarnText location) {
    TarnText scheme = find_scheme(location);
    TarnText rest = {location.data + scheme.size + 1, location.size - scheme.size - 1};
    if (!tarn_base_text_starts(rest, "//")) return (TarnText){NULL, 0};
    return (TarnText){rest.data + 2, rest.size - 2};
}

/* Letters, digits, '.', '-' and '_': nothing that ends a host or a path. */
static bool is_bucket(TarnText bucket) {
    if (bucket.size == 0 || bucket.size > TARN_LIMIT_STORE_KEY_BYTES) return false;
    for (size_t i = 0; i < bucket.size; i++) {
        char c = bucket.data[i];
        bool fits = is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        if (!fits || (c == '.' && i == 0)) return false;
    }
    return true;
}

static bool resolve_s3(TarnText location, TarnText *path, TarnError *error) {
    TarnText rest = strip_s3(location);
    if (rest.data == NULL) return refuse(error, location, "it is like s3://bucket/prefix");
    TarnText key;
    TarnText bucket = tarn_base_text_split(rest, '/', &key);
    if (!is_bucket(bucket)) return refuse(error, location, "it has no bucket's name");
    for (size_t i = 0; i < rest.size; i++) {
        if ((unsigned char)rest.data[i] < 0x20 || rest.data[i] == 0x7f) {
            return refuse(error, location, "it has a control character");
        }
    }
    while (key.data != NULL) {
        TarnText segment = tarn_base_text_split(key, '/', &key);
        if (tarn_base_text_is(segment, "..") || tarn_base_text_is(segment, ".")) {
            return refuse(error, location, "it has a \"..\" or \".\" in it");
        }
    }
    *path = location;
    return true;
}

/* Byte for byte, since keys are; only the scheme's three spellings are one. */
static bool inside_s3(TarnText prefix, TarnText location) {
    TarnText outer = strip_s3(prefix);
    TarnText inner = strip_s3(location);
    while (tarn_base_text_ends(outer, "/")) outer.size--;
    if (inner.size < outer.size || memcmp(inner.data, outer.data, outer.size) != 0) return false;
    return inner.size == outer.size || inner.data[outer.size] == '/';
}

/* ---- both -------------------------------------------------------------------------------- */

bool tarn_store_resolve(TarnText location, TarnText *path, TarnError *error) {
    *path = (TarnText){"", 0};
    if (location.data == NULL || location.size == 0) {
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID, "a location is empty");
    }
    if (memchr(location.data, '\0', location.size) != NULL) {
        return refuse(error, location, "it has a NUL byte");
    }
    if (tarn_store_is_s3(location)) return resolve_s3(location, path, error);
    TarnText stripped;
    if (!strip_scheme(location, &stripped, error)) return false;
    if (!tarn_base_text_starts(stripped, "/")) {
        return refuse(error, location, "it is relative; a location is absolute");
    }
    TarnText rest = stripped;
    TarnText segment;
    while (next_segment(&rest, &segment)) {
        if (tarn_base_text_is(segment, "..")) {
            return refuse(error, location, "it has a \"..\" in it");
        }
    }
    *path = stripped;
    return true;
}

bool tarn_store_inside(TarnText prefix, TarnText location) {
    TarnText outer;
    TarnText inner;
    if (!tarn_store_resolve(prefix, &outer, NULL) || !tarn_store_resolve(location, &inner, NULL)) {
        return false;
    }
    bool s3 = tarn_store_is_s3(prefix);
    if (s3 || tarn_store_is_s3(location)) {
        return s3 && tarn_store_is_s3(location) && inside_s3(prefix, location);
    }
    TarnText wanted;
    TarnText segment;
    while (next_segment(&outer, &wanted)) {
        if (!next_segment(&inner, &segment) || !tarn_base_text_equal(wanted, segment)) return false;
    }
    return true;
}

bool tarn_store_is_temporary(const char *location) {
    const char *slash = strrchr(location, '/');
    const char *name = slash != NULL ? slash + 1 : location;
    return strncmp(name, TARN_OS_DRAFT_PREFIX, sizeof(TARN_OS_DRAFT_PREFIX) - 1) == 0;
}
