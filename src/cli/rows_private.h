/* Rows of a command's data, written in whatever form -o asks for.
 *
 *   TarnCliRows rows;
 *   tarn_cli__rows_begin(cli, columns, count, TARN_CLI_MANY, &rows);
 *   for (..) { cells[0] = tarn_cli__cell_text(..); ...; tarn_cli__rows_put(&rows, cells); }
 *   tarn_cli__rows_end(&rows);
 *
 * Forms: table (boxes, for people), json (an array of objects, or one object), ndjson, csv (RFC
 * 4180 with a header, an empty field is null and "" an empty text), md. Rows stream in all forms
 * but the table, which measures the first ones and then keeps those widths.
 */
#ifndef TARN_CLI_ROWS_PRIVATE_H
#define TARN_CLI_ROWS_PRIVATE_H

#include "cli/cli_private.h"

typedef enum TarnCliCellKind {
    TARN_CLI_CELL_NULL,
    TARN_CLI_CELL_TEXT,
    TARN_CLI_CELL_NUMBER, /* text is a JSON number */
    TARN_CLI_CELL_BOOL,   /* text is true or false */
    TARN_CLI_CELL_JSON    /* text is a JSON value */
} TarnCliCellKind;

/* How a number is written in tables: for people, not for programs. */
typedef enum TarnCliHuman {
    TARN_CLI_AS_IT_IS,
    TARN_CLI_COUNT, /* "336,776" */
    TARN_CLI_BYTES  /* "1.4 GB" */
} TarnCliHuman;

typedef struct TarnCliCell {
    TarnCliCellKind kind;
    TarnText text;
    TarnCliHuman human;
    uint64_t number; /* unless AS_IT_IS */
} TarnCliCell;

typedef enum TarnCliAudience {
    TARN_CLI_FOR_ALL,
    TARN_CLI_FOR_PROGRAMS, /* not in tables */
    TARN_CLI_FOR_PEOPLE    /* in tables only */
} TarnCliAudience;

typedef struct TarnCliColumn {
    const char *name;
    bool right; /* numbers */
    TarnCliAudience audience;
} TarnCliColumn;

typedef enum TarnCliShape {
    TARN_CLI_MANY, /* a list */
    TARN_CLI_ONE   /* exactly one row: an object in JSON, name and value lines in tables */
} TarnCliShape;

typedef struct TarnCliBox TarnCliBox;

typedef struct TarnCliRows {
    TarnCli *cli;
    TarnCliFormat format;
    TarnCliShape shape;
    const TarnCliColumn *columns;
    size_t column_count;
    uint64_t count;
    TarnArena arena;
    const char **keys; /* the columns' names as JSON, with the comma before and the colon behind */
    TarnBuffer line;
    TarnCliBox *box;
} TarnCliRows;

/* `columns` must outlive the rows. */
void tarn_cli__rows_begin(TarnCli *cli, const TarnCliColumn *columns, size_t count,
                          TarnCliShape shape, TarnCliRows *rows);
/* One cell per column; copied where they are kept. */
void tarn_cli__rows_put(TarnCliRows *rows, const TarnCliCell *cells);
/* true when nobody reads any more: the caller may stop. */
bool tarn_cli__rows_done(const TarnCliRows *rows);
/* `more`: rows that exist beyond those given, told at the foot of a table; `at_least`: and maybe
 * others, nobody counted to the end. */
void tarn_cli__rows_end(TarnCliRows *rows, uint64_t more, bool at_least);

static inline TarnCliCell tarn_cli__cell_null(void) {
    return (TarnCliCell){.kind = TARN_CLI_CELL_NULL};
}
static inline TarnCliCell tarn_cli__cell_of(TarnText text) {
    return (TarnCliCell){.kind = TARN_CLI_CELL_TEXT, .text = text};
}
/* NULL = null */
static inline TarnCliCell tarn_cli__cell_text(const char *text) {
    return text == NULL ? tarn_cli__cell_null() : tarn_cli__cell_of(tarn_base_text(text));
}
static inline TarnCliCell tarn_cli__cell_bool(bool value) {
    return (TarnCliCell){.kind = TARN_CLI_CELL_BOOL,
                         .text = value ? TARN_TEXT("true") : TARN_TEXT("false")};
}
static inline TarnCliCell tarn_cli__cell_json(TarnText json) {
    return (TarnCliCell){.kind = TARN_CLI_CELL_JSON, .text = json};
}
/* Texts in the arena. INT64_MIN (TARN_ABSENT) is null. */
TarnCliCell tarn_cli__cell_int64(TarnArena *arena, int64_t value);
TarnCliCell tarn_cli__cell_id(TarnArena *arena, int64_t value); /* no thousands marks */
TarnCliCell tarn_cli__cell_count(TarnArena *arena, int64_t value); /* below 0: null */
TarnCliCell tarn_cli__cell_bytes(TarnArena *arena, int64_t value);
TarnCliCell tarn_cli__cell_time_ms(TarnArena *arena, int64_t ms);
TarnCliCell tarn_cli__cell_seconds(TarnArena *arena, double seconds);
/* The text in tables; it may be written to `out`. */
TarnText tarn_cli__cell_shown(const TarnCliCell *cell, char out[TARN_TEXT_HUMAN_BYTES]);
/* What writes JSON, to a cell. */
TarnCliCell tarn_cli__cell_buffer(TarnArena *arena, TarnBuffer *json);

#endif
