/* How much room text takes in a terminal, and making it safe to show there. */
#ifndef TARN_CLI_WIDTH_PRIVATE_H
#define TARN_CLI_WIDTH_PRIVATE_H

#include <stddef.h>

#include "base/buffer.h"
#include "base/text.h"

/* Columns of `text` as tarn_cli__width_show writes it. Needs a UTF-8 LC_CTYPE (tarn_cli__width_
 * setup), without which characters beyond ASCII count as one. */
size_t tarn_cli__width(TarnText text);
/* The text with control characters as \n, \t, \x1b and bad bytes as U+FFFD, so that data cannot
 * steer the terminal; cut to `columns` with a final "…" if it is wider. Returns what it took. */
size_t tarn_cli__width_show(TarnText text, size_t columns, TarnBuffer *out);
/* Once, at the start of the program. */
void tarn_cli__width_setup(void);

#endif
