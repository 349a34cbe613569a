/* Splitting a script into statements and telling their kinds.
 *
 * Purpose: DuckDB's C interface says how many statements a text holds, but neither where they are
 * nor, without binding them, what they are. So the text is split here by the lexical rules of
 * DuckDB's scanner (quotes, E'' escapes, dollar quotes, nested comments), and each piece is handed
 * to DuckDB's parser (json_serialize_sql: it parses and does nothing else), which says whether it
 * is a SELECT, something else, wrong, or, should the two ever disagree about a boundary, several.
 * Statements that are not SELECT are told by their leading words; the parser has accepted them,
 * so the words stand where the grammar puts them. What is not known is OTHER, never a guess.
 */
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "engine/engine_private.h"

/* ---- tokens ------------------------------------------------------------------------------ */

typedef enum TokenKind {
    TOKEN_END,
    TOKEN_SPACE, /* white space and comments */
    TOKEN_WORD,  /* bare identifier or keyword */
    TOKEN_QUOTED, /* string or quoted identifier */
    TOKEN_MARK   /* one byte of anything else */
} TokenKind;

typedef struct Token {
    TokenKind kind;
    size_t start;
    size_t size;
} Token;

static unsigned char byte_at(TarnText sql, size_t at) {
    return at < sql.size ? (unsigned char)sql.data[at] : 0;
}

static bool starts_word(unsigned char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c >= 0x80;
}

static bool continues_tag(unsigned char c) { return starts_word(c) || (c >= '0' && c <= '9'); }

/* Bytes of a space of Unicode's that DuckDB takes for white space; 0 if there is none. */
static size_t unicode_space(TarnText sql, size_t at) {
    unsigned char a = byte_at(sql, at), b = byte_at(sql, at + 1), c = byte_at(sql, at + 2);
    if (a == 0xC2) return b == 0xA0 ? 2 : 0;
    if (a == 0xE2 && b == 0x80) return (c >= 0x80 && c <= 0x8B) || c == 0xAF ? 3 : 0;
    if (a == 0xE2 && b == 0x81) return c == 0x9F || c == 0xA0 ? 3 : 0;
    if (a == 0xE3) return b == 0x80 && c == 0x80 ? 3 : 0;
    return a == 0xEF && b == 0xBB && c == 0xBF ? 3 : 0;
}

static size_t space_size(TarnText sql, size_t at) {
    unsigned char c = byte_at(sql, at);
    if (at < sql.size && c != 0 && strchr(" \t\n\v\f\r", c) != NULL) return 1;
    return c >= 0x80 ? unicode_space(sql, at) : 0;
}

/* Comments of slash and star nest. An open one reaches to the end: the parser will complain. */
static size_t comment_size(TarnText sql, size_t at) {
    size_t end = at;
    if (byte_at(sql, at) == '-' && byte_at(sql, at + 1) == '-') {
        while (end < sql.size && sql.data[end] != '\n' && sql.data[end] != '\r') end++;
        return end - at;
    }
    if (byte_at(sql, at) != '/' || byte_at(sql, at + 1) != '*') return 0;
    unsigned depth = 0;
    while (end < sql.size) {
        if (sql.data[end] == '/' && byte_at(sql, end + 1) == '*') {
            depth++;
            end += 2;
        } else if (sql.data[end] == '*' && byte_at(sql, end + 1) == '/') {
            end += 2;
            if (--depth == 0) break;
        } else {
            end++;
        }
    }
    return end - at;
}

/* From the opening quote to behind the closing one; a doubled quote stands for itself. */
static size_t quoted_size(TarnText sql, size_t at, bool backslashes) {
    char quote = sql.data[at];
    size_t end = at + 1;
    while (end < sql.size) {
        if (backslashes && sql.data[end] == '\\') {
            end += 2;
        } else if (sql.data[end] != quote) {
            end++;
        } else if (byte_at(sql, end + 1) == (unsigned char)quote) {
            end += 2;
        } else {
            return end + 1 - at;
        }
    }
    return sql.size - at;
}

