/* Reading and replacing .tarn/secrets.
 *
 * The new file is made under a random name with the owner's rights only, filled, synced and
 * renamed over the old one: at no moment can anybody else read it, and a killed process leaves the
 * old file.
 * A lock beside it keeps writers apart.
 */
#include "flow/secrets.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"

#define LOCK_MS 10000

typedef struct Secret {
    const char *name;
    TarnText value;
} Secret;

typedef struct SecretList {
    Secret *items;
    size_t count;
    size_t capacity;
} SecretList;

bool tarn_flow_secret_check_name(const char *name, TarnError *error) {
    size_t size = strlen(name);
    bool good = size > 0 && size <= TARN_LIMIT_SECRET_NAME_BYTES;
    for (size_t i = 0; good && i < size; i++) {
        char c = name[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    }
    if (good) return true;
    tarn_base_error_set(error, TARN_E_NAME_INVALID, "\"%.80s\" cannot be the name of a secret",
                        name);
    return tarn_base_error_hint(error, "use letters, digits, '_', '-' and '.'");
}

/* What is wrong in the file is not shown: its bytes are secret. */
static bool parse(TarnText content, TarnArena *arena, SecretList *list, TarnError *error) {
    TarnJson *root = NULL;
    bool good = tarn_base_json_parse(content, NULL, arena, &root, NULL) &&
                root->kind == TARN_JSON_OBJECT;
    TARN_JSON_EACH(member, root) {
        Secret *secret = good ? TARN_PUSH(arena, list) : NULL;
        if (secret == NULL) break;
        secret->name = tarn_base_text_string(arena, member->key);
        good = tarn_base_json_text(member, &secret->value);
    }
    if (!good) {
        tarn_base_error_set(error, TARN_E_CONFIG, "the lake's secrets cannot be read: "
                            ".tarn/secrets is damaged");
        return tarn_base_error_hint(error, "remove the file and set the secrets again");
    }
    return tarn_base_arena_check(arena, error);
}

static bool read_all(const TarnOs *os, const char *folder, TarnArena *arena, SecretList *list,
                     TarnError *error) {
    const char *path = tarn_base_arena_printf(arena, "%s/.tarn/secrets", folder);
    TarnOsStat stat;
    TarnText content;
    if (!tarn_base_arena_check(arena, error) || !os->stat(os, path, true, &stat, error)) {
        return false;
    }
    if (stat.kind == TARN_OS_ABSENT) return true;
    return tarn_os_file_read_all(os, path, TARN_LIMIT_CONFIG_BYTES, arena, &content, error) &&
           parse(content, arena, list, error);
}

static Secret *find(SecretList *list, const char *name) {
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    }
    return NULL;
}

bool tarn_flow_secret_find(const TarnOs *os, const char *folder, const char *name,
                           TarnArena *arena, const char **value, TarnError *error) {
    SecretList list = {0};
    *value = NULL;
    if (!read_all(os, folder, arena, &list, error)) return false;
    Secret *secret = find(&list, name);
    if (secret != NULL) *value = tarn_base_text_string(arena, secret->value);
    return tarn_base_arena_check(arena, error);
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool tarn_flow_secret_list(const TarnOs *os, const char *folder, TarnArena *arena,
                           const char ***names, size_t *count, TarnError *error) {
    SecretList list = {0};
    if (!read_all(os, folder, arena, &list, error)) return false;
    *names = TARN_NEW_ARRAY(arena, list.count + 1, const char *);
    *count = list.count;
    if (*names == NULL) return tarn_base_arena_check(arena, error);
    for (size_t i = 0; i < list.count; i++) (*names)[i] = list.items[i].name;
    if (list.count > 1) qsort(*names, list.count, sizeof(**names), compare_names);
    return true;
}

/* ---- writing ----------------------------------------------------------------------------- */

static bool write_secret_file(const TarnOs *os, const char *path, TarnText content,
                              TarnError *error) {
    TarnOsFile *file;
    if (!os->file_open(os, path, TARN_OS_CREATE_SECRET, &file, error)) return false;
    bool ok = tarn_os_file_write_all(os, file, content.data, content.size, error) &&
              os->file_sync(os, file, error);
    tarn_os_file_discard(os, file);
    return ok;
}

static bool replace_file(const TarnOs *os, const char *state, TarnText content, TarnArena *arena,
                         TarnError *error) {
    char uuid[TARN_OS_UUID_BYTES];
    if (!tarn_os_uuid4(os, uuid, error)) return false;
    const char *path = tarn_base_arena_printf(arena, "%s/secrets", state);
    const char *draft = tarn_base_arena_printf(arena, "%s/secrets-%s", state, uuid);
    if (!tarn_base_arena_check(arena, error)) return false;
    bool ok = write_secret_file(os, draft, content, error) &&
              os->rename(os, draft, path, true, error);
    if (!ok) os->unlink(os, draft, NULL, NULL);
    return ok && os->directory_sync(os, state, error);
}

static bool write_list(const TarnOs *os, const char *state, const SecretList *list,
                       TarnArena *arena, TarnError *error) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_CONFIG_BYTES);
    tarn_base_buffer_byte(&text, '{');
    for (size_t i = 0; i < list->count; i++) {
        tarn_base_buffer_string(&text, i > 0 ? ",\n " : "\n ");
        tarn_base_json_quote(&text, tarn_base_text(list->items[i].name));
        tarn_base_buffer_string(&text, ": ");
        tarn_base_json_quote(&text, list->items[i].value);
    }
    tarn_base_buffer_string(&text, "\n}\n");
    bool ok = tarn_base_buffer_check(&text, error) &&
              replace_file(os, state, tarn_base_buffer_view(&text), arena, error);
    if (text.data != NULL) explicit_bzero(text.data, text.capacity);
    tarn_base_buffer_dispose(&text);
    return ok;
}

