/* Running tasks over threads: a counter that all take the next index from, and nothing else.
 *
 * Threads live for one call: making one costs some 20 us, and what is worth parallel work here
 * (decoding manifests, syncing files) costs much more. There is no pool to configure, drain or
 * forget at fork.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "os/os.h"

/* More threads than this help no machine and only cost stacks. */
#define THREADS_MAX 64

typedef struct ParallelJob {
    TarnOsTask run;
    void *state;
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* guards the two below */
    size_t failed_index;
    TarnError error;
} ParallelJob;

static void record_failure(ParallelJob *job, size_t index, const TarnError *error) {
    pthread_mutex_lock(&job->lock);
    if (!atomic_load(&job->failed) || index < job->failed_index) {
        job->failed_index = index;
        job->error = *error;
    }
    atomic_store(&job->failed, true);
    pthread_mutex_unlock(&job->lock);
}

static void *work(void *argument) {
    ParallelJob *job = argument;
    TarnError error;
    while (!atomic_load(&job->failed)) {
        size_t index = atomic_fetch_add(&job->next, 1);
        if (index >= job->count) break;
        tarn_base_error_clear(&error);
        if (!job->run(job->state, index, &error)) record_failure(job, index, &error);
    }
    return NULL;
}

static bool run_in_order(size_t count, TarnOsTask run, void *state, TarnError *error) {
    for (size_t i = 0; i < count; i++) {
        if (!run(state, i, error)) return false;
    }
    return true;
}

bool tarn_os_parallel(uint32_t threads, size_t count, TarnOsTask run, void *state,
                      TarnError *error) {
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    if (threads > count) threads = (uint32_t)count;
    if (threads <= 1) return run_in_order(count, run, state, error);
    ParallelJob job = {.run = run, .state = state, .count = count,
                       .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t workers[THREADS_MAX];
    uint32_t started = 0;
    while (started < threads - 1 &&
           pthread_create(&workers[started], NULL, work, &job) == 0) {
        started++;
    }
    work(&job);
    for (uint32_t i = 0; i < started; i++) pthread_join(workers[i], NULL);
    pthread_mutex_destroy(&job.lock);
    if (!atomic_load(&job.failed)) return true;
    if (error != NULL) *error = job.error;
    return false;
}
