/* "_row_id" and "_last_updated_sequence_number" of version 3 tables: columns that a SELECT has only
 * if it names them, and that "*" never shows.
 *
 * The engine's views have no hidden columns. So a table whose hidden column is named is given
 * another name in the engine's text, as time travel does; the view under that name has the two
 * columns, and each "*" of the same SELECT leaves them out. Which table a name means follows the
 * rules of SQL: a qualified name is the table's or alias's; a bare one is of the innermost SELECT
 * that reads a table with row ids, unless something there has a column of that name.
 *
 * Statements that do not say either word are not looked at. Not here: the values, see
 * tarn_query__scan_extras.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "query/lexer_private.h"
#include "query/query_private.h"
#include "query/scan_private.h"
#include "query/transaction_private.h"

#define HIDDEN_COUNT 2
#define DEPTH_MAX 1000
/* A subquery in a subquery: how deep their columns are looked for. */
#define OUTPUT_DEPTH_MAX 50

static const char *const hidden[HIDDEN_COUNT] = {TARN_SCAN_ROW_ID, TARN_SCAN_LAST_UPDATED};

/* What stands in a FROM clause. */
typedef struct Item {
    const TarnJson *ref;
    TarnText name; /* alias, or name of the table */
    bool has_alias;
    bool is_table;          /* of the lake */
    bool keeps_ids;         /* of format version 3 */
    bool has_own_name;      /* a column is called like the item */
    bool has[HIDDEN_COUNT]; /* a real column of that name */
    bool wanted;            /* its row ids are */
    TarnReference reference;
    TarnTravel *travel; /* NULL = none yet */
} Item;

typedef struct Scope {
    struct Scope *outer;
    const TarnJson *select;
    bool in_select_list;
    bool is_natural; /* some join is */
    struct {
        Item *items;
        size_t count;
        size_t capacity;
    } items;
    struct {
        const TarnJson **items;
        size_t count;
        size_t capacity;
    } stars, names;
} Scope;

typedef struct Finder {
    TarnPrepared *prepared;
    TarnText sql;
    TarnTokens tokens;
    const TarnJson *tree;
    TarnArena *arena;
    struct {
        TarnTextEdit *items;
        size_t count;
        size_t capacity;
    } edits;
    int depth;
    TarnError *error;
} Finder;

/* --- the tree --- */

static bool same_name(TarnText a, TarnText b) {
    return a.size == b.size && strncasecmp(a.data, b.data, a.size) == 0;
}

static int hidden_number(TarnText name) {
    for (int i = 0; i < HIDDEN_COUNT; i++) {
        if (same_name(name, tarn_base_text(hidden[i]))) return i;
    }
    return -1;
}

static TarnText last_name(const TarnJson *column) {
    const TarnJson *names = tarn_base_json_member(column, "column_names");
    return names != NULL && names->last != NULL ? names->last->text : (TarnText){"", 0};
}

static bool is_class(const TarnJson *value, const char *class) {
    return tarn_base_text_is(tarn_base_json_member_text(value, "class"), class);
}

static bool is_type(const TarnJson *value, const char *type) {
    return tarn_base_text_is(tarn_base_json_member_text(value, "type"), type);
}

static bool refuse_at(const Finder *finder, const TarnJson *at, const char *message,
                      TarnText name) {
    return tarn_query__error_at(finder->sql, tarn_query__tree_location(at), TARN_E_SQL_UNSUPPORTED,
                                finder->error, message, TARN_TEXT_ARG(name));
}

/* --- columns that are real --- */

static const TarnJson *find_cte(const TarnJson *value, TarnText name, int depth) {
    if (value == NULL || depth > DEPTH_MAX) return NULL;
    if (tarn_base_text_is(value->key, "cte_map")) {
        TARN_JSON_EACH(entry, tarn_base_json_member(value, "map")) {
            if (!same_name(tarn_base_json_member_text(entry, "key"), name)) continue;
            return tarn_base_json_member(entry, "value");
        }
    }
    TARN_JSON_EACH(child, value) {
        const TarnJson *found = find_cte(child, name, depth + 1);
        if (found != NULL) return found;
    }
    return NULL;
}

