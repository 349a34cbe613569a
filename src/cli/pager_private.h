/* Long results in the shell go through a pager. */
#ifndef TARN_CLI_PAGER_PRIVATE_H
#define TARN_CLI_PAGER_PRIVATE_H

#include "cli/cli_private.h"

/* From here to the end, what goes to cli->out is kept; then it is written, through the pager if
 * it is longer than the screen: $PAGER, else less. */
typedef struct TarnCliPager {
    TarnCli *cli;
    TarnCliSink out; /* the real one, meanwhile */
    TarnBuffer kept;
} TarnCliPager;

void tarn_cli__pager_begin(TarnCliPager *pager, TarnCli *cli);
void tarn_cli__pager_end(TarnCliPager *pager);

#endif
