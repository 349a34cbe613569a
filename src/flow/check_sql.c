/* Checks as SQL. Everything a row can be asked by itself goes into one SELECT, as counts with
 * filters over a subquery that computes each answer once; what needs groups or is the user's own
 * query has a SELECT of its own. User texts stand on lines of their own, so that a comment at their
 * end ends there.
 */
#include <string.h>

#include "base/limits.h"
#include "base/time.h"
#include "flow/check_private.h"
#include "flow/template_private.h"

bool tarn_flow__check_is_of_rows(const TarnCheck *check) {
    switch (check->kind) {
    case TARN_CHECK_NOT_NULL:
    case TARN_CHECK_ACCEPTED_VALUES:
    case TARN_CHECK_RELATIONSHIPS:
    case TARN_CHECK_RANGE:
    case TARN_CHECK_LENGTH:
    case TARN_CHECK_PATTERN:
    case TARN_CHECK_EXPRESSION: return true;
    case TARN_CHECK_UNIQUE:
    case TARN_CHECK_ROW_COUNT:
    case TARN_CHECK_FRESHNESS:
    case TARN_CHECK_SQL: return false;
    }
    return false;
}

static void put_column(const TarnCheck *check, size_t index, TarnBuffer *out) {
    tarn_base_buffer_identifier(out, tarn_base_text(check->columns.items[index]));
}

static void put_scalar(const TarnJson *value, TarnBuffer *out) {
    if (value->kind == TARN_JSON_BOOL) {
        tarn_base_buffer_string(out, value->boolean ? "true" : "false");
    } else if (value->kind == TARN_JSON_NUMBER) {
        tarn_base_buffer_text(out, value->text);
    } else {
        tarn_base_buffer_literal(out, value->text);
    }
}

static void put_bounds(const TarnCheck *check, const char *value, TarnBuffer *out) {
    const char *below = check->exclusive ? "<=" : "<";
    const char *above = check->exclusive ? ">=" : ">";
    tarn_base_buffer_byte(out, '(');
    if (check->min != NULL) {
        tarn_base_buffer_printf(out, "%s %s ", value, below);
        put_scalar(check->min, out);
    }
    if (check->min != NULL && check->max != NULL) tarn_base_buffer_string(out, " OR ");
    if (check->max != NULL) {
        tarn_base_buffer_printf(out, "%s %s ", value, above);
        put_scalar(check->max, out);
    }
    tarn_base_buffer_byte(out, ')');
}

static void put_all_there(const TarnCheck *check, TarnBuffer *out) {
    for (size_t i = 0; i < check->columns.count; i++) {
        if (i > 0) tarn_base_buffer_string(out, " AND ");
        put_column(check, i, out);
        tarn_base_buffer_string(out, " IS NOT NULL");
    }
}

static void put_columns(const TarnCheck *check, TarnBuffer *out) {
    for (size_t i = 0; i < check->columns.count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        put_column(check, i, out);
    }
}

static void put_where(const TarnCheck *check, const char *before, const char *after,
                      TarnBuffer *out) {
    if (check->where == NULL) return;
    tarn_base_buffer_printf(out, "%s(\n%s\n)%s", before, check->where, after);
}