static bool has_alias(const TarnJson *aliases, int which) {
    TARN_JSON_EACH(alias, aliases) {
        if (hidden_number(alias->text) == which) return true;
    }
    return false;
}

static bool node_shows(Finder *finder, const TarnJson *node, int which, int depth);

static bool table_shows(Finder *finder, const TarnJson *ref, int which) {
    TarnReference reference;
    const TarnTable *table = NULL;
    TarnView *view = NULL;
    TarnError ignored = {0};
    const TarnSchema *schema = NULL;
    TarnSchema of_view = {0};
    TarnJson *json = NULL;
    if (!tarn_query__reference_read(ref, finder->arena, &reference, &ignored)) return false;
    if (tarn_query__table_find(finder->prepared->query, reference.name, &table, &ignored) &&
        table != NULL) {
        schema = tarn_table_metadata_current_schema(table->metadata);
    } else if (tarn_catalog_view_find(finder->prepared->query->catalog, reference.name,
                                      finder->arena, &view, &ignored) &&
               view != NULL && view->schema_json != NULL &&
               tarn_base_json_parse(tarn_base_text(view->schema_json), NULL, finder->arena, &json,
                                    &ignored) &&
               tarn_table_schema_from_json(json, finder->arena, &of_view, &ignored)) {
        schema = &of_view;
    }
    bool shows = false;
    for (size_t i = 0; schema != NULL && i < schema->field_count; i++) {
        shows = shows || hidden_number(tarn_base_text(schema->fields[i].name)) == which;
    }
    tarn_catalog_table_release(table);
    return shows;
}

static bool ref_shows(Finder *finder, const TarnJson *ref, int which, int depth) {
    if (ref == NULL || depth > OUTPUT_DEPTH_MAX) return false;
    if (has_alias(tarn_base_json_member(ref, "column_name_alias"), which)) return true;
    if (is_type(ref, "JOIN")) {
        return ref_shows(finder, tarn_base_json_member(ref, "left"), which, depth + 1) ||
               ref_shows(finder, tarn_base_json_member(ref, "right"), which, depth + 1);
    }
    if (is_type(ref, "SUBQUERY")) {
        const TarnJson *query = tarn_base_json_member(ref, "subquery");
        return node_shows(finder, tarn_base_json_member(query, "node"), which, depth + 1);
    }
    if (!is_type(ref, "BASE_TABLE")) return false;
    if (tarn_base_json_member_text(ref, "schema_name").size > 0)
        return table_shows(finder, ref, which);
    const TarnJson *cte = find_cte(finder->tree, tarn_base_json_member_text(ref, "table_name"), 0);
    const TarnJson *query = tarn_base_json_member(cte, "query");
    return has_alias(tarn_base_json_member(cte, "aliases"), which) ||
           node_shows(finder, tarn_base_json_member(query, "node"), which, depth + 1);
}

/* Whether a query has an output column of that name. */
static bool node_shows(Finder *finder, const TarnJson *node, int which, int depth) {
    if (node == NULL || depth > OUTPUT_DEPTH_MAX) return false;
    const TarnJson *left = tarn_base_json_member(node, "left");
    if (left == NULL) left = tarn_base_json_at(tarn_base_json_member(node, "children"), 0);
    if (left != NULL) return node_shows(finder, left, which, depth + 1);
    TARN_JSON_EACH(output, tarn_base_json_member(node, "select_list")) {
        TarnText alias = tarn_base_json_member_text(output, "alias");
        if (alias.size == 0 && is_class(output, "COLUMN_REF")) alias = last_name(output);
        if (hidden_number(alias) == which) return true;
        if (is_class(output, "STAR") &&
            ref_shows(finder, tarn_base_json_member(node, "from_table"), which, depth + 1)) {
            return true;
        }
    }
    return false;
}

