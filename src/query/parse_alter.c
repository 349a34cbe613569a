/* ALTER TABLE: what is changed goes into the parsed statement, types and expressions as text.
 */
#include "query/parse_cursor_private.h"

/* ADD COLUMNS (a int, s.b varchar NOT NULL, ..) */
static bool parse_add_columns(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->alter = TARN_ALTER_ADD_COLUMN;
    if (!tarn_query__expect_symbol(parser, "(")) return false;
    do {
        TarnColumnDefinition *column = TARN_PUSH(parser->arena, &out->columns);
        if (column == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        column->offset = tarn_query__offset_here(parser);
        if (!tarn_query__take_path(parser, &column->name) ||
            !tarn_query__take_until(parser, "a type", tarn_query__stop_column_option,
                                    &column->type) ||
            !tarn_query__take_column_options(parser, column)) {
            return false;
        }
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_symbol(parser, ")") && tarn_query__expect_end(parser);
}

static bool stop_with(const TarnToken *token) { return tarn_query__token_is(token, "WITH"); }

/* REPLACE PARTITION FIELD old WITH new */
static bool parse_replace_partition(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->alter = TARN_ALTER_REPLACE_PARTITION;
    TarnText *before = TARN_PUSH(parser->arena, &out->partitions);
    if (before == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    if (!tarn_query__expect(parser, "FIELD") ||
        !tarn_query__take_until(parser, "a partition expression or field", stop_with, before) ||
        !tarn_query__expect(parser, "WITH")) {
        return false;
    }
    TarnText *after = TARN_PUSH(parser->arena, &out->partitions);
    if (after == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    *after = tarn_query__rest_of(parser);
    return after->size > 0 || tarn_query__fail_expected(parser, "a partition expression");
}

/* Spark's words: WRITE [LOCALLY] ORDERED BY a DESC, b and WRITE UNORDERED. */
static bool parse_write(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->alter = TARN_ALTER_SET_SORT;
    if (tarn_query__accept(parser, "UNORDERED")) return tarn_query__expect_end(parser);
    tarn_query__accept(parser, "LOCALLY");
    if (!tarn_query__expect(parser, "ORDERED") || !tarn_query__expect(parser, "BY")) return false;
    do {
        TarnText *text = TARN_PUSH(parser->arena, &out->sort);
        if (text == NULL) return tarn_base_arena_check(parser->arena, parser->error);
        if (!tarn_query__take_until(parser, "a sort expression", tarn_query__stop_comma, text)) {
            return false;
        }
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_end(parser);
}

static bool parse_unset(TarnParser *parser) {
    bool ignored = false; /* what is not set need not be removed */
    parser->out->alter = TARN_ALTER_RESET_PROPERTIES;
    return tarn_query__expect(parser, "TBLPROPERTIES") &&
           tarn_query__take_exists(parser, false, &ignored) &&
           tarn_query__take_settings(parser, false) && tarn_query__expect_end(parser);
}

static bool parse_alter_add(TarnParser *parser) {
    TarnParsed *out = parser->out;
    if (tarn_query__accept(parser, "COLUMNS")) return parse_add_columns(parser);
    if (tarn_query__accept(parser, "PARTITION")) {
        out->alter = TARN_ALTER_ADD_PARTITION;
        TarnText *text = TARN_PUSH(parser->arena, &out->partitions);
        if (text == NULL || !tarn_query__expect(parser, "FIELD")) return false;
        *text = tarn_query__rest_of(parser);
        return text->size > 0 || tarn_query__fail_expected(parser, "a partition expression");
    }
    out->alter = TARN_ALTER_ADD_COLUMN;
    tarn_query__accept(parser, "COLUMN");
    out->column.offset = tarn_query__offset_here(parser);
    if (!tarn_query__take_exists(parser, true, &out->if_not_exists) ||
        !tarn_query__take_path(parser, &out->path) ||
        !tarn_query__take_until(parser, "a type", tarn_query__stop_column_option,
                                &out->column.type) ||
        !tarn_query__take_column_options(parser, &out->column)) {
        return false;
    }
    if (tarn_query__accept(parser, "FIRST")) {
        out->where = TARN_WHERE_FIRST;
    } else if (tarn_query__accept(parser, "AFTER")) {
        out->where = TARN_WHERE_AFTER;
        return tarn_query__take_string(parser, "a column name", &out->target) &&
               tarn_query__expect_end(parser);
    }
    return tarn_query__expect_end(parser);
}

static bool parse_alter_column(TarnParser *parser) {
    TarnParsed *out = parser->out;
    tarn_query__accept(parser, "COLUMN");
    if (!tarn_query__take_path(parser, &out->path)) return false;
    if (tarn_query__accept(parser, "FIRST")) {
        out->alter = TARN_ALTER_MOVE;
        out->where = TARN_WHERE_FIRST;
        return tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "AFTER") || tarn_query__accept(parser, "BEFORE")) {
        out->alter = TARN_ALTER_MOVE;
        out->where = tarn_query__token_is(tarn_query__peek(parser) - 1, "AFTER")
                         ? TARN_WHERE_AFTER
                         : TARN_WHERE_BEFORE;
        return tarn_query__take_string(parser, "a column name", &out->target) &&
               tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "DROP")) {
        out->alter = TARN_ALTER_DROP_DEFAULT;
        if (tarn_query__accept(parser, "DEFAULT")) return tarn_query__expect_end(parser);
        out->alter = TARN_ALTER_DROP_NOT_NULL;
        return tarn_query__expect(parser, "NOT") && tarn_query__expect(parser, "NULL") &&
               tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "COMMENT")) {
        out->alter = TARN_ALTER_COMMENT;
        if (tarn_query__peek(parser)->kind != TARN_TOKEN_STRING)
            return tarn_query__fail_expected(parser, "a string");
        out->target = tarn_base_text_string(parser->arena, tarn_query__peek(parser)->value);
        parser->at++;
        return tarn_query__expect_end(parser);
    }
    bool sets = tarn_query__accept(parser, "SET");
    if (sets && tarn_query__accept(parser, "DEFAULT")) {
        out->alter = TARN_ALTER_SET_DEFAULT;
        out->column.initial = tarn_query__rest_of(parser);
        return out->column.initial.size > 0 || tarn_query__fail_expected(parser, "a default value");
    }
    if (sets && !tarn_query__expect(parser, "DATA")) return false;
    out->alter = TARN_ALTER_COLUMN_TYPE;
    return tarn_query__expect(parser, "TYPE") &&
           tarn_query__take_until(parser, "a type", tarn_query__stop_column_option,
                                  &out->column.type) &&
           tarn_query__expect_end(parser);
}

static bool parse_alter_set(TarnParser *parser) {
    TarnParsed *out = parser->out;
    if (tarn_query__accept(parser, "PARTITIONED")) {
        out->alter = TARN_ALTER_SET_PARTITIONS;
        if (!tarn_query__expect(parser, "BY")) return false;
        if (tarn_query__token_symbol(tarn_query__peek(parser), "(") &&
            tarn_query__token_symbol(tarn_query__peek(parser) + 1, ")")) {
            parser->at += 2;
            return tarn_query__expect_end(parser);
        }
        return tarn_query__take_texts(parser, "a partition expression", &out->partitions) &&
               tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "SORTED")) {
        out->alter = TARN_ALTER_SET_SORT;
        if (!tarn_query__expect(parser, "BY")) return false;
        if (tarn_query__token_symbol(tarn_query__peek(parser), "(") &&
            tarn_query__token_symbol(tarn_query__peek(parser) + 1, ")")) {
            parser->at += 2;
            return tarn_query__expect_end(parser);
        }
        return tarn_query__take_texts(parser, "a sort expression", &out->sort) &&
               tarn_query__expect_end(parser);
    }
    tarn_query__accept(parser, "TBLPROPERTIES");
    out->alter = TARN_ALTER_SET_PROPERTIES;
    return tarn_query__take_settings(parser, true) && tarn_query__expect_end(parser);
}

static bool parse_alter_rename(TarnParser *parser) {
    TarnParsed *out = parser->out;
    if (tarn_query__accept(parser, "TO")) {
        out->alter = TARN_ALTER_RENAME_TABLE;
        size_t offset = out->name_offset;
        bool ok = tarn_query__take_table(parser, &out->new_name) && tarn_query__expect_end(parser);
        out->name_offset = offset;
        return ok;
    }
    out->alter = TARN_ALTER_RENAME_COLUMN;
    tarn_query__accept(parser, "COLUMN");
    return tarn_query__take_path(parser, &out->path) && tarn_query__expect(parser, "TO") &&
           tarn_query__take_string(parser, "a new name", &out->target) &&
           tarn_query__expect_end(parser);
}

bool tarn_query__parse_alter(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_ALTER_TABLE;
    if (tarn_query__accept(parser, "VIEW")) return tarn_query__parse_alter_view(parser);
    if (!tarn_query__expect(parser, "TABLE") ||
        !tarn_query__take_exists(parser, false, &out->if_exists) ||
        !tarn_query__take_table(parser, &out->name)) {
        return false;
    }
    if (tarn_query__accept(parser, "ADD")) return parse_alter_add(parser);
    if (tarn_query__accept(parser, "RENAME")) return parse_alter_rename(parser);
    if (tarn_query__accept(parser, "ALTER")) return parse_alter_column(parser);
    if (tarn_query__accept(parser, "SET")) return parse_alter_set(parser);
    if (tarn_query__accept(parser, "RESET")) {
        out->alter = TARN_ALTER_RESET_PROPERTIES;
        return tarn_query__take_settings(parser, false) && tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "CREATE")) {
        return tarn_query__parse_ref(parser, TARN_REF_VERB_CREATE);
    }
    if (tarn_query__accept(parser, "WRITE")) return parse_write(parser);
    if (tarn_query__accept(parser, "UNSET")) return parse_unset(parser);
    if (tarn_query__accept(parser, "REPLACE")) {
        if (tarn_query__accept(parser, "PARTITION")) return parse_replace_partition(parser);
        return tarn_query__parse_ref(parser, TARN_REF_VERB_REPLACE);
    }
    if (!tarn_query__accept(parser, "DROP")) {
        return tarn_query__fail_expected(parser, "ADD, DROP, RENAME, ALTER, SET, RESET, CREATE, "
                                                 "REPLACE or WRITE");
    }
    if (tarn_query__parse_is_ref_drop(parser)) {
        return tarn_query__parse_ref(parser, TARN_REF_VERB_DROP);
    }
    if (tarn_query__accept(parser, "PARTITION")) {
        out->alter = TARN_ALTER_DROP_PARTITION;
        TarnText *text = TARN_PUSH(parser->arena, &out->partitions);
        if (text == NULL || !tarn_query__expect(parser, "FIELD")) return false;
        *text = tarn_query__rest_of(parser);
        return text->size > 0 ||
               tarn_query__fail_expected(parser, "a partition expression or field");
    }
    out->alter = TARN_ALTER_DROP_COLUMN;
    tarn_query__accept(parser, "COLUMN");
    return tarn_query__take_exists(parser, false, &out->if_exists) &&
           tarn_query__take_path(parser, &out->path) && tarn_query__expect_end(parser);
}