/* $tag$ .. $tag$; 0 if the dollar starts no such thing (a parameter). */
static size_t dollar_quoted_size(TarnText sql, size_t at) {
    size_t tag_end = at + 1;
    if (starts_word(byte_at(sql, tag_end))) {
        while (continues_tag(byte_at(sql, tag_end))) tag_end++;
    }
    if (byte_at(sql, tag_end) != '$') return 0;
    TarnText tag = {sql.data + at, tag_end + 1 - at};
    const char *body = tag.data + tag.size;
    const char *close = memmem(body, sql.size - (at + tag.size), tag.data, tag.size);
    return close != NULL ? (size_t)(close - tag.data) + tag.size : sql.size - at;
}

static size_t word_size(TarnText sql, size_t at) {
    size_t end = at;
    while (end < sql.size) {
        unsigned char c = byte_at(sql, end);
        if (!continues_tag(c) && c != '$') break;
        if (c >= 0x80 && unicode_space(sql, end) > 0) break;
        end++;
    }
    return end - at;
}

static Token next_token(TarnText sql, size_t at) {
    unsigned char c = byte_at(sql, at);
    size_t size;
    if (at >= sql.size) return (Token){TOKEN_END, sql.size, 0};
    if ((size = space_size(sql, at)) > 0) return (Token){TOKEN_SPACE, at, size};
    if ((size = comment_size(sql, at)) > 0) return (Token){TOKEN_SPACE, at, size};
    if (c == '\'' || c == '"') return (Token){TOKEN_QUOTED, at, quoted_size(sql, at, false)};
    if ((c == 'e' || c == 'E') && byte_at(sql, at + 1) == '\'') {
        return (Token){TOKEN_QUOTED, at, 1 + quoted_size(sql, at + 1, true)};
    }
    if (c == '$' && (size = dollar_quoted_size(sql, at)) > 0) {
        return (Token){TOKEN_QUOTED, at, size};
    }
    if (starts_word(c)) return (Token){TOKEN_WORD, at, word_size(sql, at)};
    return (Token){TOKEN_MARK, at, 1};
}

/* ---- pieces ------------------------------------------------------------------------------ */

bool tarn_engine__piece_next(TarnText sql, size_t *position, TarnEnginePiece *piece) {
    bool started = false;
    size_t end = 0;
    *piece = (TarnEnginePiece){0, 0};
    for (;;) {
        Token token = next_token(sql, *position);
        *position = token.start + token.size;
        bool closes = token.kind == TOKEN_MARK && sql.data[token.start] == ';';
        if (token.kind == TOKEN_END || (closes && started)) break;
        if (token.kind == TOKEN_SPACE || closes) continue;
        if (!started) piece->offset = token.start;
        started = true;
        end = token.start + token.size;
    }
    piece->size = started ? end - piece->offset : 0;
    return started;
}

void tarn_engine__sql_blank(char *sql, size_t size) {
    TarnText text = {sql, size};
    Token token;
    for (size_t at = 0; (token = next_token(text, at)).kind != TOKEN_END;) {
        if (token.kind == TOKEN_SPACE && unicode_space(text, token.start) > 0) {
            memset(sql + token.start, ' ', token.size);
        }
        at = token.start + token.size;
    }
}

/* ---- kinds ------------------------------------------------------------------------------- */

typedef struct KindWord {
    const char *word;
    TarnEngineStatementKind kind;
} KindWord;