/* --- what stands in FROM --- */

static TarnTravel *travel_named(const Finder *finder, TarnText name) {
    for (size_t i = 0; i < finder->prepared->rewritten.travels.count; i++) {
        TarnTravel *travel = &finder->prepared->rewritten.travels.items[i];
        if (tarn_base_text_is(name, travel->alias)) return travel;
    }
    return NULL;
}

static bool describe_table(Finder *finder, Item *item) {
    const TarnTable *table = NULL;
    const TarnTarget *target = finder->prepared->target;
    if (!tarn_query__reference_read(item->ref, finder->arena, &item->reference, finder->error)) {
        return false;
    }
    /* The table that a statement changes has the columns already, for its own use. */
    if (target != NULL && tarn_catalog_name_equal(target->reference->name, item->reference.name)) {
        for (int i = 0; i < HIDDEN_COUNT; i++) item->has[i] = target->lineage;
        return true;
    }
    item->travel = travel_named(finder, tarn_base_json_member_text(item->ref, "table_name"));
    TarnTableName name = item->travel != NULL ? item->travel->name : item->reference.name;
    if (!tarn_query__table_find(finder->prepared->query, name, &table, finder->error)) {
        return false;
    }
    item->is_table = table != NULL;
    item->keeps_ids = table != NULL && table->metadata->format_version >= 3;
    const TarnSchema *schema = table != NULL ? tarn_table_metadata_current_schema(table->metadata)
                                             : NULL;
    for (size_t i = 0; schema != NULL && i < schema->field_count; i++) {
        TarnText field = tarn_base_text(schema->fields[i].name);
        int number = hidden_number(field);
        if (number >= 0) item->has[number] = true;
        if (same_name(field, item->name)) item->has_own_name = true;
    }
    tarn_catalog_table_release(table);
    return true;
}

static bool add_item(Finder *finder, Scope *scope, const TarnJson *ref) {
    Item *item = TARN_PUSH(finder->arena, &scope->items);
    if (item == NULL) return tarn_base_arena_check(finder->arena, finder->error);
    *item = (Item){.ref = ref, .name = tarn_base_json_member_text(ref, "alias")};
    item->has_alias = item->name.size > 0;
    if (!item->has_alias) item->name = tarn_base_json_member_text(ref, "table_name");
    bool named = is_type(ref, "BASE_TABLE") &&
                 tarn_base_json_member_text(ref, "schema_name").size > 0;
    if (named && !describe_table(finder, item)) return false;
    for (int i = 0; i < HIDDEN_COUNT; i++) {
        item->has[i] = item->has[i] || (!item->is_table && ref_shows(finder, ref, i, 0));
    }
    return true;
}

/* Items of a FROM clause from left to right. */
static bool add_items(Finder *finder, Scope *scope, const TarnJson *ref) {
    if (ref == NULL || ref->kind != TARN_JSON_OBJECT) return true;
    if (!is_type(ref, "JOIN")) return add_item(finder, scope, ref);
    if (tarn_base_text_is(tarn_base_json_member_text(ref, "ref_type"), "NATURAL"))
        scope->is_natural = true;
    return add_items(finder, scope, tarn_base_json_member(ref, "left")) &&
           add_items(finder, scope, tarn_base_json_member(ref, "right"));
}

/* --- whose row ids are wanted --- */

static bool refuse_old_format(Finder *finder, const Item *item, const TarnJson *at) {
    TarnTableName name = item->travel != NULL ? item->travel->name : item->reference.name;
    tarn_query__error_at(finder->sql, tarn_query__tree_location(at), TARN_E_SQL_UNSUPPORTED,
                         finder->error,
                         "the rows of \"%s.%s\" have no ids: the table is of a format version "
                         "before 3",
                         name.ns, name.name);
    return tarn_base_error_hint(finder->error, "tarn table upgrade %s.%s", name.ns, name.name);
}

