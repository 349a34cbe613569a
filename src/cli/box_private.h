/* Tables drawn with lines, for people. */
#ifndef TARN_CLI_BOX_PRIVATE_H
#define TARN_CLI_BOX_PRIVATE_H

#include "cli/rows_private.h"

typedef struct TarnCliBoxOptions {
    TarnCliSink *sink;
    size_t width;      /* of the terminal; 0 = as wide as it needs to be */
    bool colour;       /* null and lines dim */
    bool vertical;     /* one line a value */
    const char *(*row_colour)(const TarnCliCell *cells); /* with colour; NULL = none */
    uint64_t rows_max; /* shown; 0 = all */
    bool footer;       /* the number of rows */
    const char *more_hint; /* how to see all rows; NULL = nothing is said */
} TarnCliBoxOptions;

/* NULL = out of memory, then the sink has failed. `columns` must outlive the box. */
TarnCliBox *tarn_cli__box_new(const TarnCliBoxOptions *options, const TarnCliColumn *columns,
                              size_t column_count);
void tarn_cli__box_put(TarnCliBox *box, const TarnCliCell *cells);
/* Draws what is left and frees; the rest as in tarn_cli__rows_end. */
void tarn_cli__box_end(TarnCliBox *box, uint64_t more, bool at_least);

#endif
