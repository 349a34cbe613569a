/* Errors by value.
 *
 * A function that can fail returns bool (true = done) and takes a `TarnError *error` as its
 * last parameter. On false it has filled *error exactly once; callers pass it up untouched and
 * may add one "while ..." per room with tarn_base_error_context(). The struct has a fixed size,
 * lives on the caller's stack, owns nothing, and filling it cannot fail.
 *
 * Message style: lower case, no full stop, names in double quotes; "could not" where a retry may
 * succeed, "cannot" where it never will. A hint is something the reader can do. Secrets never
 * enter an error.
 */
#ifndef TARN_BASE_ERROR_H
#define TARN_BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARN_CHECKED __attribute__((warn_unused_result))
#define TARN_PRINTF(f, a) __attribute__((format(printf, f, a)))

typedef enum TarnErrorCode {
    TARN_OK = 0,
#define TARN_ERROR(name, exit_code, sqlstate, http, text) TARN_E_##name,
#include "base/errors.def"
#undef TARN_ERROR
    TARN_ERROR_CODE_COUNT
} TarnErrorCode;

typedef struct TarnError {
    TarnErrorCode code;
    bool retryable;       /* the same call may succeed later */
    bool outcome_unknown; /* the effect may or may not have happened: resolve, never guess */
    uint32_t line;        /* 1-based place in `file`; 0 = no place */
    uint32_t column;      /* 1-based, in code points */
    char file[256];       /* the user's file the error points at; "" = none */
    char message[1024];
    char detail[1024]; /* extra lines: the source line with a caret, the inner cause */
    char hint[512];
} TarnError;

/* All set functions return false, so that `return tarn_base_error_set(...)` reads well. */
bool tarn_base_error_set(TarnError *error, TarnErrorCode code, const char *format, ...)
    TARN_PRINTF(3, 4);
/* Like set, with the text of a system errno appended as ": No such file or directory".
 * ENOSPC and EDQUOT become TARN_E_DISK_FULL, EACCES and EPERM TARN_E_DENIED_BY_SYSTEM. */
bool tarn_base_error_set_errno(TarnError *error, TarnErrorCode code, int errno_value,
                               const char *format, ...) TARN_PRINTF(4, 5);
/* Add to an error already set. */
bool tarn_base_error_hint(TarnError *error, const char *format, ...) TARN_PRINTF(2, 3);
bool tarn_base_error_detail(TarnError *error, const char *format, ...) TARN_PRINTF(2, 3);
bool tarn_base_error_place(TarnError *error, const char *file, uint32_t line, uint32_t column);
/* Makes the detail the line of `source` that the place points at, with a caret below. Long lines
 * are cut around the place; bytes that are not printable UTF-8 show as '?'. For a user's own
 * files: the text is shown to whoever sees the error. */
bool tarn_base_error_excerpt(TarnError *error, const char *source, size_t size);
/* Appends " (while <format>)" to the message. */
bool tarn_base_error_context(TarnError *error, const char *format, ...) TARN_PRINTF(2, 3);
void tarn_base_error_clear(TarnError *error);

/* From the one table base/errors.def. */
const char *tarn_base_error_name(TarnErrorCode code); /* "TABLE_NOT_FOUND" */
const char *tarn_base_error_text(TarnErrorCode code); /* one line for the reference */
const char *tarn_base_error_sqlstate(TarnErrorCode code);
int tarn_base_error_exit_code(TarnErrorCode code);
int tarn_base_error_http_status(TarnErrorCode code);

#endif
