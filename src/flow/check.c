/* Reading checks: a word, or a mapping of one word to its arguments, each with what it needs.
 *
 * Arguments of all kinds are read by one table of keys; a second table says which of them a kind
 * needs and may have, so that an argument without effect is refused, not ignored.
 */
#include <stddef.h>
#include <string.h>

#include "base/limits.h"
#include "flow/check_private.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct CheckEntry {
    const char *name;
    int severity;
    const char *where;
    TarnConfigTexts columns;
    const TarnJson *values;
    const char *to;
    const char *field;
    const TarnJson *min;
    const TarnJson *max;
    bool inclusive;
    int64_t max_age_ms;
    const char *text;
    const TarnJson *config;
} CheckEntry;

static const char *const severity_words[] = {"error", "warn", "quarantine", NULL};

static const TarnConfigKey entry_keys[] = {
    {"name", TARN_CONFIG_TEXT, offsetof(CheckEntry, name), false, NULL},
    {"severity", TARN_CONFIG_ENUM, offsetof(CheckEntry, severity), false, severity_words},
    {"where", TARN_CONFIG_TEXT, offsetof(CheckEntry, where), false, NULL},
    {"column", TARN_CONFIG_TEXTS, offsetof(CheckEntry, columns), false, NULL},
    {"columns", TARN_CONFIG_TEXTS, offsetof(CheckEntry, columns), false, NULL},
    {"values", TARN_CONFIG_TREE, offsetof(CheckEntry, values), false, NULL},
    {"to", TARN_CONFIG_TEXT, offsetof(CheckEntry, to), false, NULL},
    {"field", TARN_CONFIG_TEXT, offsetof(CheckEntry, field), false, NULL},
    {"min", TARN_CONFIG_TREE, offsetof(CheckEntry, min), false, NULL},
    {"max", TARN_CONFIG_TREE, offsetof(CheckEntry, max), false, NULL},
    {"inclusive", TARN_CONFIG_BOOL, offsetof(CheckEntry, inclusive), false, NULL},
    {"max_age", TARN_CONFIG_DURATION, offsetof(CheckEntry, max_age_ms), false, NULL},
    {"pattern", TARN_CONFIG_TEXT, offsetof(CheckEntry, text), false, NULL},
    {"regex", TARN_CONFIG_TEXT, offsetof(CheckEntry, text), false, NULL},
    {"expression", TARN_CONFIG_TEXT, offsetof(CheckEntry, text), false, NULL},
    {"query", TARN_CONFIG_TEXT, offsetof(CheckEntry, text), false, NULL},
    {"config", TARN_CONFIG_TREE, offsetof(CheckEntry, config), false, NULL},
};
/* dbt puts these two below `config`. */
static const TarnConfigKey config_keys[] = {
    {"severity", TARN_CONFIG_ENUM, offsetof(CheckEntry, severity), false, severity_words},
    {"where", TARN_CONFIG_TEXT, offsetof(CheckEntry, where), false, NULL},
};

/* Arguments as bits. */
enum { COLUMNS = 1, VALUES = 2, TO = 4, BOUNDS = 8, INCLUSIVE = 16, AGE = 32, TEXT = 64 };

typedef struct KindRule {
    const char *word;
    TarnCheckKind kind;
    int needs;
    int allows; /* beyond what it needs, name, severity and where */
    int shorthand; /* what a scalar or list in place of the mapping is; 0 = nothing */
} KindRule;

static const KindRule rules[] = {
    {"unique", TARN_CHECK_UNIQUE, COLUMNS, 0, COLUMNS},
    {"not_null", TARN_CHECK_NOT_NULL, COLUMNS, 0, COLUMNS},
    {"accepted_values", TARN_CHECK_ACCEPTED_VALUES, COLUMNS | VALUES, 0, VALUES},
    {"relationships", TARN_CHECK_RELATIONSHIPS, COLUMNS | TO, 0, 0},
    {"range", TARN_CHECK_RANGE, COLUMNS | BOUNDS, INCLUSIVE, 0},
    {"length", TARN_CHECK_LENGTH, COLUMNS | BOUNDS, 0, 0},
    {"pattern", TARN_CHECK_PATTERN, COLUMNS | TEXT, 0, TEXT},
    {"regex", TARN_CHECK_PATTERN, COLUMNS | TEXT, 0, TEXT},
    {"expression", TARN_CHECK_EXPRESSION, TEXT, COLUMNS, TEXT},
    {"row_count", TARN_CHECK_ROW_COUNT, BOUNDS, 0, 0},
    {"freshness", TARN_CHECK_FRESHNESS, COLUMNS | AGE, 0, AGE},
    {"sql", TARN_CHECK_SQL, TEXT, COLUMNS, TEXT},
};

