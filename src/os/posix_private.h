/* The parts of the real TarnOs, each in its own file; tarn_os_posix() puts them together. */
#ifndef TARN_OS_POSIX_PRIVATE_H
#define TARN_OS_POSIX_PRIVATE_H

#include <sys/stat.h>

#include "os/os.h"

/* Fills the members of one part. */
void tarn_os__posix_file(TarnOs *os);
void tarn_os__posix_name(TarnOs *os);
void tarn_os__posix_process(TarnOs *os);

/* "could not <verb> "path": <errno's text>", with the code that the errno deserves; false. */
bool tarn_os__posix_fail(TarnError *error, int errno_value, const char *verb, const char *path);

/* The system's answer in the words of os.h. */
void tarn_os__posix_stat(const struct stat *stat, TarnOsStat *out);

#endif
