/* Schema files: not there yet, and said so. */
#include "source/source.h"

bool tarn_source_schema_file(const TarnOs *os, const char *path, TarnArena *arena,
                             TarnColumn **columns, size_t *count, TarnError *error) {
    (void)os, (void)arena, (void)columns, (void)count;
    return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                               "\"%s\": schema files cannot be read yet", path);
}
