/* The functions that rewriting files needs in an engine (cluster.c). */
#ifndef TARN_QUERY_FUNCTIONS_PRIVATE_H
#define TARN_QUERY_FUNCTIONS_PRIVATE_H

#include "engine/engine.h"

/* Registering them costs a while: only who clusters asks for it. */
bool tarn_query__cluster_register(TarnEngineSession *session, TarnError *error) TARN_CHECKED;

uint64_t tarn_query__order_key_double(double value);
uint64_t tarn_query__order_spread(uint64_t key, uint64_t least, uint64_t greatest);
/* 2 to 8 keys; 8 bytes for each go to `out`. */
void tarn_query__zorder(const uint64_t *keys, size_t count, unsigned char *out);
void tarn_query__hilbert(const uint64_t *keys, size_t count, unsigned char *out);

#endif
