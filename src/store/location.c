/* Locations as text: which forms are understood, what they name on this machine, and whether one
 * lies inside another.
 *
 * Idea: a location is never rewritten. What opens an object is a part of the very bytes that stand
 * in the metadata, so no decoding and no cleaning can make two parties disagree on what is meant.
 * Cleaning happens only in comparisons. Links are not looked at here; that needs the disk.
 */
#include "store/store.h"

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

static bool is_file_scheme(TarnText scheme) {
    static const char name[] = "file";
    if (scheme.size != sizeof(name) - 1) return false;
    for (size_t i = 0; i < scheme.size; i++) {
        if ((scheme.data[i] | 0x20) != name[i]) return false;
    }
    return true;
}

static bool refuse(TarnError *error, TarnText location, const char *why) {
    return tarn_base_error_set(error, TARN_E_LOCATION_INVALID, "cannot use the location \"%.*s\": "
                               "%s", TARN_TEXT_ARG(location), why);
}

static bool strip_scheme(TarnText location, TarnText *path, TarnError *error) {
    TarnText scheme = find_scheme(location);
    *path = location;
    if (scheme.size == 0) return true;
    if (!is_file_scheme(scheme)) {
        tarn_base_error_set(error, TARN_E_LOCATION_INVALID,
                            "cannot use the location \"%.*s\": this program has no store for the "
                            "scheme \"%.*s\"",
                            TARN_TEXT_ARG(location), TARN_TEXT_ARG(scheme));
        return tarn_base_error_hint(error, "a store is a folder of this machine: an absolute path "
                                           "or file:///path");
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

bool tarn_store_resolve(TarnText location, TarnText *path, TarnError *error) {
    *path = (TarnText){"", 0};
    if (location.data == NULL || location.size == 0) {
        return tarn_base_error_set(error, TARN_E_LOCATION_INVALID, "a location is empty");
    }
    if (memchr(location.data, '\0', location.size) != NULL) {
        return refuse(error, location, "it has a NUL byte");
    }
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
