/* Configuration trees by tables of known keys. See the header; the idea is that each key is
 * declared once and reading, checking, suggesting and placing errors follow from that.
 */
#include "flow/config_reader_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"

#define MAX_KEYS 64

bool tarn_flow__config_refuse(const TarnConfigReader *reader, const TarnJson *at,
                              const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tarn_base_error_set(reader->error, TARN_E_CONFIG, "%s", text);
    return tarn_base_error_place(reader->error, reader->file, at->line, at->column);
}

static const char *kind_noun(TarnConfigKind kind) {
    switch (kind) {
    case TARN_CONFIG_TEXT:
    case TARN_CONFIG_SECRET: return "a text";
    case TARN_CONFIG_BOOL: return "true or false";
    case TARN_CONFIG_INT: return "a whole number";
    case TARN_CONFIG_BYTES: return "a size such as 128MB";
    case TARN_CONFIG_DURATION: return "a duration such as 30d";
    case TARN_CONFIG_RATE: return "a rate such as 1% or 0.01";
    case TARN_CONFIG_CHAR: return "one ASCII character";
    case TARN_CONFIG_ENUM: return "one of the known words";
    case TARN_CONFIG_TEXTS: return "a text or a list of texts";
    case TARN_CONFIG_TREE: return "a value";
    }
    return "a value";
}

