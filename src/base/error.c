/* The error table and the error value.
 *
 * One table (errors.def) yields names, texts, exit codes, SQLSTATE and HTTP status. Filling an
 * error only formats into the caller's fixed arrays; text that does not fit is cut at a code
 * point boundary and marked with an ellipsis, so that reporting cannot fail.
 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

typedef struct ErrorEntry {
    const char *name;
    const char *text;
    const char *sqlstate;
    int exit_code;
    int http_status;
} ErrorEntry;

static const ErrorEntry error_table[] = {
    {"OK", "no error", "00000", 0, 200},
#define TARN_ERROR(name, exit_code, sqlstate, http, text) {#name, text, sqlstate, exit_code, http},
#include "base/errors.def"
#undef TARN_ERROR
};

static const ErrorEntry *find_entry(TarnErrorCode code) {
    unsigned index = (unsigned)code;
    return index < TARN_ERROR_CODE_COUNT ? &error_table[index] : &error_table[TARN_E_INTERNAL];
}

const char *tarn_base_error_name(TarnErrorCode code) { return find_entry(code)->name; }
const char *tarn_base_error_text(TarnErrorCode code) { return find_entry(code)->text; }
const char *tarn_base_error_sqlstate(TarnErrorCode code) { return find_entry(code)->sqlstate; }
int tarn_base_error_exit_code(TarnErrorCode code) { return find_entry(code)->exit_code; }
int tarn_base_error_http_status(TarnErrorCode code) { return find_entry(code)->http_status; }

/* Cuts a text that filled its array back to a whole code point and ends it with "...". */
static void mark_cut(char *text, size_t size) {
    size_t end = size - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) end--;
    memcpy(text + end, "...", 4);
}

static void format_at(char *text, size_t size, size_t start, const char *format, va_list args) {
    if (start >= size - 1) return;
    int written = vsnprintf(text + start, size - start, format, args);
    if (written < 0) {
        text[start] = '\0';
    } else if ((size_t)written >= size - start) {
        mark_cut(text, size);
    }
}

void tarn_base_error_clear(TarnError *error) {
    if (error != NULL) memset(error, 0, sizeof(*error));
}

bool tarn_base_error_set(TarnError *error, TarnErrorCode code, const char *format, ...) {
    if (error == NULL) return false;
    tarn_base_error_clear(error);
    error->code = code;
    error->retryable = code == TARN_E_DATABASE_BUSY;
    error->outcome_unknown = code == TARN_E_COMMIT_UNKNOWN;
    va_list args;
    va_start(args, format);
    format_at(error->message, sizeof(error->message), 0, format, args);
    va_end(args);
    return false;
}

static TarnErrorCode classify_errno(TarnErrorCode code, int errno_value) {
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT: return TARN_E_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS: return TARN_E_DENIED_BY_SYSTEM;
    case ENOMEM: return TARN_E_OUT_OF_MEMORY;
    default: return code;
    }
}

bool tarn_base_error_set_errno(TarnError *error, TarnErrorCode code, int errno_value,
                               const char *format, ...) {
    if (error == NULL) return false;
    tarn_base_error_clear(error);
    error->code = classify_errno(code, errno_value);
    error->retryable = errno_value == EAGAIN || errno_value == EINTR || errno_value == EMFILE;
    va_list args;
    va_start(args, format);
    format_at(error->message, sizeof(error->message), 0, format, args);
    va_end(args);
    size_t size = strlen(error->message);
    if (size < sizeof(error->message) - 1) {
        int written = snprintf(error->message + size, sizeof(error->message) - size, ": %s",
                               strerrordesc_np(errno_value) != NULL ? strerrordesc_np(errno_value)
                                                                    : "unknown system error");
        if ((size_t)written >= sizeof(error->message) - size) {
            mark_cut(error->message, sizeof(error->message));
        }
    }
    if (error->code == TARN_E_DISK_FULL) {
        tarn_base_error_hint(error, "free some space and run the command again; nothing half-done "
                                    "was kept");
    }
    return false;
}

bool tarn_base_error_hint(TarnError *error, const char *format, ...) {
    if (error == NULL) return false;
    va_list args;
    va_start(args, format);
    format_at(error->hint, sizeof(error->hint), 0, format, args);
    va_end(args);
    return false;
}

bool tarn_base_error_detail(TarnError *error, const char *format, ...) {
    if (error == NULL) return false;
    va_list args;
    va_start(args, format);
    format_at(error->detail, sizeof(error->detail), 0, format, args);
    va_end(args);
    return false;
}

bool tarn_base_error_place(TarnError *error, const char *file, uint32_t line, uint32_t column) {
    if (error == NULL) return false;
    snprintf(error->file, sizeof(error->file), "%s", file != NULL ? file : "");
    error->line = line;
    error->column = column;
    return false;
}

bool tarn_base_error_context(TarnError *error, const char *format, ...) {
    if (error == NULL) return false;
    size_t size = strlen(error->message);
    if (size + 16 > sizeof(error->message)) return false;
    memcpy(error->message + size, " (", 3);
    va_list args;
    va_start(args, format);
    format_at(error->message, sizeof(error->message), size + 2, format, args);
    va_end(args);
    size = strlen(error->message);
    if (size < sizeof(error->message) - 1) memcpy(error->message + size, ")", 2);
    return false;
}
