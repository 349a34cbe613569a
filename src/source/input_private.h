/* The bytes of one file, decompressed if need be, read front to back. Not thread-safe. */
#ifndef TARN_SOURCE_INPUT_PRIVATE_H
#define TARN_SOURCE_INPUT_PRIVATE_H

#include "source/source.h"

typedef struct TarnInput TarnInput;

bool tarn_source__input_open(const TarnOs *os, const char *path, TarnFileCompression compression,
                             TarnInput **input, TarnError *error) TARN_CHECKED;
/* Fills `size` bytes unless the end comes first; *got < size means the end. A compressed stream
 * that ends too early or is damaged is TARN_E_SOURCE_UNREADABLE. */
bool tarn_source__input_read(TarnInput *input, void *data, size_t size, size_t *got,
                             TarnError *error) TARN_CHECKED;
/* Where the next read begins; only of files that are not compressed. */
void tarn_source__input_seek(TarnInput *input, uint64_t offset);
void tarn_source__input_close(TarnInput *input); /* NULL is fine */

/* Windows onto later parts of a large file, for samples: beginnings that are spread evenly, each at
 * the start of a line as far as newlines tell. Compressed files have none. */
#define TARN_SOURCE_WINDOWS 8
#define TARN_SOURCE_WINDOW_BYTES (1024 * 1024)
typedef void (*TarnWindowSeen)(void *state, TarnText lines);
bool tarn_source__input_windows(const TarnOs *os, const char *path, uint64_t from, uint8_t newline,
                                TarnWindowSeen seen, void *state, TarnError *error) TARN_CHECKED;

#endif
