/* What the files of this room share: the structures behind engine.h's opaque types. */
#ifndef TARN_ENGINE_ENGINE_PRIVATE_H
#define TARN_ENGINE_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine.h"
#include "engine/library_private.h"

/* Rows of one DuckDB chunk (STANDARD_VECTOR_SIZE). */
#define TARN_ENGINE_CHUNK_ROWS 2048

typedef enum TarnEngineStop {
    TARN_ENGINE_STOP_NONE,
    TARN_ENGINE_STOP_ASKED,  /* tarn_engine_session_interrupt */
    TARN_ENGINE_STOP_SIGNAL, /* the watch's interrupted() */
    TARN_ENGINE_STOP_TIMEOUT
} TarnEngineStop;

/* The watching thread and its list of running statements; `lock` guards all of it and the
 * watch_* fields of the sessions. */
typedef struct TarnEngineWatcher {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool started;
    bool ending;
    TarnEngineSession *running; /* linked by watch_next */
} TarnEngineWatcher;

struct TarnEngine {
    duckdb_database database;
    TarnEngineSession *control; /* for settings */
    TarnEngineWatcher watcher;
    pthread_mutex_t scan_lock; /* guards the next two and the sessions' lists of scans */
    TarnEngineSession *scanning; /* sessions with Arrow streams, linked by scanning_next */
    bool scans_ready;          /* the table function behind the views is registered */
    uint32_t threads;          /* 0 = one per core */
    bool any_insertion_order;
    atomic_bool dead;
};

typedef struct TarnEngineScan TarnEngineScan; /* arrow_scan.c */

struct TarnEngineSession {
    TarnEngine *engine;
    duckdb_connection connection;
    TarnEngineResult *open_result; /* the one result whose rows may still be fetched */
    bool progress_ready;           /* DuckDB counts progress on this connection */

    TarnEngineScan *scans; /* Arrow streams registered as views */
    uint64_t scan_count;
    duckdb_prepared_statement kept_parse; /* asked with each statement, so prepared once */
    duckdb_prepared_statement kept_plan;
    uint64_t connection_number; /* DuckDB's; 0 until the first Arrow stream */
    TarnEngineSession *scanning_next;

    TarnEngineWatch watch;
    TarnEngineSession *watch_next;
    bool watch_running; /* between begin and end of a statement */
    bool watch_inside;  /* the session's thread waits inside DuckDB */
    TarnEngineStop watch_stop;
    int64_t watch_started_ms;
    int64_t watch_progress_ms; /* when progress was told last */
};

/* A tree of vector views over one column, filled again for each chunk. */
struct TarnEngineResult {
    TarnEngineSession *session; /* NULL once a later statement ended this result */
    TarnArena arena;            /* types, names, sql, views */
    TarnText sql;               /* for places in errors */
    duckdb_result result;
    bool has_result;
    bool finished;   /* the last row was fetched */
    bool repeatable; /* running its text again runs the same statement */
    duckdb_data_chunk raw;
    uint32_t column_count;
    const char **names;
    TarnEngineType *types;
    TarnEngineVector *vectors;
    TarnEngineChunk chunk;
    int64_t rows_changed;
};

/* ---- failure.c: DuckDB's error text -> TarnError; returns false. `sql` may be empty. */
bool tarn_engine__failure_set(TarnEngineSession *session, const char *message, TarnText sql,
                              TarnError *error);
/* Fails if the engine is dead. */
bool tarn_engine__failure_alive(const TarnEngine *engine, TarnError *error) TARN_CHECKED;
/* Sets the place (byte offset in sql) and the excerpt of an error already set. */
void tarn_engine__failure_place(TarnError *error, TarnText sql, size_t offset);

/* ---- watch.c: see TarnEngineWatch. begin..end brackets a statement, enter..leave each call in
 * which the session's thread waits inside DuckDB. */
bool tarn_engine__watcher_init(TarnEngineWatcher *watcher, TarnError *error) TARN_CHECKED;
void tarn_engine__watcher_dispose(TarnEngineWatcher *watcher);
bool tarn_engine__watch_begin(TarnEngineSession *session, TarnError *error) TARN_CHECKED;
void tarn_engine__watch_enter(TarnEngineSession *session);
void tarn_engine__watch_leave(TarnEngineSession *session);
TarnEngineStop tarn_engine__watch_end(TarnEngineSession *session);

