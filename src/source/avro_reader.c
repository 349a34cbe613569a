/* Avro files as a source: not there yet, and said so. */
#include "source/reader_private.h"

static bool refuse(const char *path, TarnError *error) {
    return tarn_base_error_set(error, TARN_E_FORMAT_UNSUPPORTED,
                               "\"%s\" is Avro, which cannot be loaded yet", path);
}

bool tarn_source__avro_open(const TarnOs *os, const char *path, const TarnSourceOptions *options,
                            TarnSourceReader *reader, TarnError *error) {
    (void)os, (void)options, (void)reader;
    return refuse(path, error);
}

bool tarn_source__avro_infer(const TarnOs *os, const char *path, TarnArena *arena,
                             TarnSourceGuess *guess, TarnError *error) {
    (void)os, (void)arena, (void)guess;
    return refuse(path, error);
}