static bool select_names(const Scope *scope, int which) {
    TARN_JSON_EACH(output, tarn_base_json_member(scope->select, "select_list")) {
        if (hidden_number(tarn_base_json_member_text(output, "alias")) != which) continue;
        if (!is_class(output, "COLUMN_REF") || hidden_number(last_name(output)) != which) {
            return true;
        }
    }
    return false;
}

/* A bare name in one SELECT. *found: it is settled here. */
static bool want_all(Finder *finder, Scope *scope, int which, const TarnJson *at, bool *found) {
    const Item *old = NULL;
    bool any = false;
    *found = true;
    if (select_names(scope, which) && !scope->in_select_list) return true;
    for (size_t i = 0; i < scope->items.count; i++) {
        const Item *item = &scope->items.items[i];
        if (item->has[which]) return true;
        any = any || item->keeps_ids;
        if (item->is_table && !item->keeps_ids) old = item;
    }
    for (size_t i = 0; i < scope->items.count; i++) {
        Item *item = &scope->items.items[i];
        if (item->keeps_ids) item->wanted = true;
    }
    *found = any;
    if (any || old == NULL || select_names(scope, which)) return true;
    /* An enclosing SELECT may read a table that has ids. */
    for (const Scope *outer = scope->outer; outer != NULL; outer = outer->outer) {
        for (size_t i = 0; i < outer->items.count; i++) {
            if (outer->items.items[i].keeps_ids || outer->items.items[i].has[which]) return true;
        }
    }
    return refuse_old_format(finder, old, at);
}

static bool resolve(Finder *finder, Scope *scope, const TarnJson *column) {
    const TarnJson *names = tarn_base_json_member(column, "column_names");
    int which = hidden_number(last_name(column));
    if (which < 0 || names == NULL) return true;
    for (Scope *at = scope; at != NULL; at = at->outer) {
        if (names->count == 1) {
            bool found = false;
            if (!want_all(finder, at, which, column, &found)) return false;
            if (found) return true;
            continue;
        }
        const TarnJson *qualifier = tarn_base_json_at(names, names->count - 2);
        for (size_t i = 0; i < at->items.count; i++) {
            Item *item = &at->items.items[i];
            if (!same_name(qualifier->text, item->name)) continue;
            if (!item->is_table || item->has[which]) return true;
            if (!item->keeps_ids) return refuse_old_format(finder, item, column);
            item->wanted = true;
            return true;
        }
    }
    return true;
}

/* --- edits of the text --- */

static bool put_edit(Finder *finder, size_t start, size_t end, TarnBuffer *text) {
    TarnTextEdit *edit = TARN_PUSH(finder->arena, &finder->edits);
    bool ok = tarn_base_buffer_check(text, finder->error);
    if (edit != NULL) {
        *edit = (TarnTextEdit){
            .start = start, .end = end, .text = tarn_base_buffer_keep(text, finder->arena)};
    }
    tarn_base_buffer_dispose(text);
    return ok && tarn_base_arena_check(finder->arena, finder->error);
}

static size_t token_at(const Finder *finder, size_t offset) {
    size_t at = 0;
    while (at + 1 < finder->tokens.count &&
           tarn_query__token_offset(&finder->tokens, at) < offset) {
        at++;
    }
    return at;
}

static size_t token_end(const Finder *finder, size_t at) {
    return tarn_query__token_offset(&finder->tokens, at) + finder->tokens.items[at].text.size;
}