/* ---- type.c: a copy of DuckDB's type in the arena (which shows a failure). */
bool tarn_engine__type_read(duckdb_logical_type type, TarnArena *arena, TarnEngineType *out,
                            TarnError *error) TARN_CHECKED;

/* ---- vector.c */
/* Makes the view tree of a type; arena failure shows in the arena. */
void tarn_engine__vector_init(TarnEngineVector *view, const TarnEngineType *type,
                              TarnArena *arena);
/* Points the views at a DuckDB vector's memory. */
void tarn_engine__vector_fill(TarnEngineVector *view, duckdb_vector vector, uint64_t rows);

/* ---- scalar_text.c: one value that is neither null nor nested, as text. */
#define TARN_ENGINE_NUMBER_BYTES 48
size_t tarn_engine__double_write(double value, char out[TARN_ENGINE_NUMBER_BYTES]);
size_t tarn_engine__float_write(float value, char out[TARN_ENGINE_NUMBER_BYTES]);
size_t tarn_engine__int128_write(TarnEngineInt128 value, bool is_unsigned,
                                 char out[TARN_ENGINE_NUMBER_BYTES]);
/* DECIMAL of any width; leading_zero false writes ".5" where there is no digit before the point */
void tarn_engine__decimal_write(const TarnEngineVector *vector, uint64_t row, bool leading_zero,
                                TarnBuffer *out);
void tarn_engine__bignum_write(TarnText bytes, TarnBuffer *out);

/* ---- time_text.c: dates and times. `iso` = ISO 8601 (T, years beyond 0..9999 with a sign, no
 * "(BC)"), else DuckDB's casts. */
void tarn_engine__time_write(const TarnEngineVector *vector, uint64_t row, bool iso,
                             TarnBuffer *out);

/* ---- geometry_text.c: WKB as WKT; bytes that are not WKB as DuckDB writes it come out as hex. */
void tarn_engine__geometry_write(TarnText wkb, TarnBuffer *out);

/* ---- value_text.c: BLOB, BIT, UUID .. : any kind that is not nested; the row is not null. */
void tarn_engine__scalar_write(const TarnEngineVector *vector, uint64_t row, TarnBuffer *out);

/* ---- query.c */
/* Ends the open result of the session, if any. */
void tarn_engine__result_detach(TarnEngineSession *session);
/* Refuses text DuckDB must not see: too large, U+0000, not UTF-8. */
bool tarn_engine__sql_check(TarnText sql, TarnError *error) TARN_CHECKED;
/* Moves the place of an error from the piece that ran into the script it was taken from. */
void tarn_engine__place_shift(TarnText script, size_t piece_offset, TarnError *error);
/* tarn_engine_query of a constant text with one parameter that is prepared once: *kept is NULL
 * before the first time, and the session's to destroy. */
bool tarn_engine__query_kept(TarnEngineSession *session, duckdb_prepared_statement *kept,
                             const char *sql, const TarnEngineParam *param,
                             TarnEngineResult **result, TarnError *error) TARN_CHECKED;
/* The first value of a result as tarn_engine_query_text gives it; frees the result. */
bool tarn_engine__first_text(TarnEngineResult *result, TarnArena *arena, TarnText *text,
                             TarnError *error) TARN_CHECKED;
/* Runs a statement made by this room (no parameters) and forgets its rows. */
bool tarn_engine__run_own(TarnEngineSession *session, const TarnBuffer *sql,
                          TarnError *error) TARN_CHECKED;

/* ---- statement.c */
typedef struct TarnEnginePiece {
    size_t offset;
    size_t size;
} TarnEnginePiece;
/* The next statement of a script at or after *position, without outer space, comments and
 * semicolons; false at the end. */
bool tarn_engine__piece_next(TarnText sql, size_t *position, TarnEnginePiece *piece);
/* Unicode spaces between tokens become ASCII ones in place: DuckDB would do so by shortening the
 * text, and the offsets in its errors would be those of the shorter text. */
void tarn_engine__sql_blank(char *sql, size_t size);

/* ---- syntax.c: parses one piece; false only if it is wrong. */
bool tarn_engine__syntax_probe(TarnEngineSession *session, TarnText sql, bool *is_select,
                               TarnError *error) TARN_CHECKED;

/* ---- arrow_scan.c: forgets the session's Arrow streams */
void tarn_engine__scan_leave(TarnEngineSession *session);

#endif