/* The value of ${env:NAME} or ${secret:NAME}. */
static bool resolve(const TarnConfigReader *reader, const TarnJson *at, TarnText reference,
                    bool secret_allowed, const char **value) {
    bool env = tarn_base_text_starts(reference, "env:");
    bool secret = tarn_base_text_starts(reference, "secret:");
    *value = NULL;
    if (!env && !secret) {
        return tarn_flow__config_refuse(
            reader, at, "cannot resolve \"${%.*s}\": only ${env:NAME} and ${secret:NAME} are known",
            TARN_TEXT_ARG(reference));
    }
    if (secret && (!secret_allowed || reader->secret == NULL)) {
        return tarn_flow__config_refuse(reader, at, "cannot use \"${%.*s}\" here: this value is "
                                                    "shown to whoever uses the lake",
                                        TARN_TEXT_ARG(reference));
    }
    size_t skip = env ? 4 : 7;
    const char *name = tarn_base_text_string(
        reader->arena, (TarnText){reference.data + skip, reference.size - skip});
    if (name == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    if (env) {
        if (reader->variable != NULL) *value = reader->variable(reader->variable_state, name);
        return *value != NULL ||
               tarn_flow__config_refuse(reader, at, "the environment variable \"%s\" is not set",
                                        name);
    }
    if (!reader->secret(reader->secret_state, name, value, reader->error)) return false;
    if (*value != NULL) return true;
    tarn_flow__config_refuse(reader, at, "there is no secret \"%.80s\"", name);
    return tarn_base_error_hint(reader->error, "tarn secret set %.80s asks for it", name);
}

/* Replaces references; any other ${..} is refused. */
static bool substitute(const TarnConfigReader *reader, const TarnJson *at, TarnText text,
                       bool secret_allowed, const char **out) {
    TarnBuffer result;
    tarn_base_buffer_init(&result, TARN_LIMIT_CONFIG_BYTES);
    size_t start = 0;
    bool ok = true;
    for (size_t i = 0; i + 1 < text.size && ok; i++) {
        if (text.data[i] != '$' || text.data[i + 1] != '{') continue;
        const char *close = memchr(text.data + i, '}', text.size - i);
        TarnText reference = {text.data + i + 2,
                              close != NULL ? (size_t)(close - text.data) - i - 2 : 0};
        const char *value = NULL;
        ok = resolve(reader, at, reference, secret_allowed, &value);
        if (!ok) break;
        tarn_base_buffer_append(&result, text.data + start, i - start);
        tarn_base_buffer_string(&result, value);
        start = (size_t)(close - text.data) + 1;
        i = start - 1;
    }
    if (ok) {
        tarn_base_buffer_append(&result, text.data + start, text.size - start);
        *out = tarn_base_buffer_keep(&result, reader->arena);
        ok = tarn_base_buffer_check(&result, reader->error) &&
             tarn_base_arena_check(reader->arena, reader->error);
    }
    tarn_base_buffer_dispose(&result);
    return ok;
}

/* The value as text: strings with references replaced, numbers and booleans as written. */
static bool take_string(const TarnConfigReader *reader, const TarnJson *value, bool secret_allowed,
                        const char **out) {
    if (value->kind == TARN_JSON_STRING) {
        if (memchr(value->text.data != NULL ? value->text.data : "", '\0', value->text.size)) {
            return tarn_flow__config_refuse(reader, value, "a text holds a NUL character");
        }
        return substitute(reader, value, value->text, secret_allowed, out);
    }
    if (value->kind == TARN_JSON_NUMBER) {
        *out = tarn_base_text_string(reader->arena, value->text);
        return tarn_base_arena_check(reader->arena, reader->error);
    }
    return false;
}

static bool take_text(const TarnConfigReader *reader, const TarnJson *value, const char **out) {
    return take_string(reader, value, false, out);
}

static bool wrong_type(const TarnConfigReader *reader, const TarnJson *value, const char *name,
                       const TarnConfigKey *key) {
    if (reader->error->code != TARN_OK) return false; /* said already, more precisely */
    return tarn_flow__config_refuse(reader, value, "\"%s\" must be %s", name,
                                    kind_noun(key->kind));
}

static bool take_rate(const char *text, double *rate) {
    TarnText view = tarn_base_text(text);
    bool percent = tarn_base_text_ends(view, "%");
    if (percent) view.size--;
    if (!tarn_base_text_to_double(view, rate)) return false;
    if (percent) *rate /= 100;
    return *rate >= 0 && *rate <= 1;
}

static bool take_char(const char *text, char *out) {
    if (strcmp(text, "\\t") == 0) {
        *out = '\t';
        return true;
    }
    if (strlen(text) > 1 || (unsigned char)text[0] >= 0x80) return false;
    *out = text[0]; /* "" = none */
    return true;
}

static bool take_word(const TarnConfigReader *reader, const TarnJson *value, const char *name,
                      const TarnConfigKey *key, const char *text, int *out) {
    size_t count = 0;
    for (; key->words[count] != NULL; count++) {
        if (strcmp(key->words[count], text) == 0) {
            *out = (int)count;
            return true;
        }
    }
    TarnBuffer list;
    tarn_base_buffer_init(&list, 1024);
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_printf(&list, "%s%s", i > 0 ? ", " : "", key->words[i]);
    }
    tarn_flow__config_refuse(reader, value, "\"%s\" cannot be \"%.60s\"", name, text);
    tarn_base_error_hint(reader->error, "use one of: %s", list.data != NULL ? list.data : "");
    tarn_base_buffer_dispose(&list);
    return false;
}