/* "raw.t" becomes raw."t@1" AS "t": a name of its own, which no other part of the text reads. */
static bool rename_table(Finder *finder, Item *item) {
    TarnPrepared *prepared = finder->prepared;
    if (item->travel != NULL) {
        item->travel->row_ids = true;
        return true;
    }
    size_t first = token_at(finder, tarn_query__tree_location(item->ref));
    size_t last = first;
    while (tarn_query__token_symbol(&finder->tokens.items[last + 1], ".")) last += 2;
    const char *alias = tarn_base_arena_printf(finder->arena, "%s@%zu", item->reference.table,
                                               prepared->rewritten.travels.count);
    TarnTravel *travel = TARN_PUSH(finder->arena, &prepared->rewritten.travels);
    if (travel == NULL || alias == NULL) {
        return tarn_base_arena_check(finder->arena, finder->error);
    }
    *travel = (TarnTravel){.name = item->reference.name, .alias = alias, .row_ids = true};
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    for (size_t i = first; i + 1 < last; i += 2) {
        tarn_base_buffer_identifier(&text, finder->tokens.items[i].value);
        tarn_base_buffer_byte(&text, '.');
    }
    tarn_base_buffer_identifier(&text, tarn_base_text(alias));
    if (!item->has_alias) {
        tarn_base_buffer_string(&text, " AS ");
        tarn_base_buffer_identifier(&text, item->name);
    }
    tarn_base_buffer_byte(&text, ' ');
    return put_edit(finder, tarn_query__tree_location(item->ref), token_end(finder, last), &text);
}

/* The names of the hidden columns that a star would show and does not leave out itself. */
static size_t write_excluded(const Scope *scope, const TarnJson *star, TarnBuffer *text) {
    TarnText relation = tarn_base_json_member_text(star, "relation_name");
    size_t count = 0;
    for (size_t i = 0; i < scope->items.count; i++) {
        const Item *item = &scope->items.items[i];
        if (!item->wanted || (relation.size > 0 && !same_name(relation, item->name))) continue;
        for (int h = 0; h < HIDDEN_COUNT; h++) {
            if (has_alias(tarn_base_json_member(star, "exclude_list"), h)) continue;
            tarn_base_buffer_string(text, count++ > 0 ? ", " : "");
            tarn_base_buffer_identifier(text, item->name);
            tarn_base_buffer_byte(text, '.');
            tarn_base_buffer_identifier(text, tarn_base_text(hidden[h]));
        }
    }
    return count;
}

static bool excludes(const TarnJson *star) {
    const TarnJson *plain = tarn_base_json_member(star, "exclude_list");
    const TarnJson *qualified = tarn_base_json_member(star, "qualified_exclude_list");
    return (plain != NULL && plain->count > 0) || (qualified != NULL && qualified->count > 0);
}

/* Adds to "* EXCLUDE (a, b)" or "* EXCLUDE a"; `at` is the token after the star. */
static bool extend_list(Finder *finder, size_t at, TarnBuffer *names) {
    bool is_list = tarn_query__token_symbol(&finder->tokens.items[at + 1], "(");
    size_t start = is_list ? token_end(finder, at + 1)
                           : tarn_query__token_offset(&finder->tokens, at + 1);
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_printf(&text, "%s%s, ", is_list ? "" : "(", names->data);
    if (!put_edit(finder, start, start, &text)) return false;
    if (is_list) return true;
    size_t end = at + 1;
    while (tarn_query__token_symbol(&finder->tokens.items[end + 1], ".")) end += 2;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_byte(&text, ')');
    return put_edit(finder, token_end(finder, end), token_end(finder, end), &text);
}

/* "FROM t WHERE ..": the star is implied, and has no place of its own. */
static bool write_star(Finder *finder, const Scope *scope, TarnBuffer *names) {
    const TarnJson *first = scope->items.items[0].ref;
    size_t at = token_at(finder, tarn_query__tree_location(first));
    while (at > 0 && tarn_query__token_symbol(&finder->tokens.items[at - 1], "(")) at--;
    if (!is_type(first, "BASE_TABLE") || at == 0 ||
        !tarn_query__token_is(&finder->tokens.items[at - 1], "FROM")) {
        return refuse_at(finder, first, "write SELECT * FROM%.*s where row ids are named",
                         (TarnText){"", 0});
    }
    size_t start = tarn_query__token_offset(&finder->tokens, at - 1);
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    tarn_base_buffer_printf(&text, "SELECT * EXCLUDE (%s) ", names->data);
    return put_edit(finder, start, start, &text);
}

