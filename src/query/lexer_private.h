/* SQL text as tokens with places: comments and white space gone, strings and names recognised.
 * Follows DuckDB's (PostgreSQL's) lexical rules. */
#ifndef TARN_QUERY_LEXER_PRIVATE_H
#define TARN_QUERY_LEXER_PRIVATE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

typedef enum TarnTokenKind {
    TARN_TOKEN_END,
    TARN_TOKEN_WORD,   /* bare name or keyword */
    TARN_TOKEN_QUOTED, /* "name" */
    TARN_TOKEN_STRING, /* 'text', E'..', $$..$$ */
    TARN_TOKEN_NUMBER,
    TARN_TOKEN_SYMBOL /* one of the operators, longest first: "=>", "::", "(", ... */
} TarnTokenKind;

typedef struct TarnToken {
    TarnTokenKind kind;
    TarnText text;  /* as in the source */
    TarnText value; /* QUOTED, STRING: without quotes and doublings; WORD: as text */
} TarnToken;

typedef struct TarnTokens {
    TarnText source;
    TarnToken *items; /* the last is END */
    size_t count;
    size_t capacity;
} TarnTokens;

/* TARN_E_SQL_SYNTAX with place for an unclosed string, name or comment. */
bool tarn_query__lex(TarnText source, TarnArena *arena, TarnTokens *tokens, TarnError *error)
    TARN_CHECKED;
bool tarn_query__token_is(const TarnToken *token, const char *keyword); /* word, without case */
bool tarn_query__token_symbol(const TarnToken *token, const char *symbol);
size_t tarn_query__token_offset(const TarnTokens *tokens, size_t index);
/* line:column of a byte offset, 1-based, columns in code points */
void tarn_query__place(TarnText source, size_t offset, uint32_t *line, uint32_t *column);
size_t tarn_query__place_offset(TarnText source, uint32_t line, uint32_t column); /* the reverse */
/* An error at an offset of the source, with the line and a caret as detail. */
bool tarn_query__error_at(TarnText source, size_t offset, TarnErrorCode code, TarnError *error,
                          const char *format, ...) TARN_PRINTF(5, 6);

#endif
