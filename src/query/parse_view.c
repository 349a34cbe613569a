/* ALTER VIEW v AS SELECT .. | ADD DIALECT d AS sql | DROP DIALECT d | RENAME TO w.
 *
 * The SQL of another dialect is not understood here: it is the rest of the statement as it stands,
 * or a string.
 */
#include <strings.h>

#include "query/parse_cursor_private.h"

static bool take_sql(TarnParser *parser) {
    TarnParsed *out = parser->out;
    const TarnToken *token = tarn_query__peek(parser);
    out->select = tarn_query__rest_of(parser);
    if (token->kind == TARN_TOKEN_STRING) {
        out->select = token->value;
        parser->at++;
        return tarn_query__expect_end(parser);
    }
    return out->select.size > 0 || tarn_query__fail_expected(parser, "a SELECT");
}

bool tarn_query__parse_alter_view(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_ALTER_VIEW;
    if (!tarn_query__take_table(parser, &out->name)) return false;
    if (tarn_query__accept(parser, "AS")) {
        out->view = TARN_VIEW_AS;
        out->or_replace = true;
        return take_sql(parser);
    }
    if (tarn_query__accept(parser, "ADD")) {
        out->view = TARN_VIEW_ADD_DIALECT;
        return tarn_query__expect(parser, "DIALECT") &&
               tarn_query__take_string(parser, "a dialect", &out->target) &&
               tarn_query__expect(parser, "AS") && take_sql(parser);
    }
    if (tarn_query__accept(parser, "DROP")) {
        out->view = TARN_VIEW_DROP_DIALECT;
        return tarn_query__expect(parser, "DIALECT") &&
               tarn_query__take_string(parser, "a dialect", &out->target) &&
               tarn_query__expect_end(parser);
    }
    if (tarn_query__accept(parser, "RENAME")) {
        size_t offset = out->name_offset;
        out->view = TARN_VIEW_RENAME;
        bool ok = tarn_query__expect(parser, "TO") &&
                  tarn_query__take_table(parser, &out->new_name) &&
                  tarn_query__expect_end(parser);
        out->name_offset = offset;
        return ok;
    }
    return tarn_query__fail_expected(parser, "AS, ADD DIALECT, DROP DIALECT or RENAME TO");
}
