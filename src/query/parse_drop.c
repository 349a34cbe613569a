/* DROP TABLE .. PURGE, UNDROP TABLE .. [AS ..] and SHOW DROPPED TABLES: the clauses of tables that
 * go and come back.
 */
#include "query/parse_cursor_private.h"

void tarn_query__take_purge(TarnParser *parser) {
    parser->out->purge = tarn_query__accept(parser, "PURGE");
    parser->out->force = parser->out->purge && tarn_query__accept(parser, "FORCE");
}

bool tarn_query__parse_undrop(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_UNDROP;
    if (!tarn_query__expect(parser, "TABLE") || !tarn_query__take_table(parser, &out->name)) {
        return false;
    }
    size_t offset = out->name_offset;
    if (tarn_query__accept(parser, "AS")) {
        out->has_as = true;
        if (!tarn_query__take_table(parser, &out->new_name)) return false;
    }
    out->name_offset = offset;
    return tarn_query__expect_end(parser);
}

bool tarn_query__parse_show_dropped(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_SHOW;
    out->show = TARN_SHOW_DROPPED;
    if (!tarn_query__expect(parser, "TABLES")) return false;
    if ((tarn_query__accept(parser, "FROM") || tarn_query__accept(parser, "IN")) &&
        !tarn_query__take_path(parser, &out->show_from)) {
        return false;
    }
    return tarn_query__expect_end(parser);
}