static const KindWord kind_words[] = {
    {"INSERT", TARN_ENGINE_STATEMENT_INSERT},
    {"UPDATE", TARN_ENGINE_STATEMENT_UPDATE},
    {"DELETE", TARN_ENGINE_STATEMENT_DELETE},
    {"MERGE", TARN_ENGINE_STATEMENT_MERGE},
    {"TRUNCATE", TARN_ENGINE_STATEMENT_TRUNCATE},
    {"COPY", TARN_ENGINE_STATEMENT_COPY},
    {"CREATE", TARN_ENGINE_STATEMENT_CREATE},
    {"ALTER", TARN_ENGINE_STATEMENT_ALTER},
    {"DROP", TARN_ENGINE_STATEMENT_DROP},
    {"COMMENT", TARN_ENGINE_STATEMENT_COMMENT},
    {"EXPLAIN", TARN_ENGINE_STATEMENT_EXPLAIN},
    {"BEGIN", TARN_ENGINE_STATEMENT_TRANSACTION},
    {"START", TARN_ENGINE_STATEMENT_TRANSACTION},
    {"COMMIT", TARN_ENGINE_STATEMENT_TRANSACTION},
    {"END", TARN_ENGINE_STATEMENT_TRANSACTION},
    {"ROLLBACK", TARN_ENGINE_STATEMENT_TRANSACTION},
    {"ABORT", TARN_ENGINE_STATEMENT_TRANSACTION},
    {"SET", TARN_ENGINE_STATEMENT_SET},
    {"RESET", TARN_ENGINE_STATEMENT_SET},
    {"USE", TARN_ENGINE_STATEMENT_USE},
    {"SHOW", TARN_ENGINE_STATEMENT_SHOW},
    {"PRAGMA", TARN_ENGINE_STATEMENT_PRAGMA},
    {"CALL", TARN_ENGINE_STATEMENT_CALL},
    {"PREPARE", TARN_ENGINE_STATEMENT_PREPARE},
    {"EXECUTE", TARN_ENGINE_STATEMENT_EXECUTE},
    {"DEALLOCATE", TARN_ENGINE_STATEMENT_DEALLOCATE},
    {"ATTACH", TARN_ENGINE_STATEMENT_ATTACH},
    {"DETACH", TARN_ENGINE_STATEMENT_DETACH},
    {"EXPORT", TARN_ENGINE_STATEMENT_EXPORT},
    {"IMPORT", TARN_ENGINE_STATEMENT_EXPORT},
    {"LOAD", TARN_ENGINE_STATEMENT_LOAD},
    {"INSTALL", TARN_ENGINE_STATEMENT_LOAD},
    {"VACUUM", TARN_ENGINE_STATEMENT_VACUUM},
    {"ANALYZE", TARN_ENGINE_STATEMENT_VACUUM},
    {"ANALYSE", TARN_ENGINE_STATEMENT_VACUUM},
    {"CHECKPOINT", TARN_ENGINE_STATEMENT_VACUUM},
};

static const char *const kind_names[TARN_ENGINE_STATEMENT_KIND_COUNT] = {
    [TARN_ENGINE_STATEMENT_OTHER] = "OTHER",
    [TARN_ENGINE_STATEMENT_SELECT] = "SELECT",
    [TARN_ENGINE_STATEMENT_INSERT] = "INSERT",
    [TARN_ENGINE_STATEMENT_UPDATE] = "UPDATE",
    [TARN_ENGINE_STATEMENT_DELETE] = "DELETE",
    [TARN_ENGINE_STATEMENT_MERGE] = "MERGE",
    [TARN_ENGINE_STATEMENT_TRUNCATE] = "TRUNCATE",
    [TARN_ENGINE_STATEMENT_COPY] = "COPY",
    [TARN_ENGINE_STATEMENT_CREATE] = "CREATE",
    [TARN_ENGINE_STATEMENT_ALTER] = "ALTER",
    [TARN_ENGINE_STATEMENT_DROP] = "DROP",
    [TARN_ENGINE_STATEMENT_COMMENT] = "COMMENT",
    [TARN_ENGINE_STATEMENT_EXPLAIN] = "EXPLAIN",
    [TARN_ENGINE_STATEMENT_TRANSACTION] = "TRANSACTION",
    [TARN_ENGINE_STATEMENT_SET] = "SET",
    [TARN_ENGINE_STATEMENT_USE] = "USE",
    [TARN_ENGINE_STATEMENT_SHOW] = "SHOW",
    [TARN_ENGINE_STATEMENT_PRAGMA] = "PRAGMA",
    [TARN_ENGINE_STATEMENT_CALL] = "CALL",
    [TARN_ENGINE_STATEMENT_PREPARE] = "PREPARE",
    [TARN_ENGINE_STATEMENT_EXECUTE] = "EXECUTE",
    [TARN_ENGINE_STATEMENT_DEALLOCATE] = "DEALLOCATE",
    [TARN_ENGINE_STATEMENT_ATTACH] = "ATTACH",
    [TARN_ENGINE_STATEMENT_DETACH] = "DETACH",
    [TARN_ENGINE_STATEMENT_EXPORT] = "EXPORT",
    [TARN_ENGINE_STATEMENT_LOAD] = "LOAD",
    [TARN_ENGINE_STATEMENT_VACUUM] = "VACUUM",
};

const char *tarn_engine_statement_name(TarnEngineStatementKind kind) {
    return (unsigned)kind < TARN_ENGINE_STATEMENT_KIND_COUNT ? kind_names[kind] : kind_names[0];
}

