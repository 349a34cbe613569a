/* Time travel taken out of the text: the engine knows no AT for the lake's tables.
 *
 * "t AT (VERSION => 3)", "t AT (TIMESTAMP => ..)", "t FOR VERSION AS OF 3", "t FOR SYSTEM_TIME AS
 * OF .." become a table of another name, "t@1", with the old name as its alias; where each
 * stretch came from is kept, so that errors point into the text the user wrote. So does the range
 * of "t$changes": FOR VERSION FROM a TO b, FOR TIMESTAMP FROM a TO b.
 */
#include <string.h>

#include "base/limits.h"
#include "query/lexer_private.h"
#include "query/query_private.h"

static const char *const not_an_alias[] = {
    "WHERE", "JOIN",  "INNER", "LEFT",  "RIGHT",  "FULL",     "CROSS",   "ON",     "USING",
    "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "UNION",   "EXCEPT",  "INTERSECT",
    "WINDOW", "QUALIFY", "NATURAL", "ASOF", "SEMI", "ANTI", "POSITIONAL", "TABLESAMPLE",
    "FETCH", "LATERAL", "AS", "PIVOT", "UNPIVOT", "SELECT"};

static bool is_name(const TarnToken *token) {
    return token->kind == TARN_TOKEN_WORD || token->kind == TARN_TOKEN_QUOTED;
}

static bool has_alias(const TarnToken *next) {
    if (tarn_query__token_is(next, "AS")) return true;
    if (next->kind == TARN_TOKEN_QUOTED) return true;
    if (next->kind != TARN_TOKEN_WORD) return false;
    for (size_t i = 0; i < sizeof(not_an_alias) / sizeof(not_an_alias[0]); i++) {
        if (tarn_query__token_is(next, not_an_alias[i])) return false;
    }
    return true;
}

typedef struct Rewriter {
    TarnTokens tokens;
    TarnArena *arena;
    TarnRewritten *out;
    TarnBuffer sql;
    size_t copied; /* bytes of the user's text already taken */
    TarnError *error;
} Rewriter;

/* A literal after AS OF or =>: a number, a string, or TIMESTAMP '..'. */
static bool take_value(Rewriter *rewriter, size_t *at, TarnText *value) {
    const TarnToken *items = rewriter->tokens.items;
    while (tarn_query__token_is(&items[*at], "TIMESTAMP") ||
           tarn_query__token_is(&items[*at], "TIMESTAMPTZ") ||
           tarn_query__token_is(&items[*at], "DATE")) {
        ++*at;
    }
    if (items[*at].kind != TARN_TOKEN_NUMBER && items[*at].kind != TARN_TOKEN_STRING) {
        return tarn_query__error_at(rewriter->tokens.source,
                                    tarn_query__token_offset(&rewriter->tokens, *at),
                                    TARN_E_SQL_SYNTAX, rewriter->error,
                                    "expected a snapshot id, a name or a time in quotes");
    }
    *value = items[(*at)++].value;
    /* '..'::TIMESTAMP */
    if (tarn_query__token_symbol(&items[*at], "::")) *at += 2;
    return true;
}

/* "a TO b" or "a" after FOR VERSION FROM, FOR TIMESTAMP FROM. */
static bool take_range(Rewriter *rewriter, size_t *at, TarnTravel *travel) {
    if (!take_value(rewriter, at, &travel->from)) return false;
    if (!tarn_query__token_is(&rewriter->tokens.items[*at], "TO")) return true;
    ++*at;
    return take_value(rewriter, at, travel->from_time ? &travel->time : &travel->version);
}

