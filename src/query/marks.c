/* Marks: one bitmap a file, filled by the function tarn_mark under a lock that is taken once for
 * each 2048 rows.
 */
#include "query/marks_private.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct TarnMarks {
    pthread_mutex_t lock; /* counts and bitmaps */
    int64_t id;           /* of these marks; never used twice */
    bool once;
    bool all;
    TarnRoaring **bitmaps;
    size_t task_count;
    TarnMarkCounts counts;
};

void tarn_query__marks_clear(TarnMarks *marks) {
    pthread_mutex_lock(&marks->lock); /* the engine's threads have ended; see what they wrote */
    for (size_t i = 0; i < marks->task_count; i++) tarn_format_roaring_free(marks->bitmaps[i]);
    free(marks->bitmaps);
    marks->bitmaps = NULL;
    marks->task_count = 0;
    marks->counts = (TarnMarkCounts){0};
    marks->id++;
    pthread_mutex_unlock(&marks->lock);
}

static void free_marks(void *state) {
    TarnMarks *marks = state;
    tarn_query__marks_clear(marks);
    pthread_mutex_destroy(&marks->lock);
    free(marks);
}

bool tarn_query__marks_begin(TarnMarks *marks, size_t tasks, bool once, bool all, int64_t *id,
                             TarnError *error) {
    tarn_query__marks_clear(marks);
    marks->bitmaps = calloc(tasks + 1, sizeof(TarnRoaring *));
    if (marks->bitmaps == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for deleted rows");
    }
    marks->task_count = tasks;
    marks->once = once;
    marks->all = all;
    *id = marks->id;
    return true;
}

const TarnRoaring *tarn_query__marks_of(const TarnMarks *marks, size_t task) {
    return task < marks->task_count ? marks->bitmaps[task] : NULL;
}

TarnMarkCounts tarn_query__marks_counts(const TarnMarks *marks) { return marks->counts; }

/* --- the function --- */

static bool mark_row(TarnMarks *marks, int64_t task, int64_t position, bool *added,
                     TarnError *error) {
    if (task < 0 || task >= (int64_t)marks->task_count || position < 0) {
        return tarn_base_error_set(error, TARN_E_INTERNAL, "a row of no file is to be changed");
    }
    TarnRoaring **bitmap = &marks->bitmaps[task];
    return (*bitmap != NULL || tarn_format_roaring_new(0, bitmap, error)) &&
           tarn_format_roaring_add(*bitmap, (uint64_t)position, added, error);
}

static bool change_row(TarnMarks *marks, int64_t action, int64_t task, int64_t position,
                       bool *written, TarnError *error) {
    bool added = false;
    if (!mark_row(marks, task, position, &added, error)) return false;
    if (!added && marks->once) {
        return tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                   "a row of the target matches more than one row of the source: "
                                   "which one should change it is not clear");
    }
    *written = added && (action == TARN_MARK_UPDATE || marks->all);
    marks->counts.updated += added && action == TARN_MARK_UPDATE;
    marks->counts.deleted += added && action == TARN_MARK_DELETE;
    return true;
}

static bool mark_rows(TarnMarks *marks, const TarnEngineVector *arguments, TarnEngineOutput *output,
                      TarnError *error) {
    const int64_t *actions = arguments[1].data;
    const int64_t *tasks = arguments[2].data;
    const int64_t *positions = arguments[3].data;
    bool *written = output->data;
    for (uint64_t row = 0; row < output->rows; row++) {
        written[row] = false;
        if (tarn_engine_vector_null(&arguments[1], row)) continue;
        if (actions[row] == TARN_MARK_INSERT) {
            written[row] = true;
            marks->counts.inserted++;
        } else if (tarn_engine_vector_null(&arguments[2], row) ||
                   tarn_engine_vector_null(&arguments[3], row)) {
            return tarn_base_error_set(error, TARN_E_INTERNAL, "a row without a place is changed");
        } else if (!change_row(marks, actions[row], tasks[row], positions[row], &written[row],
                               error)) {
            return false;
        }
    }
    return true;
}

static bool call_mark(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                      TarnEngineOutput *output, TarnError *error) {
    (void)argument_count;
    TarnMarks *marks = state;
    if (output->rows == 0) return true;
    pthread_mutex_lock(&marks->lock);
    bool ok = ((const int64_t *)arguments[0].data)[0] == marks->id
                  ? mark_rows(marks, arguments, output, error)
                  : tarn_base_error_set(error, TARN_E_SQL_EXECUTION,
                                        "the rows to be changed are of a statement that has ended");
    pthread_mutex_unlock(&marks->lock);
    return ok;
}

bool tarn_query__marks_open(TarnEngineSession *session, TarnMarks **result, TarnError *error) {
    static const TarnEngineKind kinds[] = {TARN_ENGINE_BIGINT, TARN_ENGINE_BIGINT,
                                           TARN_ENGINE_BIGINT, TARN_ENGINE_BIGINT};
    TarnMarks *marks = calloc(1, sizeof(*marks));
    if (marks == NULL) {
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY, "out of memory for deleted rows");
    }
    pthread_mutex_init(&marks->lock, NULL);
    marks->id = 1;
    *result = marks;
    TarnEngineScalar scalar = {.name = "tarn_mark",
                               .arguments = kinds,
                               .argument_count = 4,
                               .result = TARN_ENGINE_BOOLEAN,
                               .sees_nulls = true,
                               .is_volatile = true,
                               .call = call_mark,
                               .state = marks,
                               .state_free = free_marks};
    return tarn_engine_scalar_register(session, &scalar, error);
}
