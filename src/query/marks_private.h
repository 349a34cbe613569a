/* The rows of a table that a statement deletes or changes, noted while the engine runs it.
 *
 * SQL calls tarn_mark(marks, action, task, position) once for each row that a statement touches;
 * it answers whether the row goes on into a new file. The engine's threads call it at once. */
#ifndef TARN_QUERY_MARKS_PRIVATE_H
#define TARN_QUERY_MARKS_PRIVATE_H

#include "engine/engine.h"
#include "format/roaring.h"

typedef enum TarnMarkAction {
    TARN_MARK_DELETE = 1, /* the row is marked, nothing is written */
    TARN_MARK_UPDATE,     /* the row is marked, another is written for it */
    TARN_MARK_INSERT      /* no row is marked, one is written */
} TarnMarkAction;

typedef struct TarnMarks TarnMarks;

typedef struct TarnMarkCounts {
    int64_t deleted;
    int64_t updated;
    int64_t inserted;
} TarnMarkCounts;

/* `once`: a row that is to be changed twice is an error (MERGE); else what comes second is left
 * out (UPDATE .. FROM with several matches, as PostgreSQL does). */
bool tarn_query__marks_open(TarnEngineSession *session, TarnMarks **marks,
                            TarnError *error) TARN_CHECKED; /* the engine frees them */
/* Begins anew, for a plan of `tasks` files; *id is what SQL names these marks by. `all`: the answer
 * is whether the row is touched for the first time, deleted or not (RETURNING). */
bool tarn_query__marks_begin(TarnMarks *marks, size_t tasks, bool once, bool all, int64_t *id,
                             TarnError *error) TARN_CHECKED;
void tarn_query__marks_clear(TarnMarks *marks);
/* Positions marked in a task's file; NULL = none. */
const TarnRoaring *tarn_query__marks_of(const TarnMarks *marks, size_t task);
TarnMarkCounts tarn_query__marks_counts(const TarnMarks *marks);

#endif