static bool refuse_kind(const TarnConfigReader *reader, const TarnJson *at, TarnText word) {
    const char *words[COUNT(rules)];
    for (size_t i = 0; i < COUNT(rules); i++) words[i] = rules[i].word;
    const char *wanted = tarn_base_text_string(reader->arena, word);
    if (wanted == NULL) return tarn_base_arena_check(reader->arena, reader->error);
    tarn_flow__config_refuse(reader, at, "unknown check \"%.80s\"", wanted);
    const char *near = tarn_base_text_nearest(wanted, words, COUNT(words));
    if (near != NULL) return tarn_base_error_hint(reader->error, "did you mean \"%s\"?", near);
    return tarn_base_error_hint(reader->error,
                                "known checks: unique, not_null, accepted_values, relationships, "
                                "range, length, pattern, expression, row_count, freshness, sql");
}

static bool is_scalar(const TarnJson *value) {
    return value->kind == TARN_JSON_STRING || value->kind == TARN_JSON_NUMBER ||
           value->kind == TARN_JSON_BOOL;
}

static bool check_arguments(const TarnConfigReader *reader, const TarnJson *at,
                            const KindRule *rule, const CheckEntry *entry, bool inclusive_given) {
    static const char *const names[] = {"column", "values",    "to and field", "min or max",
                                        "inclusive", "max_age", "an expression, pattern or query"};
    bool given[] = {entry->columns.count > 0,
                    entry->values != NULL,
                    entry->to != NULL || entry->field != NULL,
                    entry->min != NULL || entry->max != NULL,
                    inclusive_given,
                    entry->max_age_ms != 0,
                    entry->text != NULL};
    for (size_t i = 0; i < COUNT(given); i++) {
        int bit = 1 << i;
        if (given[i] && ((rule->needs | rule->allows) & bit) == 0) {
            return tarn_flow__config_refuse(reader, at, "the check \"%s\" does not take %s",
                                            rule->word, names[i]);
        }
        if (!given[i] && (rule->needs & bit) != 0) {
            return tarn_flow__config_refuse(reader, at, "the check \"%s\" needs %s", rule->word,
                                            names[i]);
        }
    }
    if ((rule->needs & TO) != 0 && (entry->to == NULL || entry->field == NULL)) {
        return tarn_flow__config_refuse(reader, at,
                                        "the check \"relationships\" needs to and field");
    }
    bool one = rule->kind != TARN_CHECK_UNIQUE && rule->kind != TARN_CHECK_NOT_NULL;
    if (one && entry->columns.count > 1) {
        return tarn_flow__config_refuse(reader, at, "the check \"%s\" is about one column",
                                        rule->word);
    }
    const TarnJson *bounds[] = {entry->min, entry->max};
    for (size_t i = 0; i < 2; i++) {
        bool whole = rule->kind == TARN_CHECK_ROW_COUNT || rule->kind == TARN_CHECK_LENGTH;
        int64_t number;
        if (bounds[i] == NULL) continue;
        if (!is_scalar(bounds[i]) || (whole && !tarn_base_json_int64(bounds[i], &number))) {
            return tarn_flow__config_refuse(reader, bounds[i], "\"%s\" must be %s",
                                            i == 0 ? "min" : "max",
                                            whole ? "a whole number" : "a number or a text");
        }
    }
    if (entry->values != NULL && entry->values->kind != TARN_JSON_ARRAY) {
        return tarn_flow__config_refuse(reader, entry->values, "\"values\" must be a list");
    }
    TARN_JSON_EACH(value, entry->values) {
        if (!is_scalar(value)) {
            return tarn_flow__config_refuse(reader, value, "a value must be a text, a number, true "
                                                           "or false");
        }
    }
    return true;
}

/* "ref('carriers')" of dbt's files is the name in it. */
static TarnText without_ref(TarnText text) {
    text = tarn_base_text_trim(text);
    if (!tarn_base_text_starts(text, "ref(") || !tarn_base_text_ends(text, ")")) return text;
    text = tarn_base_text_trim((TarnText){text.data + 4, text.size - 5});
    bool quoted = text.size >= 2 && (text.data[0] == '\'' || text.data[0] == '"') &&
                  text.data[text.size - 1] == text.data[0];
    return quoted ? (TarnText){text.data + 1, text.size - 2} : text;
}

static bool read_target(const TarnConfigReader *reader, const TarnJson *at, const char *to,
                        TarnTableName *name) {
    if (to == NULL) return true;
    if (tarn_catalog_name_parse(without_ref(tarn_base_text(to)), reader->arena, name,
                                reader->error)) {
        return true;
    }
    return tarn_base_error_place(reader->error, reader->file, at->line, at->column);
}