static void put_failure(const TarnCheck *check, TarnBuffer *out) {
    TarnBuffer column;
    tarn_base_buffer_init(&column, TARN_MIB);
    if (check->columns.count > 0) put_column(check, 0, &column);
    const char *name = column.data != NULL ? column.data : "";
    switch (check->kind) {
    case TARN_CHECK_NOT_NULL:
        tarn_base_buffer_string(out, "NOT (");
        put_all_there(check, out);
        tarn_base_buffer_byte(out, ')');
        break;
    case TARN_CHECK_ACCEPTED_VALUES:
        tarn_base_buffer_printf(out, "%s NOT IN (", name);
        TARN_JSON_EACH(value, check->values) {
            if (value != check->values->first) tarn_base_buffer_string(out, ", ");
            put_scalar(value, out);
        }
        tarn_base_buffer_string(out, check->values->count == 0 ? "NULL)" : ")");
        if (check->values->count == 0) tarn_base_buffer_printf(out, " OR %s IS NOT NULL", name);
        break;
    case TARN_CHECK_RELATIONSHIPS:
        tarn_base_buffer_printf(out, "%s NOT IN (SELECT ", name);
        tarn_base_buffer_identifier(out, tarn_base_text(check->field));
        tarn_base_buffer_string(out, " FROM ");
        tarn_flow__sql_name(check->to, out);
        tarn_base_buffer_string(out, " WHERE ");
        tarn_base_buffer_identifier(out, tarn_base_text(check->field));
        tarn_base_buffer_string(out, " IS NOT NULL)");
        break;
    case TARN_CHECK_RANGE: put_bounds(check, name, out); break;
    case TARN_CHECK_LENGTH: {
        TarnBuffer length;
        tarn_base_buffer_init(&length, TARN_MIB);
        tarn_base_buffer_printf(&length, "length(CAST(%s AS VARCHAR))", name);
        put_bounds(check, length.data != NULL ? length.data : "", out);
        tarn_base_buffer_dispose(&length);
        break;
    }
    case TARN_CHECK_PATTERN:
        tarn_base_buffer_printf(out, "NOT regexp_matches(CAST(%s AS VARCHAR), ", name);
        tarn_base_buffer_literal(out, tarn_base_text(check->text));
        tarn_base_buffer_byte(out, ')');
        break;
    case TARN_CHECK_EXPRESSION: tarn_base_buffer_printf(out, "NOT (\n%s\n)", check->text); break;
    case TARN_CHECK_UNIQUE:
        tarn_base_buffer_string(out, "count(*) ");
        put_where(check, "FILTER (WHERE ", ") ", out);
        tarn_base_buffer_string(out, "OVER (PARTITION BY ");
        put_columns(check, out);
        tarn_base_buffer_string(out, ") > 1 AND ");
        put_all_there(check, out);
        break;
    case TARN_CHECK_ROW_COUNT:
    case TARN_CHECK_FRESHNESS:
    case TARN_CHECK_SQL: tarn_base_buffer_string(out, "false"); break;
    }
    tarn_base_buffer_dispose(&column);
}

void tarn_flow__check_failure_sql(const TarnCheck *check, TarnBuffer *out) {
    tarn_base_buffer_string(out, "coalesce((");
    put_failure(check, out);
    tarn_base_buffer_byte(out, ')');
    put_where(check, " AND ", "", out);
    tarn_base_buffer_string(out, ", false)");
}

/* What the inner SELECT computes of each row, under the name __k<index>. */
static void put_answer(const TarnCheck *check, size_t index, TarnBuffer *out) {
    if (check->kind == TARN_CHECK_FRESHNESS) {
        put_where(check, "CASE WHEN ", " THEN ", out);
        tarn_base_buffer_string(out, "CAST(");
        put_column(check, 0, out);
        tarn_base_buffer_string(out, " AS TIMESTAMP)");
        if (check->where != NULL) tarn_base_buffer_string(out, " END");
    } else if (check->kind == TARN_CHECK_ROW_COUNT) {
        tarn_base_buffer_string(out, "coalesce(true");
        put_where(check, " AND ", "", out);
        tarn_base_buffer_string(out, ", false)");
    } else {
        tarn_flow__check_failure_sql(check, out);
    }
    tarn_base_buffer_printf(out, " AS \"__k%zu\"", index);
}

void tarn_flow__check_scan_sql(const TarnCheck *const *checks, size_t count, TarnTableName table,
                               TarnBuffer *out) {
    tarn_base_buffer_string(out, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        bool fresh = checks[i]->kind == TARN_CHECK_FRESHNESS;
        tarn_base_buffer_printf(out,
                                fresh ? "%sepoch_us(max(\"__k%zu\"))"
                                      : "%scount(*) FILTER (WHERE \"__k%zu\")",
                                i > 0 ? ", " : "", i);
    }
    tarn_base_buffer_string(out, " FROM (SELECT ");
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        put_answer(checks[i], i, out);
    }
    tarn_base_buffer_string(out, " FROM ");
    tarn_flow__sql_name(table, out);
    tarn_base_buffer_byte(out, ')');
}

