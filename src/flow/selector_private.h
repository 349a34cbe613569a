/* Which models a run is about, in dbt's words.
 *
 *   delays   curated.delays   curated.*   tag:daily   path:pipelines/curated   source:flights
 *   state:modified            +m (what it needs)   2+m   m+ (what needs it)   m+1   +m+
 *   "a,b" in both             "a b" in either
 */
#ifndef TARN_FLOW_SELECTOR_PRIVATE_H
#define TARN_FLOW_SELECTOR_PRIVATE_H

#include "flow/model_private.h"

/* chosen[i] for each model of the project; no selectors = all. TARN_E_PIPELINE_NOT_FOUND with the
 * nearest name for a selector that matches nothing (state: may), TARN_E_USAGE for one that is
 * malformed. */
bool tarn_flow__selector_apply(const TarnProject *project, TarnDb *db, const char *const *select,
                               size_t select_count, const char *const *exclude,
                               size_t exclude_count, bool *chosen, TarnError *error) TARN_CHECKED;

#endif
