/* The profile files of Amazon's tools: ~/.aws/credentials and ~/.aws/config.
 *
 * Idea: both are read line by line whenever a setting is wanted, which is once per store. Sections
 * are "[name]" in the credentials file, "[default]" and "[profile name]" in the config file; the
 * credentials file wins. Indented lines belong to nested settings (s3 =) and are skipped.
 *
 * Roles, single sign-on and credential processes of profiles are not followed.
 */
#include <string.h>

#include "base/limits.h"
#include "store/s3_private.h"

static const char *environment(const TarnOs *os, const char *name) {
    const char *value = os->environment(os, name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Whether "[...]" is the section of `profile`. */
static bool is_section(TarnText line, const char *profile, bool config_file) {
    TarnText name = {line.data + 1, line.size - 1};
    const char *end = memchr(name.data, ']', name.size);
    if (end == NULL) return false;
    name = tarn_base_text_trim((TarnText){name.data, (size_t)(end - name.data)});
    if (config_file && tarn_base_text_starts(name, "profile ")) {
        name = tarn_base_text_trim((TarnText){name.data + 8, name.size - 8});
    } else if (config_file && strcmp(profile, "default") != 0) {
        return false;
    }
    return tarn_base_text_is(name, profile);
}

static const char *find_value(TarnText content, const char *profile, bool config_file,
                              const char *key, TarnArena *arena) {
    TarnText rest = content;
    bool inside = false;
    const char *found = NULL;
    while (rest.data != NULL) {
        TarnText line = tarn_base_text_split(rest, '\n', &rest);
        if (line.size == 0 || line.data[0] == '#' || line.data[0] == ';') continue;
        bool indented = line.data[0] == ' ' || line.data[0] == '\t';
        if (line.data[0] == '[') {
            inside = is_section(line, profile, config_file);
            continue;
        }
        if (!inside || indented) continue;
        TarnText value;
        TarnText name = tarn_base_text_trim(tarn_base_text_split(line, '=', &value));
        if (value.data == NULL || !tarn_base_text_is(name, key)) continue;
        found = tarn_base_text_string(arena, tarn_base_text_trim(value));
    }
    return found != NULL && found[0] != '\0' ? found : NULL;
}

static bool search_file(const TarnOs *os, const char *path, const char *profile, bool config_file,
                        const char *key, TarnArena *arena, const char **value, TarnError *error) {
    TarnArena work;
    TarnText content;
    TarnOsStat stat;
    if (!os->stat(os, path, true, &stat, error)) return false;
    if (stat.kind != TARN_OS_FILE) return true;
    tarn_base_arena_init(&work, 4 * TARN_MIB);
    bool ok = tarn_os_file_read_all(os, path, TARN_LIMIT_STORE_PROFILE_BYTES, &work, &content,
                                    error);
    if (ok) *value = find_value(content, profile, config_file, key, arena);
    tarn_base_arena_dispose(&work);
    return ok && tarn_base_arena_check(arena, error);
}

static const char *file_path(const TarnOs *os, const char *variable, const char *name,
                             TarnArena *arena) {
    const char *given = environment(os, variable);
    const char *home = environment(os, "HOME");
    if (given != NULL) return given;
    return home != NULL ? tarn_base_arena_printf(arena, "%s/.aws/%s", home, name) : NULL;
}

bool tarn_store__profile_value(const TarnOs *os, const char *profile, const char *key,
                               TarnArena *arena, const char **value, TarnError *error) {
    *value = NULL;
    if (profile == NULL) profile = environment(os, "AWS_PROFILE");
    if (profile == NULL) profile = "default";
    const char *credentials = file_path(os, "AWS_SHARED_CREDENTIALS_FILE", "credentials", arena);
    const char *config = file_path(os, "AWS_CONFIG_FILE", "config", arena);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (credentials != NULL &&
        !search_file(os, credentials, profile, false, key, arena, value, error)) {
        return false;
    }
    if (*value != NULL || config == NULL) return true;
    return search_file(os, config, profile, true, key, arena, value, error);
}
