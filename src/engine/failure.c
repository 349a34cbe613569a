/* DuckDB's errors become tarn's.
 *
 * Purpose: one place that decides which code an error gets, where in the user's SQL it points and
 * what of DuckDB's text is message and what is hint. The engine is opened with errors_as_json, so
 * that the class of the error and its byte offset come as data; text in DuckDB's usual form
 * ("Binder Error: ...") is understood too, because a user's own session may switch the setting
 * back, and because some calls never use it.
 * What it does not do: translate. DuckDB's sentence stays, with a small initial and without its
 * final mark.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/engine_private.h"

/* The parts of one error text. */
typedef struct FailureParts {
    TarnText type;    /* "Binder", "IO", .. */
    TarnText message; /* all lines */
    bool has_position;
    bool counts_characters; /* the grammar's own errors do, all others count bytes */
    size_t position;
} FailureParts;

typedef struct FailureClass {
    const char *type;
    TarnErrorCode code;
    bool retryable;
} FailureClass;

static const FailureClass failure_classes[] = {
    {"Parser", TARN_E_SQL_SYNTAX, false},
    {"Syntax", TARN_E_SQL_SYNTAX, false},
    {"Binder", TARN_E_SQL_BIND, false},
    {"Catalog", TARN_E_SQL_BIND, false},
    {"Planner", TARN_E_SQL_BIND, false},
    {"Unknown Type", TARN_E_SQL_BIND, false},
    {"Invalid type", TARN_E_SQL_BIND, false},
    {"Mismatch Type", TARN_E_SQL_BIND, false},
    {"Dependency", TARN_E_SQL_BIND, false},
    {"Parameter Not Resolved", TARN_E_SQL_BIND, false},
    {"Parameter Not Allowed", TARN_E_SQL_BIND, false},
    {"Not implemented", TARN_E_SQL_UNSUPPORTED, false},
    {"Missing Extension", TARN_E_SQL_UNSUPPORTED, false},
    {"Extension Autoloading", TARN_E_SQL_UNSUPPORTED, false},
    {"Permission", TARN_E_STATEMENT_REFUSED, false},
    {"IO", TARN_E_IO, false},
    {"HTTP", TARN_E_IO, true},
    {"Network", TARN_E_IO, true},
    {"INTERRUPT", TARN_E_INTERRUPTED, false},
    {"Out of Memory", TARN_E_OUT_OF_MEMORY, false},
    {"FATAL", TARN_E_ENGINE, false},
    {"INTERNAL", TARN_E_ENGINE, false},
    {"Conversion", TARN_E_SQL_EXECUTION, false},
    {"Out of Range", TARN_E_SQL_EXECUTION, false},
    {"Divide by Zero", TARN_E_SQL_EXECUTION, false},
    {"Decimal", TARN_E_SQL_EXECUTION, false},
    {"Constraint", TARN_E_SQL_EXECUTION, false},
    {"Invalid Input", TARN_E_SQL_EXECUTION, false},
    {"Invalid Configuration", TARN_E_SQL_EXECUTION, false},
    {"Settings", TARN_E_SQL_EXECUTION, false},
    {"Sequence", TARN_E_SQL_EXECUTION, false},
    {"Serialization", TARN_E_SQL_EXECUTION, false},
    {"Expression", TARN_E_SQL_EXECUTION, false},
    {"Executor", TARN_E_SQL_EXECUTION, false},
    {"Object Size", TARN_E_SQL_EXECUTION, false},
    {"Connection", TARN_E_SQL_EXECUTION, false},
    {"TransactionContext", TARN_E_SQL_EXECUTION, false},
};

/* DuckDB folds several causes into one class and tells them apart in the text only. */
typedef struct FailurePhrase {
    TarnErrorCode from;
    const char *phrase;
    TarnErrorCode to;
} FailurePhrase;

static const FailurePhrase failure_phrases[] = {
    {TARN_E_OUT_OF_MEMORY, "max_temp_directory_size", TARN_E_DISK_FULL},
    {TARN_E_IO, "No space left on device", TARN_E_DISK_FULL},
    {TARN_E_IO, "Disk quota exceeded", TARN_E_DISK_FULL},
    {TARN_E_IO, "Permission denied", TARN_E_DENIED_BY_SYSTEM},
    {TARN_E_IO, "No files found that match", TARN_E_SOURCE_NOT_FOUND},
    {TARN_E_SQL_EXECUTION, "configuration has been locked", TARN_E_STATEMENT_REFUSED},
};

