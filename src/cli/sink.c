/* Buffered output that knows the difference between a reader who left and a disk that is full.
 *
 * SIGPIPE is ignored by the process (os/signals.c), so a closed pipe shows as EPIPE here. The
 * sink writes with write(2): stdio would hide which byte failed and why. Not thread-safe.
 */
#include "cli/sink_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tarn_cli__sink_open(TarnCliSink *sink, int fd, const char *name) {
    *sink = (TarnCliSink){.fd = fd, .name = name};
}

void tarn_cli__sink_open_memory(TarnCliSink *sink, TarnBuffer *memory) {
    *sink = (TarnCliSink){.fd = -1, .name = "memory", .memory = memory};
}

static void write_out(TarnCliSink *sink, const char *data, size_t size) {
    while (size > 0 && !tarn_cli__sink_done(sink)) {
        ssize_t written = write(sink->fd, data, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EPIPE) {
            sink->gone = true;
        } else if (written < 0) {
            sink->failed = true;
            tarn_base_error_set_errno(&sink->error, TARN_E_IO, errno, "could not write to %s",
                                      sink->name);
        } else {
            data += written;
            size -= (size_t)written;
        }
    }
}

void tarn_cli__sink_flush(TarnCliSink *sink) {
    if (sink->memory != NULL) return;
    write_out(sink, sink->data, sink->size);
    sink->size = 0;
}

void tarn_cli__sink_write(TarnCliSink *sink, const void *data, size_t size) {
    if (tarn_cli__sink_done(sink) || size == 0) return;
    if (sink->memory != NULL) {
        tarn_base_buffer_append(sink->memory, data, size);
        if (sink->memory->failed) {
            sink->failed = true;
            tarn_base_error_set(&sink->error, TARN_E_LIMIT_EXCEEDED,
                                "the output is larger than can be kept in memory");
        }
        return;
    }
    if (sink->data == NULL) sink->data = malloc(TARN_CLI_SINK_BYTES);
    if (sink->data == NULL || size >= TARN_CLI_SINK_BYTES) {
        tarn_cli__sink_flush(sink);
        write_out(sink, data, size);
        return;
    }
    if (sink->size + size > TARN_CLI_SINK_BYTES) tarn_cli__sink_flush(sink);
    memcpy(sink->data + sink->size, data, size);
    sink->size += size;
}

void tarn_cli__sink_text(TarnCliSink *sink, TarnText text) {
    tarn_cli__sink_write(sink, text.data, text.size);
}

void tarn_cli__sink_string(TarnCliSink *sink, const char *string) {
    tarn_cli__sink_write(sink, string, strlen(string));
}

void tarn_cli__sink_printf(TarnCliSink *sink, const char *format, ...) {
    char small[512];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    if (size < 0) return;
    if ((size_t)size < sizeof(small)) {
        tarn_cli__sink_write(sink, small, (size_t)size);
        return;
    }
    char *large = malloc((size_t)size + 1);
    if (large == NULL) {
        sink->failed = true;
        tarn_base_error_set(&sink->error, TARN_E_OUT_OF_MEMORY, "out of memory");
        return;
    }
    va_start(args, format);
    vsnprintf(large, (size_t)size + 1, format, args);
    va_end(args);
    tarn_cli__sink_write(sink, large, (size_t)size);
    free(large);
}

void tarn_cli__sink_repeat(TarnCliSink *sink, const char *text, size_t count) {
    for (size_t i = 0; i < count; i++) tarn_cli__sink_string(sink, text);
}

bool tarn_cli__sink_finish(TarnCliSink *sink, TarnError *error) {
    tarn_cli__sink_flush(sink);
    free(sink->data);
    sink->data = NULL;
    if (!sink->failed) return true;
    if (error != NULL) *error = sink->error;
    return false;
}
