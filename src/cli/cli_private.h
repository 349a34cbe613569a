/* One run of the program: what every command's handler gets. */
#ifndef TARN_CLI_CLI_PRIVATE_H
#define TARN_CLI_CLI_PRIVATE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/json.h"
#include "cli/arguments_private.h"
#include "cli/sink_private.h"
#include "os/os.h"

typedef enum TarnCliFormat {
    TARN_CLI_TABLE,
    TARN_CLI_JSON,
    TARN_CLI_NDJSON,
    TARN_CLI_CSV,
    TARN_CLI_MD,
    TARN_CLI_ARROW,
    TARN_CLI_DOT,        /* lineage only */
    TARN_CLI_OPENLINEAGE /* lineage only */
} TarnCliFormat;

struct TarnCliCell; /* rows_private.h */

/* `--json` prints one object around a command's data. Up to a limit the data waits, so that "ok"
 * can stand first; beyond it what is there is written and "ok" comes last. */
typedef struct TarnCliEnvelope {
    TarnBuffer data;
    bool begun;    /* some data was given */
    bool streamed; /* some is written already */
} TarnCliEnvelope;

struct TarnCli {
    const TarnOs *os;
    TarnArena arena; /* of the whole run */
    TarnCliArguments arguments;
    TarnCliFormat format;
    TarnOsTerminal out_terminal;
    TarnOsTerminal err_terminal;
    bool in_terminal;
    bool colour_out;
    bool colour_err;
    bool quiet;
    bool verbose;
    bool expanded;          /* tables: one line a value */
    uint64_t rows_max;      /* shown of a table in interactive use; 0 = all */
    const char *more_hint;  /* how to see them; NULL = nothing is said */
    /* tables with colour: that of a row, by its cells; NULL = none */
    const char *(*row_colour)(const struct TarnCliCell *cells);
    int64_t started_us;     /* monotonic */
    TarnCliSink out;
    TarnCliSink err;
    TarnCliEnvelope envelope;
};

/* The whole program but for signals: parses, runs, reports; returns the exit code. `argv` as in
 * main. Writes to the file descriptors given (1 and 2 in the real program). */
int tarn_cli__run(const TarnOs *os, int argc, char **argv, int out_fd, int err_fd);

/* JSON of the command's data, in pieces; only with TARN_CLI_JSON. */
void tarn_cli__envelope_put(TarnCli *cli, TarnText json);
/* Ends the object; `error` NULL = ok. */
void tarn_cli__envelope_end(TarnCli *cli, const TarnError *error);

/* {"code":..,"message":..,"detail":..,"hint":..,"where":{..}} */
void tarn_cli__error_json(const TarnError *error, TarnJsonWriter *out);
/* error: file:line:column: message / excerpt / hint, to the sink. */
void tarn_cli__error_write(const TarnError *error, bool colour, TarnCliSink *sink);

/* A line for the person at work, on standard error; nothing with -q. */
void tarn_cli__say(TarnCli *cli, const char *format, ...) TARN_PRINTF(2, 3);
/* The same although -q: a warning. */
void tarn_cli__warn(TarnCli *cli, const char *format, ...) TARN_PRINTF(2, 3);

/* Escape sequences, or "" without colour. */
#define TARN_CLI_BOLD "\x1b[1m"
#define TARN_CLI_DIM "\x1b[2m"
#define TARN_CLI_RED "\x1b[31m"
#define TARN_CLI_GREEN "\x1b[32m"
#define TARN_CLI_YELLOW "\x1b[33m"
#define TARN_CLI_CYAN "\x1b[36m"
#define TARN_CLI_PLAIN "\x1b[0m"
static inline const char *tarn_cli__colour(bool on, const char *sequence) {
    return on ? sequence : "";
}

#endif
