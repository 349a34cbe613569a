/* Snapshot summaries are texts by foreign writers too: what is no number counts as not known.
 */
#include "cli/summary_private.h"

#include <string.h>

int64_t tarn_cli__summary_number(const TarnSnapshot *snapshot, const char *key,
                                 int64_t otherwise) {
    for (size_t i = 0; snapshot != NULL && i < snapshot->summary_count; i++) {
        int64_t number;
        if (strcmp(snapshot->summary[i].key, key) == 0 &&
            tarn_base_text_to_int64(tarn_base_text(snapshot->summary[i].value), &number) &&
            number >= 0) {
            return number;
        }
    }
    return otherwise;
}
