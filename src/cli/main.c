/* The program: fault points and signals, then everything else in run.c. Nothing else is here, so
 * that tests can run the whole program in their own process.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "cli/cli_private.h"

int main(int argc, char **argv) {
    TarnError error = {0};
    tarn_base_fault_init(getenv("TARN_FAULT_PLAN"));
    if (!tarn_os_signals_install(&error)) return tarn_base_error_exit_code(error.code);
    return tarn_cli__run(tarn_os_posix(), argc, argv, STDOUT_FILENO, STDERR_FILENO);
}