static bool text_contains(TarnText text, const char *needle) {
    return memmem(text.data, text.size, needle, strlen(needle)) != NULL;
}

static TarnErrorCode classify(const FailureParts *parts, bool *retryable) {
    TarnErrorCode code = TARN_E_ENGINE;
    *retryable = false;
    for (size_t i = 0; i < sizeof(failure_classes) / sizeof(failure_classes[0]); i++) {
        if (!tarn_base_text_is(parts->type, failure_classes[i].type)) continue;
        code = failure_classes[i].code;
        *retryable = failure_classes[i].retryable;
        break;
    }
    for (size_t i = 0; i < sizeof(failure_phrases) / sizeof(failure_phrases[0]); i++) {
        const FailurePhrase *phrase = &failure_phrases[i];
        if (phrase->from == code && text_contains(parts->message, phrase->phrase)) {
            return phrase->to;
        }
    }
    return code;
}

static bool read_json_parts(TarnText text, TarnArena *arena, FailureParts *parts) {
    TarnJson *root = NULL;
    TarnError ignored;
    if (!tarn_base_json_parse(text, NULL, arena, &root, &ignored)) return false;
    if (!tarn_base_json_text(tarn_base_json_member(root, "exception_type"), &parts->type)) {
        return false;
    }
    (void)tarn_base_json_text(tarn_base_json_member(root, "exception_message"), &parts->message);
    TarnText position;
    int64_t offset;
    if (tarn_base_json_text(tarn_base_json_member(root, "position"), &position) &&
        tarn_base_text_to_int64(position, &offset) && offset >= 0) {
        TarnText subtype = {0};
        (void)tarn_base_json_text(tarn_base_json_member(root, "error_subtype"), &subtype);
        parts->counts_characters = tarn_base_text_is(subtype, "SYNTAX_ERROR");
        parts->has_position = true;
        parts->position = (size_t)offset;
    }
    return true;
}

static size_t byte_offset(const FailureParts *parts, TarnText sql) {
    if (!parts->counts_characters) return parts->position;
    size_t offset = 0;
    for (size_t i = 0; i < parts->position && offset < sql.size; i++) {
        if (tarn_base_text_utf8_next(sql, &offset) < 0) offset++;
    }
    return offset;
}

/* "Binder Error: message", perhaps with "\n\nLINE 1: ..." behind it. */
static void read_plain_parts(TarnText text, FailureParts *parts) {
    static const char separator[] = " Error: ";
    parts->type = TARN_TEXT("");
    parts->message = text;
    const char *found = memmem(text.data, text.size, separator, sizeof(separator) - 1);
    const char *line_end = memchr(text.data, '\n', text.size);
    if (found != NULL && (line_end == NULL || found < line_end)) {
        parts->type = (TarnText){text.data, (size_t)(found - text.data)};
        size_t skip = parts->type.size + sizeof(separator) - 1;
        parts->message = (TarnText){text.data + skip, text.size - skip};
    }
    const char *excerpt = memmem(parts->message.data, parts->message.size, "\n\nLINE ", 7);
    if (excerpt != NULL) parts->message.size = (size_t)(excerpt - parts->message.data);
}

/* An error of the parser comes as data inside the plain form: "Parser Error: {..}". */
static void read_parts(TarnText text, TarnArena *arena, FailureParts *parts) {
    if (text.size > 0 && text.data[0] == '{' && read_json_parts(text, arena, parts)) return;
    read_plain_parts(text, parts);
    TarnText inner = parts->message;
    if (inner.size == 0 || inner.data[0] != '{') return;
    FailureParts read = {0};
    if (read_json_parts(inner, arena, &read)) *parts = read;
}

static bool line_is_hint(TarnText line) {
    return tarn_base_text_starts(line, "Did you mean") ||
           tarn_base_text_starts(line, "Candidate") || tarn_base_text_starts(line, "Hint") ||
           tarn_base_text_starts(line, "HINT") || tarn_base_text_starts(line, "* ");
}

/* House style: small initial (unless the first word is a name or an abbreviation), no final
 * mark. */
static TarnText style_line(TarnText line, char *initial) {
    *initial = '\0';
    line = tarn_base_text_trim(line);
    while (line.size > 0 && (line.data[line.size - 1] == '.' || line.data[line.size - 1] == '!')) {
        line.size--;
    }
    if (line.size >= 2 && isupper((unsigned char)line.data[0]) &&
        !isupper((unsigned char)line.data[1])) {
        *initial = (char)tolower((unsigned char)line.data[0]);
        line.data++;
        line.size--;
    }
    return line;
}

