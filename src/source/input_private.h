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
void tarn_source__input_close(TarnInput *input); /* NULL is fine */

#endif
