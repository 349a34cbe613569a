/* ALTER TABLE .. BRANCH and TAG, as Spark's Iceberg extensions have them:
 *
 *   CREATE [OR REPLACE] BRANCH|TAG [IF NOT EXISTS] name [AS OF VERSION n] [RETAIN n DAYS]
 *       [WITH SNAPSHOT RETENTION [n SNAPSHOTS] [n DAYS]]
 *   REPLACE BRANCH|TAG name ..
 *   DROP BRANCH|TAG [IF EXISTS] name
 *
 * A version is a snapshot id, or in quotes a time, a branch or a tag. Spans are in DAYS, HOURS or
 * MINUTES.
 */
#include "query/parse_cursor_private.h"

#define MINUTE_MS INT64_C(60000)

static bool at_end(const TarnToken *token) {
    return token->kind == TARN_TOKEN_END || tarn_query__token_symbol(token, ";");
}

bool tarn_query__parse_is_ref_drop(const TarnParser *parser) {
    const TarnToken *token = tarn_query__peek(parser);
    bool kind = tarn_query__token_is(token, "BRANCH") || tarn_query__token_is(token, "TAG");
    return kind && !at_end(token + 1); /* DROP branch: a column of that name */
}

static bool take_count(TarnParser *parser, const char *what, int64_t *count) {
    const TarnToken *token = tarn_query__peek(parser);
    if (token->kind != TARN_TOKEN_NUMBER || !tarn_base_text_to_int64(token->value, count) ||
        *count <= 0) {
        return tarn_query__fail_expected(parser, what);
    }
    parser->at++;
    return true;
}

/* The unit behind a number. */
static bool take_unit(TarnParser *parser, int64_t count, int64_t *ms) {
    static const struct {
        const char *word;
        int64_t minutes;
    } units[] = {{"DAYS", 1440}, {"HOURS", 60}, {"MINUTES", 1}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t offset = tarn_query__offset_here(parser);
        if (!tarn_query__accept(parser, units[i].word)) continue;
        if (!__builtin_mul_overflow(count, units[i].minutes * MINUTE_MS, ms)) return true;
        return tarn_query__error_at(parser->tokens->source, offset, TARN_E_SQL_SYNTAX,
                                    parser->error, "the span is too long");
    }
    return tarn_query__fail_expected(parser, "DAYS, HOURS or MINUTES");
}

/* WITH SNAPSHOT RETENTION [n SNAPSHOTS] [n DAYS] */
static bool take_retention(TarnParser *parser, TarnRefStatement *ref) {
    int64_t count;
    if (!tarn_query__expect(parser, "SNAPSHOT") || !tarn_query__expect(parser, "RETENTION") ||
        !take_count(parser, "a number above zero", &count)) {
        return false;
    }
    if (!tarn_query__accept(parser, "SNAPSHOTS")) {
        return take_unit(parser, count, &ref->max_snapshot_age_ms);
    }
    ref->min_snapshots_to_keep = count;
    if (tarn_query__peek(parser)->kind != TARN_TOKEN_NUMBER) return true;
    return take_count(parser, "a number above zero", &count) &&
           take_unit(parser, count, &ref->max_snapshot_age_ms);
}

static bool take_version(TarnParser *parser, TarnRefStatement *ref) {
    const TarnToken *token = tarn_query__peek(parser);
    if (token->kind != TARN_TOKEN_NUMBER && token->kind != TARN_TOKEN_STRING) {
        return tarn_query__fail_expected(parser, "a snapshot id, or a time or name in quotes");
    }
    ref->version = token->value;
    parser->at++;
    return true;
}

static bool take_options(TarnParser *parser, TarnRefStatement *ref) {
    int64_t count;
    if (tarn_query__accept(parser, "AS") &&
        (!tarn_query__expect(parser, "OF") || !tarn_query__expect(parser, "VERSION") ||
         !take_version(parser, ref))) {
        return false;
    }
    if (tarn_query__accept(parser, "RETAIN") &&
        (!take_count(parser, "a number above zero", &count) ||
         !take_unit(parser, count, &ref->max_ref_age_ms))) {
        return false;
    }
    if (tarn_query__accept(parser, "WITH") && !take_retention(parser, ref)) return false;
    return tarn_query__expect_end(parser);
}

/* BRANCH or TAG and what comes before the name. */
static bool take_kind(TarnParser *parser, TarnRefStatement *ref) {
    if (tarn_query__accept(parser, "TAG")) {
        ref->is_tag = true;
        return true;
    }
    return tarn_query__accept(parser, "BRANCH") ||
           tarn_query__fail_expected(parser, "BRANCH or TAG");
}

static bool take_ref_name(TarnParser *parser, TarnRefStatement *ref) {
    const TarnToken *token = tarn_query__peek(parser);
    ref->offset = tarn_query__offset_here(parser);
    if (token->kind != TARN_TOKEN_STRING && !tarn_query__is_name(token)) {
        return tarn_query__fail_expected(parser, "a name");
    }
    ref->name = token->value;
    parser->at++;
    return true;
}

bool tarn_query__parse_ref(TarnParser *parser, TarnRefVerb verb) {
    TarnRefStatement *ref = &parser->out->ref;
    parser->out->alter = TARN_ALTER_REF;
    *ref = (TarnRefStatement){.verb = verb,
                              .max_ref_age_ms = TARN_ABSENT,
                              .min_snapshots_to_keep = TARN_ABSENT,
                              .max_snapshot_age_ms = TARN_ABSENT};
    if (verb == TARN_REF_VERB_CREATE && tarn_query__accept(parser, "OR")) {
        if (!tarn_query__expect(parser, "REPLACE")) return false;
        ref->verb = TARN_REF_VERB_CREATE_OR_REPLACE;
    }
    if (!take_kind(parser, ref)) return false;
    if (verb == TARN_REF_VERB_DROP) {
        return tarn_query__take_exists(parser, false, &ref->tolerant) &&
               take_ref_name(parser, ref) && tarn_query__expect_end(parser);
    }
    if (ref->verb == TARN_REF_VERB_CREATE &&
        !tarn_query__take_exists(parser, true, &ref->tolerant)) {
        return false;
    }
    return take_ref_name(parser, ref) && take_options(parser, ref);
}
