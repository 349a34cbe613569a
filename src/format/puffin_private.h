/* The frames of Puffin files: LZ4 and zstd, out of hostile bytes. */
#ifndef TARN_FORMAT_PUFFIN_PRIVATE_H
#define TARN_FORMAT_PUFFIN_PRIVATE_H

#include "format/puffin.h"

#define TARN_PUFFIN_MAGIC "PFA1"

/* The whole of `stored` is one frame, LZ4 or ZSTD, of at most `limit` bytes once inflated; they
 * are put into the arena. `name` is the file and `what` the part of it, for messages. */
bool tarn_format__puffin_inflate(TarnPuffinCodec codec, TarnText stored, size_t limit,
                                 const char *name, const char *what, TarnArena *arena,
                                 TarnText *raw, TarnError *error) TARN_CHECKED;

#endif
