/* The program: signals, then everything else in run.c. Nothing else is here, so that tests can
 * run the whole program in their own process.
 */
#include <unistd.h>

#include "cli/cli_private.h"

int main(int argc, char **argv) {
    TarnError error = {0};
    if (!tarn_os_signals_install(&error)) return tarn_base_error_exit_code(error.code);
    return tarn_cli__run(tarn_os_posix(), argc, argv, STDOUT_FILENO, STDERR_FILENO);
}
