/* Table names: parsing SQL-quoted dotted names, checking levels, writing them back. Levels become
 * folder names and parts of REST paths, so what could climb or split there is refused here, once.
 */
#include "catalog/name.h"

#include <strings.h>

#include "base/limits.h"

static bool check_level(TarnText level, TarnError *error) {
    if (level.size == 0) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID, "a name has an empty part");
    }
    if (level.size > TARN_LIMIT_IDENTIFIER_BYTES) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "the name \"%.40s...\" is longer than %d bytes", level.data,
                                   TARN_LIMIT_IDENTIFIER_BYTES);
    }
    if (tarn_base_text_utf8_valid(level) != level.size) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID, "a name is not valid UTF-8");
    }
    for (size_t i = 0; i < level.size; i++) {
        unsigned char c = (unsigned char)level.data[i];
        if (c < 0x20 || c == 0x7F || c == '/' || c == '\\' || c == '.') {
            return tarn_base_error_set(
                error, TARN_E_NAME_INVALID,
                "the name \"%.*s\" has a character that is not allowed in names: \"%c\"",
                TARN_TEXT_ARG(level), c < 0x20 || c == 0x7F ? '?' : c);
        }
    }
    return true;
}

bool tarn_catalog_name_from_levels(const TarnText *levels, size_t count, TarnArena *arena,
                                   TarnTableName *name, TarnError *error) {
    if (count > TARN_LIMIT_NAMESPACE_LEVELS + 1) {
        return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                                   "a name has more than %d levels of namespaces",
                                   TARN_LIMIT_NAMESPACE_LEVELS);
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_level(levels[i], error)) return false;
    }
    if (count < 2) {
        tarn_base_error_set(error, TARN_E_NAME_INVALID, "the table \"%.*s\" has no zone",
                            count > 0 ? (int)levels[0].size : 0, count > 0 ? levels[0].data : "");
        return tarn_base_error_hint(error, "write <zone>.<table>, for example raw.%.*s",
                                    count > 0 ? (int)levels[0].size : 1,
                                    count > 0 ? levels[0].data : "t");
    }
    TarnBuffer ns;
    tarn_base_buffer_init(&ns, TARN_MIB);
    for (size_t i = 0; i + 1 < count; i++) {
        if (i > 0) tarn_base_buffer_byte(&ns, '.');
        tarn_base_buffer_text(&ns, levels[i]);
    }
    name->ns = tarn_base_buffer_keep(&ns, arena);
    name->name = tarn_base_text_string(arena, levels[count - 1]);
    tarn_base_buffer_dispose(&ns);
    return tarn_base_arena_check(arena, error);
}

/* One level from *rest: bare up to a dot, or in double quotes with inner quotes doubled. */
static bool take_level(TarnText *rest, TarnArena *arena, TarnText *level, TarnError *error) {
    if (rest->size == 0 || rest->data[0] != '"') {
        *level = tarn_base_text_split(*rest, '.', rest);
        return true;
    }
    char *out = tarn_base_arena_alloc(arena, rest->size);
    if (out == NULL) return tarn_base_arena_check(arena, error);
    size_t size = 0;
    for (size_t i = 1; i < rest->size; i++) {
        if (rest->data[i] != '"') {
            out[size++] = rest->data[i];
        } else if (i + 1 < rest->size && rest->data[i + 1] == '"') {
            out[size++] = rest->data[i++];
        } else if (i + 1 == rest->size || rest->data[i + 1] == '.') {
            *level = (TarnText){out, size};
            bool last = i + 1 == rest->size;
            *rest = last ? (TarnText){NULL, 0}
                         : (TarnText){rest->data + i + 2, rest->size - i - 2};
            return true;
        } else {
            break;
        }
    }
    return tarn_base_error_set(error, TARN_E_NAME_INVALID,
                               "the quotes of a name are not closed properly");
}

bool tarn_catalog_name_parse(TarnText text, TarnArena *arena, TarnTableName *name,
                             TarnError *error) {
    TarnText levels[TARN_LIMIT_NAMESPACE_LEVELS + 2];
    size_t count = 0;
    TarnText rest = tarn_base_text_trim(text);
    while (rest.data != NULL && count < TARN_LIMIT_NAMESPACE_LEVELS + 2) {
        if (!take_level(&rest, arena, &levels[count++], error)) return false;
    }
    return tarn_catalog_name_from_levels(levels, count, arena, name, error);
}

bool tarn_catalog_name_equal(TarnTableName a, TarnTableName b) {
    return strcasecmp(a.ns, b.ns) == 0 && strcasecmp(a.name, b.name) == 0;
}

static void write_level(TarnText level, TarnBuffer *out) {
    bool plain = level.size > 0 && !(level.data[0] >= '0' && level.data[0] <= '9');
    for (size_t i = 0; i < level.size && plain; i++) {
        char c = level.data[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '_';
    }
    if (plain) {
        tarn_base_buffer_text(out, level);
    } else {
        tarn_base_buffer_identifier(out, level);
    }
}

void tarn_catalog_name_write(TarnTableName name, TarnBuffer *out) {
    TarnText rest = tarn_base_text(name.ns);
    while (rest.data != NULL) {
        write_level(tarn_base_text_split(rest, '.', &rest), out);
        tarn_base_buffer_byte(out, '.');
    }
    write_level(tarn_base_text(name.name), out);
}

const char *tarn_catalog_name_text(TarnTableName name, TarnArena *arena) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    tarn_catalog_name_write(name, &text);
    const char *copy = tarn_base_buffer_keep(&text, arena);
    tarn_base_buffer_dispose(&text);
    return copy != NULL ? copy : "";
}

TarnText tarn_catalog_name_zone(TarnTableName name) {
    TarnText rest;
    return tarn_base_text_split(tarn_base_text(name.ns), '.', &rest);
}