static bool edit_star(Finder *finder, const Scope *scope, const TarnJson *star, TarnBuffer *names) {
    size_t start = tarn_query__tree_location(star);
    size_t at = token_at(finder, start);
    TarnBuffer text;
    if (start == 0) return write_star(finder, scope, names);
    if (tarn_query__token_is(&finder->tokens.items[at], "ALL")) return true; /* ORDER BY ALL */
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    while (at + 2 < finder->tokens.count &&
           !tarn_query__token_symbol(&finder->tokens.items[at], "*")) {
        at++;
    }
    if (excludes(star)) return extend_list(finder, at + 1, names);
    tarn_base_buffer_printf(&text, " EXCLUDE (%s)", names->data);
    return put_edit(finder, token_end(finder, at), token_end(finder, at), &text);
}

static bool edit_stars(Finder *finder, Scope *scope) {
    for (size_t i = 0; i < scope->stars.count; i++) {
        const TarnJson *star = scope->stars.items[i];
        TarnBuffer names;
        tarn_base_buffer_init(&names, TARN_LIMIT_SQL_BYTES);
        bool ok = true;
        if (write_excluded(scope, star, &names) > 0) {
            const TarnJson *pattern = tarn_base_json_member(star, "expr");
            ok = tarn_base_buffer_check(&names, finder->error);
            if (ok && pattern != NULL && pattern->kind == TARN_JSON_OBJECT) {
                ok = refuse_at(finder, star,
                               "COLUMNS with a pattern%.*s cannot stand beside row ids",
                               (TarnText){"", 0});
            }
            ok = ok && edit_star(finder, scope, star, &names);
        }
        tarn_base_buffer_dispose(&names);
        if (!ok) return false;
    }
    return true;
}

/* "raw.t.a": the table is called "t" now. */
static bool edit_name(Finder *finder, const Item *item, const TarnJson *column) {
    const TarnJson *names = tarn_base_json_member(column, "column_names");
    TarnText levels[2] = {tarn_base_json_member_text(item->ref, "catalog_name"),
                          tarn_base_json_member_text(item->ref, "schema_name")};
    size_t skip = levels[0].size > 0 ? 2 : 1;
    if (item->has_alias || names->count < skip + 2) return true;
    for (size_t i = 0; i < skip; i++) {
        if (!same_name(tarn_base_json_at(names, i)->text, levels[2 - skip + i])) return true;
    }
    if (!same_name(tarn_base_json_at(names, skip)->text, item->name)) return true;
    size_t at = token_at(finder, tarn_query__tree_location(column));
    if (at + 2 * skip >= finder->tokens.count) return true;
    TarnBuffer text;
    tarn_base_buffer_init(&text, TARN_LIMIT_SQL_BYTES);
    return put_edit(finder, tarn_query__tree_location(column),
                    tarn_query__token_offset(&finder->tokens, at + 2 * skip), &text);
}

static bool check_names(Finder *finder, const Scope *scope, const Item *item) {
    for (size_t i = 0; i < scope->names.count; i++) {
        const TarnJson *column = scope->names.items[i];
        const TarnJson *names = tarn_base_json_member(column, "column_names");
        if (names->count > 2 && !edit_name(finder, item, column)) return false;
        if (names->count == 1 && !item->has_own_name && same_name(last_name(column), item->name)) {
            return refuse_at(finder, column,
                             "the rows of \"%.*s\" cannot be read as structs beside their ids",
                             item->name);
        }
    }
    return true;
}

static bool edit_scope(Finder *finder, Scope *scope) {
    size_t wanted = 0;
    for (size_t i = 0; i < scope->items.count; i++) {
        Item *item = &scope->items.items[i];
        if (!item->wanted) continue;
        wanted++;
        if (!rename_table(finder, item) || !check_names(finder, scope, item)) return false;
    }
    if (wanted == 0) return true;
    if (wanted > 1 && scope->is_natural) {
        return refuse_at(finder, scope->items.items[0].ref,
                         "a NATURAL JOIN%.*s cannot stand beside row ids", (TarnText){"", 0});
    }
    return edit_stars(finder, scope);
}