static void append_line(TarnBuffer *buffer, TarnText line, const char *separator) {
    char initial;
    TarnText styled = style_line(line, &initial);
    if (styled.size == 0) return;
    if (buffer->size > 0) tarn_base_buffer_string(buffer, separator);
    if (initial != '\0') tarn_base_buffer_byte(buffer, (uint8_t)initial);
    tarn_base_buffer_text(buffer, styled);
}

/* The first line is the message, suggestions go to the hint, the rest follows the message. */
static void set_texts(TarnError *error, TarnErrorCode code, TarnText text) {
    TarnBuffer message, hint;
    tarn_base_buffer_init(&message, 8 * TARN_KIB);
    tarn_base_buffer_init(&hint, 8 * TARN_KIB);
    TarnText rest = text;
    while (rest.data != NULL && rest.size > 0) {
        TarnText line = tarn_base_text_split(rest, '\n', &rest);
        if (tarn_base_text_starts(line, "See also ") ||
            tarn_base_text_starts(line, "Possible solutions:")) {
            continue;
        }
        if (line_is_hint(line)) {
            append_line(&hint, line, "; ");
        } else {
            append_line(&message, line, "; ");
        }
    }
    /* Without memory to tidy it up, as it came: an error always has a text. */
    TarnText shown = message.size > 0 ? tarn_base_buffer_view(&message) : text;
    tarn_base_error_set(error, code, "%.*s", TARN_TEXT_ARG(shown));
    if (hint.size > 0) {
        TarnText suggestion = tarn_base_buffer_view(&hint);
        tarn_base_error_hint(error, "%.*s", TARN_TEXT_ARG(suggestion));
    }
    tarn_base_buffer_dispose(&message);
    tarn_base_buffer_dispose(&hint);
}

void tarn_engine__failure_place(TarnError *error, TarnText sql, size_t offset) {
    if (offset > sql.size) offset = sql.size;
    uint32_t line = 1;
    size_t line_start = 0;
    for (size_t i = 0; i < offset; i++) {
        if (sql.data[i] != '\n') continue;
        line++;
        line_start = i + 1;
    }
    TarnText before = {sql.data + line_start, offset - line_start};
    size_t column = tarn_base_text_utf8_count(before) + 1;
    tarn_base_error_place(error, error->file, line, (uint32_t)column);
    tarn_base_error_excerpt(error, sql.data, sql.size);
}

static void note_death(TarnEngineSession *session, const FailureParts *parts, TarnError *error) {
    if (!tarn_base_text_is(parts->type, "FATAL") && !tarn_base_text_is(parts->type, "INTERNAL")) {
        return;
    }
    atomic_store(&session->engine->dead, true);
    tarn_base_error_hint(error, "this is a defect in DuckDB: the engine has to be opened again; "
                                "please report the statement");
}

bool tarn_engine__failure_set(TarnEngineSession *session, const char *message, TarnText sql,
                              TarnError *error) {
    TarnText text = tarn_base_text(message != NULL ? message : "no reason given");
    FailureParts parts = {0};
    TarnArena arena;
    tarn_base_arena_init(&arena, TARN_MIB);
    read_parts(text, &arena, &parts);
    bool retryable;
    TarnErrorCode code = classify(&parts, &retryable);
    set_texts(error, code, parts.message);
    error->retryable = retryable;
    if (code == TARN_E_OUT_OF_MEMORY) {
        tarn_base_error_hint(error, "raise the memory limit, give a folder to spill to, or use "
                                    "fewer threads");
    } else if (code == TARN_E_DISK_FULL) {
        tarn_base_error_hint(error, "free some space, or raise the limit of the folder for "
                                    "temporary files");
    }
    if (parts.has_position && sql.size > 0) {
        tarn_engine__failure_place(error, sql, byte_offset(&parts, sql));
    }
    note_death(session, &parts, error);
    tarn_base_arena_dispose(&arena);
    return false;
}

bool tarn_engine__failure_alive(const TarnEngine *engine, TarnError *error) {
    if (!atomic_load(&engine->dead)) return true;
    tarn_base_error_set(error, TARN_E_ENGINE,
                        "the engine stopped after an internal error of DuckDB");
    return tarn_base_error_hint(error, "open the engine again (restart the worker)");
}
