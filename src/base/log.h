/* Log: diagnostics for the operator, one line each, to stderr or where a host program wants
 * them. Never for a command's data or its errors, never secrets. */
#ifndef TARN_BASE_LOG_H
#define TARN_BASE_LOG_H

#include "base/error.h"

typedef enum TarnLogLevel {
    TARN_LOG_ERROR,
    TARN_LOG_WARN,
    TARN_LOG_INFO,
    TARN_LOG_DEBUG
} TarnLogLevel;

typedef void (*TarnLogSink)(void *state, TarnLogLevel level, const char *line);

void tarn_base_log_level(TarnLogLevel level); /* default TARN_LOG_WARN */
void tarn_base_log_sink(TarnLogSink sink, void *state);
bool tarn_base_log_enabled(TarnLogLevel level);
void tarn_base_log(TarnLogLevel level, const char *format, ...) TARN_PRINTF(2, 3);

#endif
