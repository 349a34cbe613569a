/* Schema files: which kind it is, and the columns it declares.
 *
 * An Avro schema says "record"; anything else is taken for a JSON Schema. Column names that differ
 * only in case are refused here, where the file can be pointed at.
 */
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "source/avro_private.h"

static bool is_avro(const TarnJson *root, const char *path) {
    TarnText type;
    if (tarn_base_text_ends(tarn_base_text(path), ".avsc")) return true;
    return tarn_base_json_text(tarn_base_json_member(root, "type"), &type) &&
           tarn_base_text_is(type, "record");
}

static bool names_differ(const TarnColumn *columns, size_t count, const char *path,
                         TarnArena *arena, TarnError *error) {
    TarnMap seen;
    tarn_base_map_init(&seen, arena);
    for (size_t i = 0; i < count; i++) {
        TarnText key = tarn_source__folded(tarn_base_text(columns[i].name), arena);
        if (tarn_base_map_put(&seen, key, (void *)(uintptr_t)(i + 1)) != NULL) {
            tarn_base_error_set(error, TARN_E_SCHEMA_FILE_INVALID,
                                "two columns are named \"%s\" but for the case of their letters",
                                columns[i].name);
            return tarn_base_error_place(error, path, 1, 1);
        }
    }
    return tarn_base_arena_check(arena, error);
}

bool tarn_source_schema_file(const TarnOs *os, const char *path, TarnArena *arena,
                             TarnColumn **columns, size_t *count, TarnError *error) {
    TarnText text;
    TarnJson *root;
    if (!tarn_os_file_read_all(os, path, TARN_LIMIT_CONFIG_BYTES, arena, &text, error) ||
        !tarn_base_json_parse(text, path, arena, &root, error)) {
        return false;
    }
    bool ok;
    if (is_avro(root, path)) {
        const TarnAvroSchema *schema;
        TarnAvroMapping mapping = {.file = path, .as_required = true};
        ok = tarn_format_avro_schema_from_json(root, path, arena, &schema, error) &&
             tarn_source__avro_columns(schema, &mapping, arena, columns, count, error);
    } else {
        ok = tarn_source__json_schema(root, text, path, arena, columns, count, error);
    }
    return ok && names_differ(*columns, *count, path, arena, error);
}