static bool take_texts(const TarnConfigReader *reader, const TarnJson *value, const char *name,
                       const TarnConfigKey *key, TarnConfigTexts *out) {
    bool list = value->kind == TARN_JSON_ARRAY;
    size_t count = list ? value->count : 1;
    out->items = TARN_NEW_ARRAY(reader->arena, count + 1, const char *);
    if (out->items == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    out->count = 0;
    for (const TarnJson *item = list ? value->first : value; item != NULL;
         item = list ? item->next : NULL) {
        if (!take_text(reader, item, &out->items[out->count++])) {
            return wrong_type(reader, item, name, key);
        }
    }
    return true;
}

bool tarn_flow__config_value(const TarnConfigReader *reader, const TarnJson *value,
                             const char *name, const TarnConfigKey *key, void *target) {
    if (key->kind == TARN_CONFIG_TREE) {
        *(const TarnJson **)target = value;
        return true;
    }
    if (key->kind == TARN_CONFIG_TEXTS) return take_texts(reader, value, name, key, target);
    if (key->kind == TARN_CONFIG_BOOL) {
        return tarn_base_json_bool(value, target) || wrong_type(reader, value, name, key);
    }
    const char *text = NULL;
    bool secret = key->kind == TARN_CONFIG_SECRET;
    if (!take_string(reader, value, secret, &text)) return wrong_type(reader, value, name, key);
    TarnText view = tarn_base_text(text);
    bool ok = false;
    switch (key->kind) {
    case TARN_CONFIG_TEXT:
    case TARN_CONFIG_SECRET: *(const char **)target = text; return true;
    case TARN_CONFIG_INT: ok = tarn_base_text_to_int64(view, target); break;
    case TARN_CONFIG_BYTES: ok = tarn_base_text_to_bytes(view, target); break;
    case TARN_CONFIG_DURATION: ok = tarn_base_text_to_duration_ms(view, target); break;
    case TARN_CONFIG_RATE: ok = take_rate(text, target); break;
    case TARN_CONFIG_CHAR: ok = take_char(text, target); break;
    case TARN_CONFIG_ENUM: return take_word(reader, value, name, key, text, target);
    default: break;
    }
    return ok || wrong_type(reader, value, name, key);
}

static const TarnConfigKey *find_key(const TarnConfigKey *keys, size_t count, TarnText name) {
    for (size_t i = 0; i < count; i++) {
        if (tarn_base_text_is(name, keys[i].name)) return &keys[i];
    }
    return NULL;
}

static bool refuse_key(const TarnConfigReader *reader, const TarnJson *member, const char *what,
                       const TarnConfigKey *keys, size_t count) {
    const char *names[MAX_KEYS];
    TarnBuffer list;
    tarn_base_buffer_init(&list, 1024);
    for (size_t i = 0; i < count && i < MAX_KEYS; i++) {
        names[i] = keys[i].name;
        tarn_base_buffer_printf(&list, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    char *key = tarn_base_text_string(reader->arena, member->key);
    tarn_base_error_set(reader->error, TARN_E_CONFIG, "unknown key \"%.80s\" in %s",
                        key != NULL ? key : "", what);
    tarn_base_error_place(reader->error, reader->file,
                          member->key_line != 0 ? member->key_line : member->line,
                          member->key_line != 0 ? member->key_column : member->column);
    const char *near =
        key != NULL ? tarn_base_text_nearest(key, names, count < MAX_KEYS ? count : MAX_KEYS)
                    : NULL;
    if (near != NULL) {
        tarn_base_error_hint(reader->error, "did you mean \"%s\"?", near);
    } else {
        tarn_base_error_hint(reader->error, "known keys: %s",
                             list.data != NULL ? list.data : "none");
    }
    tarn_base_buffer_dispose(&list);
    return false;
}

bool tarn_flow__config_read(const TarnConfigReader *reader, const TarnJson *object,
                            const char *what, const TarnConfigKey *keys, size_t key_count,
                            void *into) {
    if (object->kind != TARN_JSON_OBJECT) {
        return tarn_flow__config_refuse(reader, object, "%s must be a mapping of keys to values",
                                        what);
    }
    TARN_JSON_EACH(member, object) {
        const TarnConfigKey *key = find_key(keys, key_count, member->key);
        if (key == NULL) return refuse_key(reader, member, what, keys, key_count);
        if (member->kind == TARN_JSON_NULL) continue; /* an empty value = the default */
        if (!tarn_flow__config_value(reader, member, key->name, key,
                                     (unsigned char *)into + key->offset)) {
            return false;
        }
    }
    for (size_t i = 0; i < key_count; i++) {
        if (!keys[i].required) continue;
        const TarnJson *member = tarn_base_json_member(object, keys[i].name);
        if (member == NULL || member->kind == TARN_JSON_NULL) {
            return tarn_flow__config_refuse(reader, object, "%s needs the key \"%s\"", what,
                                            keys[i].name);
        }
    }
    return true;
}