/* At AT or FOR: reads the clause if it is one. *end is the token after it. */
static bool take_clause(Rewriter *rewriter, size_t at, bool *found, TarnTravel *travel,
                        size_t *end) {
    const TarnToken *items = rewriter->tokens.items;
    TarnText value;
    *found = false;
    if (tarn_query__token_is(&items[at], "AT") && tarn_query__token_symbol(&items[at + 1], "(")) {
        bool version = tarn_query__token_is(&items[at + 2], "VERSION");
        if (!version && !tarn_query__token_is(&items[at + 2], "TIMESTAMP")) return true;
        if (!tarn_query__token_symbol(&items[at + 3], "=>")) return true;
        size_t next = at + 4;
        if (!take_value(rewriter, &next, &value)) return false;
        if (!tarn_query__token_symbol(&items[next], ")")) {
            return tarn_query__error_at(rewriter->tokens.source,
                                        tarn_query__token_offset(&rewriter->tokens, next),
                                        TARN_E_SQL_SYNTAX, rewriter->error, "expected \")\"");
        }
        *(version ? &travel->version : &travel->time) = value;
        *end = next + 1;
        *found = true;
        return true;
    }
    if (!tarn_query__token_is(&items[at], "FOR")) return true;
    bool version = tarn_query__token_is(&items[at + 1], "VERSION") ||
                   tarn_query__token_is(&items[at + 1], "SYSTEM_VERSION");
    bool time = tarn_query__token_is(&items[at + 1], "SYSTEM_TIME") ||
                tarn_query__token_is(&items[at + 1], "TIMESTAMP");
    if (!version && !time) return true;
    if (tarn_query__token_is(&items[at + 2], "FROM")) {
        *end = at + 3;
        *found = true;
        travel->from_time = time;
        return take_range(rewriter, end, travel);
    }
    if (!tarn_query__token_is(&items[at + 2], "AS") ||
        !tarn_query__token_is(&items[at + 3], "OF")) {
        return true;
    }
    size_t next = at + 4;
    if (!take_value(rewriter, &next, &value)) return false;
    *(version ? &travel->version : &travel->time) = value;
    *end = next;
    *found = true;
    return true;
}

/* The first token of the dotted name that ends before `at`. */
static size_t name_start(const TarnTokens *tokens, size_t at) {
    size_t start = at - 1;
    while (start >= 2 && tarn_query__token_symbol(&tokens->items[start - 1], ".") &&
           is_name(&tokens->items[start - 2])) {
        start -= 2;
    }
    return start;
}

static void copy_until(Rewriter *rewriter, size_t offset) {
    tarn_base_buffer_append(&rewriter->sql, rewriter->out->user.data + rewriter->copied,
                            offset - rewriter->copied);
    rewriter->copied = offset;
}

static bool replace(Rewriter *rewriter, size_t at, size_t end, TarnTravel *travel) {
    const TarnTokens *tokens = &rewriter->tokens;
    size_t first = name_start(tokens, at);
    TarnText levels[16];
    size_t count = 0;
    for (size_t i = first; i < at && count < 16; i += 2) levels[count++] = tokens->items[i].value;
    travel->offset = tarn_query__token_offset(tokens, first);
    if (!tarn_catalog_name_from_levels(levels, count, rewriter->arena, &travel->name,
                                       rewriter->error)) {
        return false;
    }
    travel->alias = tarn_base_arena_printf(rewriter->arena, "%s@%zu", travel->name.name,
                                           rewriter->out->travels.count);
    if (travel->alias == NULL) return tarn_base_arena_check(rewriter->arena, rewriter->error);
    copy_until(rewriter, travel->offset);
    TarnEdit edit = {.new_start = rewriter->sql.size, .old_start = travel->offset};
    for (size_t i = 0; i + 1 < count; i++) {
        tarn_base_buffer_identifier(&rewriter->sql, levels[i]);
        tarn_base_buffer_byte(&rewriter->sql, '.');
    }
    tarn_base_buffer_identifier(&rewriter->sql, tarn_base_text(travel->alias));
    if (!has_alias(&tokens->items[end])) {
        tarn_base_buffer_string(&rewriter->sql, " AS ");
        tarn_base_buffer_identifier(&rewriter->sql, levels[count - 1]);
    }
    const TarnToken *last = &tokens->items[end - 1];
    rewriter->copied = (size_t)(last->text.data - tokens->source.data) + last->text.size;
    tarn_base_buffer_byte(&rewriter->sql, ' ');
    edit.new_end = rewriter->sql.size;
    edit.old_end = rewriter->copied;
    TarnEdit *kept = TARN_PUSH(rewriter->arena, &rewriter->out->edits);
    TarnTravel *slot = TARN_PUSH(rewriter->arena, &rewriter->out->travels);
    if (kept != NULL) *kept = edit;
    if (slot != NULL) *slot = *travel;
    return tarn_base_arena_check(rewriter->arena, rewriter->error);
}

