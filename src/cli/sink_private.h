/* A buffered way out: standard output, standard error, a pager's pipe or a test's memory.
 *
 * A reader who goes away (EPIPE) is no error: the sink is `gone` from then on and swallows what
 * it is given, so that a command ends quietly. Any other failure is kept until finish reports it.
 */
#ifndef TARN_CLI_SINK_PRIVATE_H
#define TARN_CLI_SINK_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/text.h"

#define TARN_CLI_SINK_BYTES 65536

typedef struct TarnCliSink {
    int fd;             /* -1 = memory only */
    TarnBuffer *memory; /* where everything goes instead of fd; the caller's */
    const char *name;   /* for errors: "standard output" */
    char *data;         /* heap, made at the first write */
    size_t size;
    bool gone;   /* nobody reads any more */
    bool failed; /* a write failed for another reason; `error` says which */
    TarnError error;
} TarnCliSink;

void tarn_cli__sink_open(TarnCliSink *sink, int fd, const char *name);
void tarn_cli__sink_open_memory(TarnCliSink *sink, TarnBuffer *memory);
void tarn_cli__sink_write(TarnCliSink *sink, const void *data, size_t size);
void tarn_cli__sink_text(TarnCliSink *sink, TarnText text);
void tarn_cli__sink_string(TarnCliSink *sink, const char *string);
void tarn_cli__sink_printf(TarnCliSink *sink, const char *format, ...) TARN_PRINTF(2, 3);
/* `text` `count` times */
void tarn_cli__sink_repeat(TarnCliSink *sink, const char *text, size_t count);
void tarn_cli__sink_flush(TarnCliSink *sink);
/* Nothing given from now on will be read: stop producing. */
static inline bool tarn_cli__sink_done(const TarnCliSink *sink) {
    return sink->gone || sink->failed;
}
/* Flushes and frees; false with the first failure. The descriptor stays open. */
bool tarn_cli__sink_finish(TarnCliSink *sink, TarnError *error) TARN_CHECKED;

#endif
