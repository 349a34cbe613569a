/* The one JSON object of --json, errors for people and for programs, and lines to the person.
 *
 * Data goes to standard output and everything else to standard error, except that with --json the
 * error is part of the one object. With -o ndjson, csv and md an error is text on standard error.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli_private.h"
#include "base/limits.h"

/* Data beyond this is written while it is made; "ok" then comes last in the object. */
#define ENVELOPE_WAIT_BYTES (8 * TARN_MIB)

static void envelope_flush(TarnCli *cli) {
    TarnCliEnvelope *envelope = &cli->envelope;
    if (!envelope->streamed) tarn_cli__sink_string(&cli->out, "{\"data\":");
    envelope->streamed = true;
    tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&envelope->data));
    tarn_base_buffer_clear(&envelope->data);
}

void tarn_cli__envelope_put(TarnCli *cli, TarnText json) {
    TarnCliEnvelope *envelope = &cli->envelope;
    if (!envelope->begun) tarn_base_buffer_init(&envelope->data, SIZE_MAX);
    envelope->begun = true;
    if (envelope->data.size + json.size > ENVELOPE_WAIT_BYTES) {
        envelope_flush(cli);
        tarn_cli__sink_text(&cli->out, json);
        return;
    }
    tarn_base_buffer_text(&envelope->data, json);
}

static void put_error_member(TarnCli *cli, const TarnError *error) {
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_MIB);
    TarnJsonWriter writer;
    tarn_base_json_writer_init(&writer, &text, 0);
    tarn_cli__error_json(error, &writer);
    tarn_cli__sink_string(&cli->out, ",\"error\":");
    tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&text));
    tarn_base_buffer_dispose(&text);
}

void tarn_cli__envelope_end(TarnCli *cli, const TarnError *error) {
    TarnCliEnvelope *envelope = &cli->envelope;
    const char *ok = error == NULL ? "\"ok\":true" : "\"ok\":false";
    if (envelope->begun && envelope->data.failed) {
        cli->out.failed = true;
        tarn_base_error_set(&cli->out.error, TARN_E_OUT_OF_MEMORY, "out of memory");
    }
    if (envelope->streamed) {
        envelope_flush(cli);
        tarn_cli__sink_printf(&cli->out, ",%s", ok);
    } else {
        tarn_cli__sink_printf(&cli->out, "{%s,\"data\":", ok);
        if (envelope->begun && envelope->data.size > 0) {
            tarn_cli__sink_text(&cli->out, tarn_base_buffer_view(&envelope->data));
        } else {
            tarn_cli__sink_string(&cli->out, "null");
        }
    }
    if (error != NULL) put_error_member(cli, error);
    tarn_cli__sink_string(&cli->out, "}\n");
    tarn_base_buffer_dispose(&envelope->data);
}

static void put_text(TarnJsonWriter *out, const char *key, const char *value) {
    tarn_base_json_key(out, key);
    tarn_base_json_put_string(out, value[0] != '\0' ? value : NULL);
}

void tarn_cli__error_json(const TarnError *error, TarnJsonWriter *out) {
    tarn_base_json_object_begin(out);
    put_text(out, "code", tarn_base_error_name(error->code));
    put_text(out, "message", error->message);
    put_text(out, "detail", error->detail);
    put_text(out, "hint", error->hint);
    tarn_base_json_key(out, "where");
    if (error->line == 0 && error->file[0] == '\0') {
        tarn_base_json_put_null(out);
    } else {
        tarn_base_json_object_begin(out);
        put_text(out, "file", error->file);
        tarn_base_json_key(out, "line");
        tarn_base_json_put_int64(out, error->line);
        tarn_base_json_key(out, "column");
        tarn_base_json_put_int64(out, error->column);
        tarn_base_json_object_end(out);
    }
    tarn_base_json_object_end(out);
}

/* An error may quote a file or a server: nothing in it may steer the terminal. */
static void write_safe(TarnCliSink *sink, TarnText text) {
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7F) {
            tarn_cli__sink_string(sink, c == '\n' ? "\n" : c == '\t' ? " " : "?");
        } else {
            tarn_cli__sink_write(sink, &text.data[i], 1);
        }
    }
}

void tarn_cli__error_write(const TarnError *error, bool colour, TarnCliSink *sink) {
    tarn_cli__sink_printf(sink, "%serror:%s ", tarn_cli__colour(colour, TARN_CLI_RED TARN_CLI_BOLD),
                          tarn_cli__colour(colour, TARN_CLI_PLAIN));
    if (error->file[0] != '\0') {
        write_safe(sink, tarn_base_text(error->file));
        if (error->line > 0) {
            tarn_cli__sink_printf(sink, ":%u:%u", error->line, error->column);
        }
        tarn_cli__sink_string(sink, ": ");
    }
    write_safe(sink, tarn_base_text(error->message));
    tarn_cli__sink_string(sink, "\n");
    TarnText rest = tarn_base_text(error->detail);
    while (rest.size > 0) {
        TarnText line = tarn_base_text_split(rest, '\n', &rest);
        tarn_cli__sink_string(sink, "  ");
        write_safe(sink, line);
        tarn_cli__sink_string(sink, "\n");
    }
    if (error->hint[0] == '\0') return;
    tarn_cli__sink_printf(sink, "%shint:%s ", tarn_cli__colour(colour, TARN_CLI_CYAN),
                          tarn_cli__colour(colour, TARN_CLI_PLAIN));
    write_safe(sink, tarn_base_text(error->hint));
    tarn_cli__sink_string(sink, "\n");
}

static void write_line(TarnCli *cli, const char *before, const char *format, va_list args) {
    char line[2048];
    int size = vsnprintf(line, sizeof(line), format, args);
    if (size < 0) return;
    tarn_cli__sink_string(&cli->err, before);
    write_safe(&cli->err, tarn_base_text(line));
    tarn_cli__sink_string(&cli->err, "\n");
    tarn_cli__sink_flush(&cli->err);
}

void tarn_cli__say(TarnCli *cli, const char *format, ...) {
    if (cli->quiet) return;
    va_list args;
    va_start(args, format);
    write_line(cli, "", format, args);
    va_end(args);
}

void tarn_cli__warn(TarnCli *cli, const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(cli, cli->colour_err ? TARN_CLI_YELLOW "warning:" TARN_CLI_PLAIN " " : "warning: ",
               format, args);
    va_end(args);
}
