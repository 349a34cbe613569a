/* The log: one line a message, level and text, to a sink (stderr by default). */
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>

static _Atomic TarnLogLevel log_level = TARN_LOG_WARN;
static TarnLogSink log_sink;
static void *log_state;

void tarn_base_log_level(TarnLogLevel level) { log_level = level; }

void tarn_base_log_sink(TarnLogSink sink, void *state) {
    log_sink = sink;
    log_state = state;
}

bool tarn_base_log_enabled(TarnLogLevel level) { return level <= log_level; }

void tarn_base_log(TarnLogLevel level, const char *format, ...) {
    static const char *const names[] = {"error", "warning", "info", "debug"};
    if (!tarn_base_log_enabled(level)) return;
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (log_sink != NULL) {
        log_sink(log_state, level, line);
    } else {
        fprintf(stderr, "%s: %s\n", names[level], line);
    }
}