static const char *default_name(const KindRule *rule, const CheckEntry *entry, TarnArena *arena) {
    TarnBuffer name;
    tarn_base_buffer_init(&name, TARN_MIB);
    tarn_base_buffer_string(&name, rule->word);
    for (size_t i = 0; i < entry->columns.count; i++) {
        tarn_base_buffer_printf(&name, "%s%s", i > 0 ? ", " : "(", entry->columns.items[i]);
    }
    if (entry->columns.count > 0) tarn_base_buffer_byte(&name, ')');
    if (entry->columns.count == 0 && rule->kind == TARN_CHECK_EXPRESSION) {
        tarn_base_buffer_printf(&name, "(%.60s)", entry->text);
    }
    const char *copy = tarn_base_buffer_keep(&name, arena);
    tarn_base_buffer_dispose(&name);
    return copy;
}

bool tarn_flow__check_can_quarantine(const TarnCheck *check) {
    return check->kind == TARN_CHECK_UNIQUE || tarn_flow__check_is_of_rows(check);
}

static bool add_check(const TarnConfigReader *reader, const TarnJson *at, const KindRule *rule,
                      const CheckEntry *entry, TarnCheckList *checks) {
    TarnCheck check = {.kind = rule->kind,
                       .severity = entry->severity >= 0 ? (TarnCheckSeverity)entry->severity
                                                        : TARN_CHECK_ERROR,
                       .severity_given = entry->severity >= 0,
                       .name = entry->name,
                       .where = entry->where,
                       .columns = entry->columns,
                       .values = entry->values,
                       .field = entry->field,
                       .min = entry->min,
                       .max = entry->max,
                       .exclusive = !entry->inclusive,
                       .max_age_ms = entry->max_age_ms,
                       .text = entry->text,
                       .file = reader->file,
                       .line = at->line};
    if (!read_target(reader, at, entry->to, &check.to)) return false;
    if (check.name == NULL) check.name = default_name(rule, entry, reader->arena);
    if (check.severity == TARN_CHECK_QUARANTINE && !tarn_flow__check_can_quarantine(&check)) {
        return tarn_flow__config_refuse(reader, at,
                                        "the check \"%s\" cannot quarantine: it does not tell "
                                        "which rows fail",
                                        rule->word);
    }
    TarnCheck *slot = TARN_PUSH(reader->arena, checks);
    if (slot != NULL) *slot = check;
    return tarn_base_arena_check(reader->arena, reader->error);
}

static bool read_shorthand(const TarnConfigReader *reader, const TarnJson *value,
                           const KindRule *rule, CheckEntry *entry) {
    TarnConfigKey columns = {"column", TARN_CONFIG_TEXTS, 0, false, NULL};
    TarnConfigKey text = {rule->word, TARN_CONFIG_TEXT, 0, false, NULL};
    TarnConfigKey age = {rule->word, TARN_CONFIG_DURATION, 0, false, NULL};
    switch (rule->shorthand) {
    case COLUMNS:
        return tarn_flow__config_value(reader, value, rule->word, &columns, &entry->columns);
    case VALUES: entry->values = value; return true;
    case TEXT: return tarn_flow__config_value(reader, value, rule->word, &text, &entry->text);
    case AGE: return tarn_flow__config_value(reader, value, rule->word, &age, &entry->max_age_ms);
    default:
        return tarn_flow__config_refuse(reader, value, "the check \"%s\" takes a mapping",
                                        rule->word);
    }
}

static const KindRule *find_rule(TarnText word) {
    for (size_t i = 0; i < COUNT(rules); i++) {
        if (tarn_base_text_is(word, rules[i].word)) return &rules[i];
    }
    return NULL;
}