static bool fail_missing(const char *name, TarnError *error) {
    tarn_base_error_set(error, TARN_E_SECRET_NOT_FOUND, "there is no secret \"%s\"", name);
    return tarn_base_error_hint(error, "tarn secret ls names those there are");
}

/* `value` NULL = remove. */
static bool change(const TarnOs *os, const char *folder, const char *state, const char *name,
                   const TarnText *value, TarnArena *arena, TarnError *error) {
    SecretList list = {0};
    if (!read_all(os, folder, arena, &list, error)) return false;
    Secret *secret = find(&list, name);
    if (value == NULL) {
        if (secret == NULL) return fail_missing(name, error);
        *secret = list.items[--list.count];
    } else {
        if (secret == NULL) secret = TARN_PUSH(arena, &list);
        if (secret == NULL) return tarn_base_arena_check(arena, error);
        *secret = (Secret){name, *value};
    }
    return write_list(os, state, &list, arena, error);
}

static bool change_locked(const TarnOs *os, const char *folder, const char *name,
                          const TarnText *value, TarnError *error) {
    TarnArena arena;
    TarnOsFile *lock = NULL;
    tarn_base_arena_init(&arena, 16 * TARN_LIMIT_CONFIG_BYTES);
    const char *state = tarn_base_arena_printf(&arena, "%s/.tarn", folder);
    const char *path = tarn_base_arena_printf(&arena, "%s/.tarn/secrets.lock", folder);
    bool ok = tarn_base_arena_check(&arena, error) &&
              tarn_os_directory_create_all(os, state, true, error) &&
              os->file_open(os, path, TARN_OS_LOCK, &lock, error) &&
              tarn_os_file_lock(os, lock, true, LOCK_MS, path, error) &&
              change(os, folder, state, name, value, &arena, error);
    tarn_os_file_discard(os, lock);
    tarn_base_arena_dispose(&arena);
    return ok;
}

bool tarn_flow_secret_set(const TarnOs *os, const char *folder, const char *name, TarnText value,
                          TarnError *error) {
    if (!tarn_flow_secret_check_name(name, error)) return false;
    if (value.size == 0 || value.size > TARN_LIMIT_SECRET_BYTES ||
        memchr(value.data, '\0', value.size) != NULL ||
        tarn_base_text_utf8_valid(value) != value.size) {
        return tarn_base_error_set(error, TARN_E_CONFIG,
                                   "a secret is text of 1 to %zu bytes in UTF-8",
                                   TARN_LIMIT_SECRET_BYTES);
    }
    return change_locked(os, folder, name, &value, error);
}

bool tarn_flow_secret_remove(const TarnOs *os, const char *folder, const char *name,
                             TarnError *error) {
    return tarn_flow_secret_check_name(name, error) &&
           change_locked(os, folder, name, NULL, error);
}
