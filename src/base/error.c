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

#include "base/text.h"

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

/* What fits beside a line number in a terminal of 100 columns. */
#define EXCERPT_COLUMNS 80

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

/* One line of text, made safe for a terminal, from code point `from` on; caret_at is where the
 * shown text reaches column `column`. */
static void show_line(TarnText line, size_t from, size_t column, char *out, size_t *caret_at) {
    size_t used = 0;
    size_t offset = 0;
    *caret_at = 0;
    for (size_t i = 1; offset < line.size && i < from + EXCERPT_COLUMNS; i++) {
        int32_t c = tarn_base_text_utf8_next(line, &offset);
        if (c < 0) offset++;
        if (i < from) continue;
        if (i < column) ++*caret_at;
        bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
        used += tarn_base_text_utf8_put(c == '\t' ? ' ' : control ? '?' : c, out + used);
    }
    if (offset < line.size) {
        memcpy(out + used, "...", 3);
        used += 3;
    }
    out[used] = '\0';
}

bool tarn_base_error_excerpt(TarnError *error, const char *source, size_t size) {
    if (error == NULL || source == NULL || error->line == 0) return false;
    TarnText rest = {source, size};
    TarnText line = tarn_base_text_split(rest, '\n', &rest);
    for (uint32_t i = 1; i < error->line; i++) {
        if (rest.data == NULL) return false;
        line = tarn_base_text_split(rest, '\n', &rest);
    }
    if (tarn_base_text_ends(line, "\r")) line.size--;
    if (error->line == 1 && tarn_base_text_starts(line, "\xEF\xBB\xBF")) {
        line = (TarnText){line.data + 3, line.size - 3};
    }
    size_t column = error->column;
    size_t from = column > EXCERPT_COLUMNS * 3 / 4 ? column - EXCERPT_COLUMNS / 2 : 1;
    char shown[EXCERPT_COLUMNS * 4 + 8];
    size_t caret;
    show_line(line, from, column, shown, &caret);
    const char *cut = from > 1 ? "..." : "";
    char number[16];
    int width = snprintf(number, sizeof(number), "%u", error->line);
    return tarn_base_error_detail(error, "%s | %s%s\n%*s | %*s^", number, cut, shown, width, "",
                                  (int)(caret + strlen(cut)), "");
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