/* `arguments`: NULL or a NULL node = none. */
static bool read_one(const TarnConfigReader *reader, const TarnJson *at, TarnText word,
                     const TarnJson *arguments, const char *column, TarnCheckList *checks) {
    const KindRule *rule = find_rule(word);
    CheckEntry entry = {.severity = -1, .inclusive = true};
    bool inclusive_given = false;
    if (rule == NULL) return refuse_kind(reader, at, word);
    if (arguments != NULL && arguments->kind == TARN_JSON_OBJECT) {
        inclusive_given = tarn_base_json_member(arguments, "inclusive") != NULL;
        if (!tarn_flow__config_read(reader, arguments, "a check", entry_keys, COUNT(entry_keys),
                                    &entry) ||
            (entry.config != NULL &&
             !tarn_flow__config_read(reader, entry.config, "config of a check", config_keys,
                                     COUNT(config_keys), &entry))) {
            return false;
        }
    } else if (arguments != NULL && arguments->kind != TARN_JSON_NULL &&
               !read_shorthand(reader, arguments, rule, &entry)) {
        return false;
    }
    bool takes_column = ((rule->needs | rule->allows) & COLUMNS) != 0;
    if (column != NULL && entry.columns.count == 0) {
        if (!takes_column) {
            return tarn_flow__config_refuse(reader, at,
                                            "the check \"%s\" is about the table, not a column",
                                            rule->word);
        }
        entry.columns.items = TARN_NEW_ARRAY(reader->arena, 1, const char *);
        if (entry.columns.items == NULL) return tarn_base_arena_check(reader->arena, reader->error);
        entry.columns.items[0] = column;
        entry.columns.count = 1;
    }
    return check_arguments(reader, at, rule, &entry, inclusive_given) &&
           add_check(reader, at, rule, &entry, checks);
}

bool tarn_flow__check_read(const TarnConfigReader *reader, const TarnJson *list,
                           const char *column, TarnCheckList *checks) {
    if (list == NULL || list->kind == TARN_JSON_NULL) return true;
    if (list->kind != TARN_JSON_ARRAY) {
        return tarn_flow__config_refuse(reader, list, "checks must be a list");
    }
    TARN_JSON_EACH(item, list) {
        bool ok = false;
        if (item->kind == TARN_JSON_STRING) {
            ok = read_one(reader, item, item->text, NULL, column, checks);
        } else if (item->kind == TARN_JSON_OBJECT && item->count == 1) {
            ok = read_one(reader, item, item->first->key, item->first, column, checks);
        } else {
            ok = tarn_flow__config_refuse(reader, item,
                                          "a check is a word, or a mapping of one word to its "
                                          "arguments");
        }
        if (!ok) return false;
    }
    return true;
}

/* --- names and JSON --- */

const char *tarn_flow_check_status_name(TarnCheckStatus status) {
    static const char *const names[] = {"pass", "fail", "warn", "quarantine", "error"};
    return names[status];
}

const char *tarn_flow_check_severity_name(TarnCheckSeverity severity) {
    return severity_words[severity];
}

void tarn_flow_check_to_json(const TarnCheckResults *results, TarnJsonWriter *out) {
    tarn_base_json_array_begin(out);
    for (size_t i = 0; i < results->count; i++) {
        const TarnCheckResult *result = &results->items[i];
        tarn_base_json_object_begin(out);
        tarn_base_json_key(out, "table");
        tarn_base_json_put_string(out, result->table);
        tarn_base_json_key(out, "check");
        tarn_base_json_put_string(out, result->name);
        tarn_base_json_key(out, "name");
        tarn_base_json_put_string(out, result->name);
        tarn_base_json_key(out, "status");
        tarn_base_json_put_string(out, tarn_flow_check_status_name(result->status));
        tarn_base_json_key(out, "severity");
        tarn_base_json_put_string(out, tarn_flow_check_severity_name(result->severity));
        tarn_base_json_key(out, "value");
        tarn_base_json_put_string(out, result->value);
        tarn_base_json_key(out, "expected");
        tarn_base_json_put_string(out, result->expected);
        tarn_base_json_key(out, "failing_rows");
        if (result->failing_rows >= 0) {
            tarn_base_json_put_int64(out, result->failing_rows);
        } else {
            tarn_base_json_put_null(out);
        }
        if (result->error_text != NULL) {
            tarn_base_json_key(out, "error");
            tarn_base_json_put_string(out, result->error_text);
        }
        tarn_base_json_object_end(out);
    }
    tarn_base_json_array_end(out);
}

bool tarn_flow_check_verdict(const TarnCheckResults *results, TarnError *error) {
    size_t failed = 0;
    const TarnCheckResult *first = NULL;
    for (size_t i = 0; i < results->count; i++) {
        TarnCheckStatus status = results->items[i].status;
        if (status != TARN_CHECK_FAILED && status != TARN_CHECK_BROKEN) continue;
        if (first == NULL) first = &results->items[i];
        failed++;
    }
    if (first == NULL) return true;
    const char *value = first->error_text != NULL ? first->error_text
                        : first->value != NULL    ? first->value
                                                  : "";
    tarn_base_error_set(error, TARN_E_CHECK_FAILED, "%zu of %zu checks failed, first \"%s\" of %s: "
                                                    "%s, expected %s",
                        failed, results->count, first->name, first->table, value,
                        first->expected != NULL ? first->expected : "");
    return tarn_base_error_place(error, first->file != NULL ? first->file : "", first->line, 1);
}
