/* Numbers out of a snapshot's summary. */
#ifndef TARN_CLI_SUMMARY_PRIVATE_H
#define TARN_CLI_SUMMARY_PRIVATE_H

#include "table/metadata.h"

/* `otherwise` without a snapshot, without the key, or if it is no number from 0 on. */
int64_t tarn_cli__summary_number(const TarnSnapshot *snapshot, const char *key, int64_t otherwise);

#endif