/* The next token that is not space. */
static Token solid_token(TarnText sql, size_t at) {
    Token token = next_token(sql, at);
    while (token.kind == TOKEN_SPACE) token = next_token(sql, token.start + token.size);
    return token;
}

static bool token_is(TarnText sql, Token token, const char *word) {
    return (token.kind == TOKEN_WORD || token.kind == TOKEN_MARK) && strlen(word) == token.size &&
           strncasecmp(sql.data + token.start, word, token.size) == 0;
}

static Token token_after(TarnText sql, Token token) {
    return solid_token(sql, token.start + token.size);
}

/* The token behind the bracket that closes `open`. */
static Token after_brackets(TarnText sql, Token open) {
    unsigned depth = 0;
    Token token = open;
    do {
        if (token_is(sql, token, "(")) depth++;
        if (token_is(sql, token, ")")) depth--;
        token = token_after(sql, token);
    } while (depth > 0 && token.kind != TOKEN_END);
    return token;
}

/* The verb behind a list of common table expressions. */
static Token verb_after_with(TarnText sql, Token token) {
    if (token_is(sql, token, "RECURSIVE")) token = token_after(sql, token);
    while (token.kind != TOKEN_END) {
        token = token_after(sql, token); /* behind the name */
        while (token.kind != TOKEN_END && !token_is(sql, token, "AS")) {
            token = token_is(sql, token, "(") ? after_brackets(sql, token)
                                              : token_after(sql, token);
        }
        while (token.kind != TOKEN_END && !token_is(sql, token, "(")) {
            token = token_after(sql, token);
        }
        token = after_brackets(sql, token);
        if (!token_is(sql, token, ",")) return token;
        token = token_after(sql, token);
    }
    return token;
}

static TarnEngineStatementKind kind_by_words(TarnText sql) {
    Token token = solid_token(sql, 0);
    if (token_is(sql, token, "WITH")) token = verb_after_with(sql, token_after(sql, token));
    if (token_is(sql, token, "UPDATE") && token_is(sql, token_after(sql, token), "EXTENSIONS")) {
        return TARN_ENGINE_STATEMENT_LOAD;
    }
    if (token_is(sql, token, "FORCE")) token = token_after(sql, token);
    for (size_t i = 0; i < sizeof(kind_words) / sizeof(kind_words[0]); i++) {
        if (token_is(sql, token, kind_words[i].word)) return kind_words[i].kind;
    }
    return TARN_ENGINE_STATEMENT_OTHER;
}

/* ---- the list ---------------------------------------------------------------------------- */

static void place_of(TarnText sql, TarnEngineStatement *from, TarnEngineStatement *statement) {
    uint32_t line = from != NULL ? from->line : 1;
    uint32_t column = from != NULL ? from->column : 1;
    size_t at = from != NULL ? from->offset : 0;
    for (; at < statement->offset; at++) {
        if (sql.data[at] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)sql.data[at] & 0xC0) != 0x80) {
            column++;
        }
    }
    statement->line = line;
    statement->column = column;
}

typedef struct StatementList {
    TarnEngineStatement *items;
    size_t count;
    size_t capacity;
} StatementList;

bool tarn_engine_statements(TarnEngineSession *session, TarnText sql, TarnArena *arena,
                            TarnEngineStatement **statements, size_t *count, TarnError *error) {
    StatementList list = {0};
    *statements = NULL;
    *count = 0;
    if (!tarn_engine__sql_check(sql, error)) return false;
    TarnEnginePiece piece;
    size_t position = 0;
    while (tarn_engine__piece_next(sql, &position, &piece)) {
        TarnText text = {sql.data + piece.offset, piece.size};
        bool is_select = false;
        if (!tarn_engine__syntax_probe(session, text, &is_select, error)) {
            tarn_engine__place_shift(sql, piece.offset, error);
            return false;
        }
        TarnEngineStatement *statement = TARN_PUSH(arena, &list);
        if (statement == NULL) break;
        statement->text = text;
        statement->offset = piece.offset;
        statement->kind = is_select ? TARN_ENGINE_STATEMENT_SELECT : kind_by_words(text);
        place_of(sql, list.count > 1 ? statement - 1 : NULL, statement);
    }
    *statements = list.items;
    *count = list.count;
    return tarn_base_arena_check(arena, error);
}
