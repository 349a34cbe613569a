/* SIGINT and SIGTERM as a flag that loops and waits look at.
 *
 * The handlers are installed without SA_RESTART, so that a blocking call wakes up; the members of
 * TarnOs repeat what must not be torn (a write) and end what is only a wait. A second signal means
 * that the person does not want to wait for the clean end: the process exits at once, which every
 * write path must survive anyway, as it must survive SIGKILL.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "os/os.h"

static atomic_bool interrupted;

static void on_signal(int signal_number) {
    if (atomic_exchange(&interrupted, true)) _exit(128 + signal_number);
}

static bool install(int signal_number, void (*handler)(int), TarnError *error) {
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    if (sigaction(signal_number, &action, NULL) == 0) return true;
    return tarn_base_error_set_errno(error, TARN_E_INTERNAL, errno,
                                     "cannot handle signal %d", signal_number);
}

bool tarn_os_signals_install(TarnError *error) {
    return install(SIGINT, on_signal, error) && install(SIGTERM, on_signal, error) &&
           install(SIGPIPE, SIG_IGN, error);
}

bool tarn_os_interrupted(void) { return atomic_load_explicit(&interrupted, memory_order_relaxed); }

bool tarn_os_interrupt_check(TarnError *error) {
    if (!tarn_os_interrupted()) return true;
    return tarn_base_error_set(error, TARN_E_INTERRUPTED, "interrupted");
}

void tarn_os_interrupt(void) { atomic_store(&interrupted, true); }

void tarn_os_interrupt_clear(void) { atomic_store(&interrupted, false); }