/* {{ this }} is the only thing a check's query may hold of a template. */
static void put_query(const char *text, TarnTableName table, TarnBuffer *out) {
    TarnText rest = tarn_base_text(text);
    while (rest.size > 0 && memchr(";\n\r\t ", rest.data[rest.size - 1], 5) != NULL) rest.size--;
    while (rest.size > 0) {
        const char *open = memmem(rest.data, rest.size, "{{", 2);
        size_t left = open != NULL ? rest.size - (size_t)(open - rest.data) : 0;
        const char *close = open != NULL ? memmem(open, left, "}}", 2) : NULL;
        if (close == NULL) break;
        TarnText inside =
            tarn_base_text_trim((TarnText){open + 2, (size_t)(close - open) - 2});
        size_t before = (size_t)(open - rest.data);
        tarn_base_buffer_append(out, rest.data, before);
        if (tarn_base_text_is(inside, "this")) {
            tarn_flow__sql_name(table, out);
        } else {
            tarn_base_buffer_append(out, open, (size_t)(close - open) + 2);
        }
        size_t used = (size_t)(close - rest.data) + 2;
        rest = (TarnText){rest.data + used, rest.size - used};
    }
    tarn_base_buffer_text(out, rest);
}

bool tarn_flow__check_own_sql(const TarnCheck *check, TarnTableName table, TarnArena *arena,
                              TarnBuffer *out) {
    (void)arena;
    if (check->kind == TARN_CHECK_SQL) {
        tarn_base_buffer_string(out, "SELECT count(*) FROM (\n");
        put_query(check->text, table, out);
        tarn_base_buffer_string(out, "\n)");
        put_where(check, " WHERE ", "", out);
        return true;
    }
    if (check->kind != TARN_CHECK_UNIQUE) return false;
    tarn_base_buffer_string(out, "SELECT CAST(coalesce(sum(\"__n\"), 0) AS BIGINT) FROM (SELECT "
                                 "count(*) AS \"__n\" FROM ");
    tarn_flow__sql_name(table, out);
    tarn_base_buffer_string(out, " WHERE ");
    put_all_there(check, out);
    put_where(check, " AND ", "", out);
    tarn_base_buffer_string(out, " GROUP BY ");
    put_columns(check, out);
    tarn_base_buffer_string(out, " HAVING count(*) > 1)");
    return true;
}

/* --- for people --- */

static void put_range_text(const TarnCheck *check, TarnBuffer *out) {
    if (check->min != NULL) put_scalar(check->min, out);
    tarn_base_buffer_string(out, " .. ");
    if (check->max != NULL) put_scalar(check->max, out);
}

const char *tarn_flow__check_expected(const TarnCheck *check, TarnArena *arena) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    switch (check->kind) {
    case TARN_CHECK_UNIQUE: tarn_base_buffer_string(&out, "no duplicates"); break;
    case TARN_CHECK_NOT_NULL: tarn_base_buffer_string(&out, "no nulls"); break;
    case TARN_CHECK_ACCEPTED_VALUES:
        tarn_base_buffer_string(&out, "one of ");
        TARN_JSON_EACH(value, check->values) {
            if (value != check->values->first) tarn_base_buffer_string(&out, ", ");
            put_scalar(value, &out);
        }
        break;
    case TARN_CHECK_RELATIONSHIPS:
        tarn_base_buffer_string(&out, "found in ");
        tarn_flow__sql_name(check->to, &out);
        tarn_base_buffer_printf(&out, ".%s", check->field);
        break;
    case TARN_CHECK_LENGTH:
        tarn_base_buffer_string(&out, "length ");
        put_range_text(check, &out);
        break;
    case TARN_CHECK_RANGE:
    case TARN_CHECK_ROW_COUNT: put_range_text(check, &out); break;
    case TARN_CHECK_PATTERN:
    case TARN_CHECK_EXPRESSION: tarn_base_buffer_string(&out, check->text); break;
    case TARN_CHECK_FRESHNESS:
        tarn_base_buffer_printf(&out, "not older than %lld s",
                                (long long)(check->max_age_ms / 1000));
        break;
    case TARN_CHECK_SQL: tarn_base_buffer_string(&out, "no rows"); break;
    }
    const char *copy = tarn_base_buffer_keep(&out, arena);
    tarn_base_buffer_dispose(&out);
    return copy;
}
