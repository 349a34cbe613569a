/* The cursor over a statement's tokens: what the files parse*.c take clauses with.
 *
 * Each take_ and expect_ moves over what it takes and returns false with TARN_E_SQL_SYNTAX, placed,
 * if something else stands there; accept_ returns false without an error and does not move. */
#ifndef TARN_QUERY_PARSE_CURSOR_PRIVATE_H
#define TARN_QUERY_PARSE_CURSOR_PRIVATE_H

#include "query/parse_private.h"

typedef struct TarnParser {
    TarnTokens *tokens;
    size_t at;
    TarnArena *arena;
    TarnParsed *out;
    TarnError *error;
} TarnParser;

const TarnToken *tarn_query__peek(const TarnParser *parser); /* END at the end, never NULL */
size_t tarn_query__offset_here(const TarnParser *parser);    /* in the source */
/* Always false, with the error set. */
bool tarn_query__fail_expected(TarnParser *parser, const char *what);
bool tarn_query__accept(TarnParser *parser, const char *keyword);
bool tarn_query__accept_symbol(TarnParser *parser, const char *symbol);
bool tarn_query__expect(TarnParser *parser, const char *keyword);
bool tarn_query__expect_symbol(TarnParser *parser, const char *symbol);
bool tarn_query__expect_end(TarnParser *parser); /* a semicolon before it is fine */
/* The text from here to the end of the statement, a last semicolon left out; does not move. */
TarnText tarn_query__rest_of(const TarnParser *parser);

bool tarn_query__is_name(const TarnToken *token);
bool tarn_query__take_name(TarnParser *parser, const char *what, TarnText *name);
bool tarn_query__take_string(TarnParser *parser, const char *what, const char **out);
/* zone.ns.table; its place becomes the statement's name_offset. */
bool tarn_query__take_table(TarnParser *parser, TarnTableName *name);
bool tarn_query__take_path(TarnParser *parser, const char **path); /* "a.b.c" of a column */
/* Moves over tokens, brackets balanced, until one of the stops at depth 0; gives the text. */
bool tarn_query__take_until(TarnParser *parser, const char *what, bool (*stop)(const TarnToken *),
                            TarnText *text);
bool tarn_query__stop_comma(const TarnToken *token);
bool tarn_query__take_columns(TarnParser *parser); /* none, or (a, b) into insert_columns */
bool tarn_query__take_texts(TarnParser *parser, const char *what, TarnTexts *texts); /* (a, b) */
/* (key = value, ..) into the statement's settings */
bool tarn_query__take_settings(TarnParser *parser, bool with_values);
/* IF [NOT] EXISTS, if it stands here */
bool tarn_query__take_exists(TarnParser *parser, bool negated, bool *flag);
/* NOT NULL, DEFAULT, COMMENT behind a column's type, and what ends a type */
bool tarn_query__take_column_options(TarnParser *parser, TarnColumnDefinition *column);
bool tarn_query__stop_column_option(const TarnToken *token);
bool tarn_query__is_query_word(const TarnToken *token); /* a SELECT may begin with it */

/* Behind the first word of the statement. */
bool tarn_query__parse_alter(TarnParser *parser);
/* ALTER VIEW, behind VIEW. */
bool tarn_query__parse_alter_view(TarnParser *parser);
/* UNDROP TABLE t [AS u], behind the first word. */
bool tarn_query__parse_undrop(TarnParser *parser);
/* PURGE [FORCE] of DROP TABLE, if it stands here. */
void tarn_query__take_purge(TarnParser *parser);
/* SHOW DROPPED TABLES [FROM ns], behind DROPPED. */
bool tarn_query__parse_show_dropped(TarnParser *parser);
/* ALTER TABLE t .. BRANCH and TAG, behind the verb; and whether DROP is one of them. */
bool tarn_query__parse_ref(TarnParser *parser, TarnRefVerb verb);
bool tarn_query__parse_is_ref_drop(const TarnParser *parser);
/* RETURNING .. to the end of the statement, if it stands here; else the end. */
bool tarn_query__take_returning(TarnParser *parser);
bool tarn_query__parse_copy(TarnParser *parser);
bool tarn_query__parse_delete(TarnParser *parser);
bool tarn_query__parse_update(TarnParser *parser);
bool tarn_query__parse_merge(TarnParser *parser);
bool tarn_query__parse_truncate(TarnParser *parser);
/* At the first word: BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK, ABORT. */
bool tarn_query__parse_is_transaction(const TarnParser *parser);
bool tarn_query__parse_transaction(TarnParser *parser);

#endif