/* --- the walk --- */

static bool walk(Finder *finder, const TarnJson *value, Scope *scope);

static bool walk_children(Finder *finder, const TarnJson *value, Scope *scope) {
    TARN_JSON_EACH(child, value) {
        bool nested = child->kind == TARN_JSON_OBJECT || child->kind == TARN_JSON_ARRAY;
        if (nested && !walk(finder, child, scope)) return false;
    }
    return true;
}

static bool walk_select(Finder *finder, const TarnJson *select, Scope *outer) {
    Scope scope = {.outer = outer, .select = select};
    if (!add_items(finder, &scope, tarn_base_json_member(select, "from_table"))) return false;
    TARN_JSON_EACH(child, select) {
        bool is_ctes = tarn_base_text_is(child->key, "cte_map");
        scope.in_select_list = tarn_base_text_is(child->key, "select_list");
        if (child->kind != TARN_JSON_OBJECT && child->kind != TARN_JSON_ARRAY) continue;
        if (!walk(finder, child, is_ctes ? outer : &scope)) return false;
    }
    return edit_scope(finder, &scope);
}

static bool walk(Finder *finder, const TarnJson *value, Scope *scope) {
    if (++finder->depth > DEPTH_MAX) {
        return tarn_base_error_set(finder->error, TARN_E_LIMIT_EXCEEDED,
                                   "the statement is nested too deeply");
    }
    bool ok = true;
    if (is_type(value, "SELECT_NODE")) {
        ok = walk_select(finder, value, scope);
    } else {
        bool is_column = is_class(value, "COLUMN_REF");
        bool is_star = is_class(value, "STAR");
        if (scope != NULL && (is_column || is_star)) {
            const TarnJson **slot = is_column ? TARN_PUSH(finder->arena, &scope->names)
                                              : TARN_PUSH(finder->arena, &scope->stars);
            if (slot == NULL) return tarn_base_arena_check(finder->arena, finder->error);
            *slot = value;
        }
        if (is_column) ok = resolve(finder, scope, value);
        TARN_JSON_EACH(name, tarn_base_json_member(value, "using_columns")) {
            bool found = false;
            int which = hidden_number(name->text);
            if (which >= 0 && ok && scope != NULL) {
                ok = want_all(finder, scope, which, value, &found);
            }
        }
        ok = ok && walk_children(finder, value, scope);
    }
    finder->depth--;
    return ok;
}

static bool says(TarnText sql) {
    for (int h = 0; h < HIDDEN_COUNT; h++) {
        size_t size = strlen(hidden[h]);
        for (size_t i = 0; i + size <= sql.size; i++) {
            if (sql.data[i] == '_' && strncasecmp(sql.data + i, hidden[h], size) == 0) return true;
        }
    }
    return false;
}

static int compare_edits(const void *a, const void *b) {
    const TarnTextEdit *x = a;
    const TarnTextEdit *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

bool tarn_query__row_ids_find(TarnPrepared *prepared, TarnText sql, const TarnJson *tree,
                              TarnTextEdit **edits, size_t *count, TarnError *error) {
    Finder finder = {
        .prepared = prepared, .sql = sql, .tree = tree, .arena = prepared->arena, .error = error};
    *edits = NULL;
    *count = 0;
    if (!says(sql)) return true;
    if (!tarn_query__lex(sql, finder.arena, &finder.tokens, error) || !walk(&finder, tree, NULL)) {
        return false;
    }
    if (finder.edits.count > 1) {
        qsort(finder.edits.items, finder.edits.count, sizeof(TarnTextEdit), compare_edits);
    }
    *edits = finder.edits.items;
    *count = finder.edits.count;
    return true;
}
