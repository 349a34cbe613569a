/* The watching thread: Ctrl-C, timeouts and progress while DuckDB works.
 *
 * Purpose: a statement must stop within a tenth of a second of Ctrl-C, whether it is computing
 * its first row, between two rows, or in one long task. DuckDB stops when duckdb_interrupt() is
 * called, but a thread that waits inside DuckDB cannot look at a flag; so one thread per engine
 * wakes every WATCH_PERIOD_MS while a statement runs, asks who wants to stop, and interrupts. It
 * interrupts again each time until the statement ends, since DuckDB forgets an interrupt that
 * comes while it is still planning.
 * Progress is told from here too, but only while the session's own thread is inside DuckDB and
 * with the lock held, so the callback never runs beside the caller's code.
 * What it does not do: nothing runs while no statement does; the thread then sleeps without
 * waking.
 */
#include <signal.h>
#include <time.h>

#include "engine/engine_private.h"
#include "os/os.h"

#define WATCH_PERIOD_MS 15
#define WATCH_PROGRESS_MS 100

static int64_t monotonic_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static TarnEngineStop stop_wanted(const TarnEngineSession *session, int64_t now_ms) {
    if (session->watch_stop != TARN_ENGINE_STOP_NONE) return session->watch_stop;
    const TarnEngineWatch *watch = &session->watch;
    bool interrupted = watch->interrupted != NULL ? watch->interrupted(watch->state)
                                                  : tarn_os_interrupted();
    if (interrupted) return TARN_ENGINE_STOP_SIGNAL;
    if (watch->timeout_ms > 0 && now_ms - session->watch_started_ms >= watch->timeout_ms) {
        return TARN_ENGINE_STOP_TIMEOUT;
    }
    return TARN_ENGINE_STOP_NONE;
}

static void tell_progress(TarnEngineSession *session, int64_t now_ms) {
    const TarnEngineWatch *watch = &session->watch;
    if (watch->progress == NULL || !session->watch_inside) return;
    if (now_ms - session->watch_progress_ms < WATCH_PROGRESS_MS) return;
    session->watch_progress_ms = now_ms;
    duckdb_query_progress_type progress = tarn_engine__duck.query_progress(session->connection);
    watch->progress(watch->state, progress.percentage, progress.rows_processed,
                    progress.total_rows_to_process);
}

static void wait_a_period(TarnEngineWatcher *watcher) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WATCH_PERIOD_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&watcher->wake, &watcher->lock, &until);
}

static void *watch_loop(void *state) {
    TarnEngineWatcher *watcher = state;
    pthread_mutex_lock(&watcher->lock);
    while (!watcher->ending) {
        if (watcher->running == NULL) {
            pthread_cond_wait(&watcher->wake, &watcher->lock);
            continue;
        }
        wait_a_period(watcher);
        int64_t now_ms = monotonic_ms();
        for (TarnEngineSession *session = watcher->running; session != NULL;
             session = session->watch_next) {
            session->watch_stop = stop_wanted(session, now_ms);
            if (session->watch_stop != TARN_ENGINE_STOP_NONE) {
                tarn_engine__duck.interrupt(session->connection);
            }
            tell_progress(session, now_ms);
        }
    }
    pthread_mutex_unlock(&watcher->lock);
    return NULL;
}

bool tarn_engine__watcher_init(TarnEngineWatcher *watcher, TarnError *error) {
    pthread_condattr_t attributes;
    int failure = pthread_condattr_init(&attributes);
    if (failure == 0) {
        (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        failure = pthread_cond_init(&watcher->wake, &attributes);
        (void)pthread_condattr_destroy(&attributes);
    }
    if (failure == 0) failure = pthread_mutex_init(&watcher->lock, NULL);
    if (failure == 0) return true;
    return tarn_base_error_set_errno(error, TARN_E_ENGINE, failure,
                                     "could not prepare the engine's watching thread");
}

void tarn_engine__watcher_dispose(TarnEngineWatcher *watcher) {
    if (watcher->started) {
        pthread_mutex_lock(&watcher->lock);
        watcher->ending = true;
        pthread_cond_signal(&watcher->wake);
        pthread_mutex_unlock(&watcher->lock);
        (void)pthread_join(watcher->thread, NULL);
    }
    (void)pthread_cond_destroy(&watcher->wake);
    (void)pthread_mutex_destroy(&watcher->lock);
}

/* Signals are for the main thread: this one must not take Ctrl-C away from it. */
static int start_thread(TarnEngineWatcher *watcher) {
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&watcher->thread, NULL, watch_loop, watcher);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    watcher->started = failure == 0;
    return failure;
}

bool tarn_engine__watch_begin(TarnEngineSession *session, TarnError *error) {
    TarnEngineWatcher *watcher = &session->engine->watcher;
    int failure = 0;
    pthread_mutex_lock(&watcher->lock);
    if (!watcher->started) failure = start_thread(watcher);
    if (failure == 0 && !session->watch_running) {
        session->watch_running = true;
        session->watch_next = watcher->running;
        watcher->running = session;
        if (session->watch_next == NULL) pthread_cond_signal(&watcher->wake);
    }
    session->watch_stop = TARN_ENGINE_STOP_NONE;
    session->watch_started_ms = session->watch_progress_ms = monotonic_ms();
    pthread_mutex_unlock(&watcher->lock);
    if (failure == 0) return true;
    return tarn_base_error_set_errno(error, TARN_E_ENGINE, failure,
                                     "could not start the engine's watching thread");
}

void tarn_engine__watch_enter(TarnEngineSession *session) {
    TarnEngineWatcher *watcher = &session->engine->watcher;
    pthread_mutex_lock(&watcher->lock);
    session->watch_inside = true;
    pthread_mutex_unlock(&watcher->lock);
}

void tarn_engine__watch_leave(TarnEngineSession *session) {
    TarnEngineWatcher *watcher = &session->engine->watcher;
    pthread_mutex_lock(&watcher->lock);
    session->watch_inside = false;
    pthread_mutex_unlock(&watcher->lock);
}

TarnEngineStop tarn_engine__watch_end(TarnEngineSession *session) {
    TarnEngineWatcher *watcher = &session->engine->watcher;
    pthread_mutex_lock(&watcher->lock);
    TarnEngineSession **link = &watcher->running;
    while (*link != NULL && *link != session) link = &(*link)->watch_next;
    if (*link == session) *link = session->watch_next;
    session->watch_running = false;
    session->watch_inside = false;
    TarnEngineStop stop = stop_wanted(session, monotonic_ms()); /* the thread may not have looked */
    session->watch_stop = TARN_ENGINE_STOP_NONE;
    pthread_mutex_unlock(&watcher->lock);
    return stop;
}

void tarn_engine_session_interrupt(TarnEngineSession *session) {
    TarnEngineWatcher *watcher = &session->engine->watcher;
    pthread_mutex_lock(&watcher->lock);
    if (session->watch_running) {
        session->watch_stop = TARN_ENGINE_STOP_ASKED;
        tarn_engine__duck.interrupt(session->connection);
    }
    pthread_mutex_unlock(&watcher->lock);
}
