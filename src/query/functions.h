/* Functions that the SQL of tables needs in an engine: tarn_bucket (table/partition.h). */
#ifndef TARN_QUERY_FUNCTIONS_H
#define TARN_QUERY_FUNCTIONS_H

#include "engine/engine.h"

bool tarn_query_functions_register(TarnEngineSession *session, TarnError *error) TARN_CHECKED;

#endif