bool tarn_query__rewrite(TarnText text, TarnArena *arena, TarnRewritten *out, TarnError *error) {
    Rewriter rewriter = {.arena = arena, .out = out, .error = error};
    *out = (TarnRewritten){.user = text};
    if (!tarn_query__lex(text, arena, &rewriter.tokens, error)) return false;
    tarn_base_buffer_init(&rewriter.sql, TARN_LIMIT_SQL_BYTES);
    bool ok = true;
    for (size_t i = 1; ok && i + 4 < rewriter.tokens.count; i++) {
        TarnTravel travel = {0};
        bool found = false;
        size_t end = i;
        if (!is_name(&rewriter.tokens.items[i - 1])) continue;
        ok = take_clause(&rewriter, i, &found, &travel, &end);
        if (!ok || !found) continue;
        ok = replace(&rewriter, i, end, &travel);
        i = end;
    }
    copy_until(&rewriter, text.size);
    ok = ok && tarn_base_buffer_check(&rewriter.sql, error);
    const char *sql = NULL;
    if (ok) sql = tarn_base_buffer_keep(&rewriter.sql, arena);
    out->sql = (TarnText){sql, rewriter.sql.size};
    tarn_base_buffer_dispose(&rewriter.sql);
    return ok && tarn_base_arena_check(arena, error);
}

/* --- places --- */

/* Where a place in the engine's text comes from. */
static size_t place_back(const TarnRewritten *rewritten, size_t offset) {
    size_t back = offset;
    for (size_t i = 0; i < rewritten->edits.count; i++) {
        const TarnEdit *edit = &rewritten->edits.items[i];
        if (offset < edit->new_start) break;
        back = offset < edit->new_end ? edit->old_start : edit->old_end + (offset - edit->new_end);
    }
    return back;
}

bool tarn_query__text_edit(TarnText text, const TarnTextEdit *edits, size_t count,
                           TarnArena *arena, TarnText *edited, TarnError *error) {
    TarnBuffer out;
    size_t copied = 0;
    tarn_base_buffer_init(&out, TARN_LIMIT_SQL_BYTES);
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_append(&out, text.data + copied, edits[i].start - copied);
        tarn_base_buffer_string(&out, edits[i].text);
        copied = edits[i].end;
    }
    tarn_base_buffer_append(&out, text.data + copied, text.size - copied);
    bool ok = tarn_base_buffer_check(&out, error);
    size_t size = out.size;
    if (ok) *edited = (TarnText){tarn_base_buffer_keep(&out, arena), size};
    tarn_base_buffer_dispose(&out);
    return ok && tarn_base_arena_check(arena, error);
}

bool tarn_query__rewrite_more(TarnRewritten *rewritten, const TarnTextEdit *edits, size_t count,
                              TarnArena *arena, TarnError *error) {
    TarnRewritten more = *rewritten;
    size_t earlier = 0;
    size_t next = 0;
    ptrdiff_t moved = 0;
    more.edits.items = NULL;
    more.edits.count = more.edits.capacity = 0;
    if (!tarn_query__text_edit(rewritten->sql, edits, count, arena, &more.sql, error)) return false;
    while (earlier < rewritten->edits.count || next < count) {
        TarnEdit *edit = TARN_PUSH(arena, &more.edits);
        if (edit == NULL) return tarn_base_arena_check(arena, error);
        bool is_new = earlier == rewritten->edits.count ||
                      (next < count &&
                       edits[next].start < rewritten->edits.items[earlier].new_start);
        if (!is_new) {
            *edit = rewritten->edits.items[earlier++];
            edit->new_start = (size_t)((ptrdiff_t)edit->new_start + moved);
            edit->new_end = (size_t)((ptrdiff_t)edit->new_end + moved);
            continue;
        }
        size_t size = strlen(edits[next].text);
        size_t start = (size_t)((ptrdiff_t)edits[next].start + moved);
        *edit = (TarnEdit){.new_start = start,
                           .new_end = start + size,
                           .old_start = place_back(rewritten, edits[next].start),
                           .old_end = place_back(rewritten, edits[next].end)};
        moved += (ptrdiff_t)size - (ptrdiff_t)(edits[next].end - edits[next].start);
        next++;
    }
    *rewritten = more;
    return true;
}

void tarn_query__error_back(const TarnRewritten *rewritten, TarnError *error) {
    if (error->line == 0 || rewritten->edits.count == 0) return;
    size_t offset = tarn_query__place_offset(rewritten->sql, error->line, error->column);
    size_t back = place_back(rewritten, offset);
    tarn_query__place(rewritten->user, back, &error->line, &error->column);
    tarn_base_error_excerpt(error, rewritten->user.data, rewritten->user.size);
}
