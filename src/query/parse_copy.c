/* COPY t [(columns)] FROM 'file' (options), COPY t [(columns)] TO 'file', COPY (SELECT ..) TO
 * 'file'.
 *
 * Options are DuckDB's, and reach DuckDB as text: so each is one of a list, fits the format and the
 * direction, and has a value of literals and names alone. What would write or read other files than
 * the one named, or lose rows without a word, is refused with its reason.
 */
#include <string.h>
#include <strings.h>

#include "query/parse_cursor_private.h"

#define CSV TARN_COPY_CSV
#define JSON TARN_COPY_JSON
#define PARQUET TARN_COPY_PARQUET

typedef struct Option {
    const char *name;
    const char *read; /* NULL = the same */
    int from;         /* formats */
    int to;
} Option;

static const Option options[] = {
    {"allow_quoted_nulls", NULL, CSV, 0},
    {"array", NULL, JSON, JSON},
    {"auto_detect", NULL, CSV, 0},
    {"binary_as_string", NULL, PARQUET, 0},
    {"bloom_filter_false_positive_ratio", NULL, 0, PARQUET},
    {"buffer_size", NULL, CSV, 0},
    {"comment", NULL, CSV, 0},
    {"compression", NULL, CSV | JSON, CSV | JSON | PARQUET},
    {"compression_level", NULL, 0, PARQUET},
    {"date_format", "dateformat", CSV | JSON, CSV | JSON},
    {"dateformat", NULL, CSV | JSON, CSV | JSON},
    {"decimal_separator", NULL, CSV, 0},
    {"delim", NULL, CSV, CSV},
    {"delimiter", "delim", CSV, CSV},
    {"dictionary_size_limit", NULL, 0, PARQUET},
    {"encoding", NULL, CSV, 0},
    {"escape", NULL, CSV, CSV},
    {"force_not_null", NULL, CSV, 0},
    {"force_quote", NULL, 0, CSV},
    {"header", NULL, CSV, CSV},
    {"kv_metadata", NULL, 0, PARQUET},
    {"max_line_size", NULL, CSV, 0},
    {"maximum_line_size", "max_line_size", CSV, 0},
    {"maximum_object_size", NULL, JSON, 0},
    {"new_line", NULL, CSV, 0},
    {"null", "nullstr", CSV, CSV},
    {"null_padding", NULL, CSV, 0},
    {"nullstr", NULL, CSV, CSV},
    {"parallel", NULL, CSV, 0},
    {"parquet_version", NULL, 0, PARQUET},
    {"prefix", NULL, 0, CSV},
    {"quote", NULL, CSV, CSV},
    {"row_group_size", NULL, 0, PARQUET},
    {"row_group_size_bytes", NULL, 0, PARQUET},
    {"sample_size", NULL, CSV, 0},
    {"sep", NULL, CSV, CSV},
    {"skip", NULL, CSV, 0},
    {"strict_mode", NULL, CSV, 0},
    {"suffix", NULL, 0, CSV},
    {"thousands", NULL, CSV, 0},
    {"timestamp_format", "timestampformat", CSV | JSON, CSV | JSON},
    {"timestampformat", NULL, CSV | JSON, CSV | JSON},
    {"write_bloom_filter", NULL, 0, PARQUET},
};
#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

/* DuckDB's, with what to do instead. */
static const char *const refused[][2] = {
    {"append", "COPY .. TO writes one file"},
    {"columns", "the table's columns and types hold; name some of them behind the table"},
    {"encryption_config", "an encrypted file is not read or written here"},
    {"file_size_bytes", "COPY .. TO writes one file"},
    {"filename_pattern", "COPY .. TO writes one file"},
    {"hive_partitioning", "load such folders with: tarn load"},
    {"ignore_errors", "rows that do not fit are kept by: tarn load --on-error quarantine"},
    {"overwrite", "a file that is there is replaced"},
    {"overwrite_or_ignore", "a file that is there is replaced"},
    {"partition_by", "COPY .. TO writes one file"},
    {"per_thread_output", "COPY .. TO writes one file"},
    {"rejects_table", "rows that do not fit are kept by: tarn load --on-error quarantine"},
    {"store_rejects", "rows that do not fit are kept by: tarn load --on-error quarantine"},
    {"union_by_name", "load files of several shapes with: tarn load"},
};

/* --- format --- */

static bool ends_in(TarnText path, const char *ending) {
    size_t size = strlen(ending);
    return path.size >= size &&
           strncasecmp(path.data + path.size - size, ending, size) == 0;
}

/* As DuckDB: by the ending, compression left out; CSV for any other. */
static TarnCopyFormat format_of(TarnText path) {
    static const char *const json[] = {".json", ".ndjson", ".jsonl"};
    if (ends_in(path, ".gz")) path.size -= 3;
    if (ends_in(path, ".zst")) path.size -= 4;
    for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
        if (ends_in(path, json[i])) return JSON;
    }
    return ends_in(path, ".parquet") ? PARQUET : CSV;
}

static const char *format_name(TarnCopyFormat format) {
    return format == CSV ? "CSV" : format == JSON ? "JSON" : "Parquet";
}

static bool take_format(TarnParser *parser) {
    static const char *const names[] = {"csv", "json", "parquet"};
    static const TarnCopyFormat formats[] = {CSV, JSON, PARQUET};
    const TarnToken *token = tarn_query__peek(parser);
    for (size_t i = 0; i < 3; i++) {
        bool is_it = token->value.size == strlen(names[i]) &&
                     strncasecmp(token->value.data, names[i], token->value.size) == 0;
        if (!is_it || token->kind == TARN_TOKEN_SYMBOL) continue;
        parser->out->copy.format = formats[i];
        parser->at++;
        return true;
    }
    return tarn_query__fail_expected(parser, "csv, json or parquet");
}

/* --- options --- */

static bool fail_option(TarnParser *parser, size_t offset, const char *name) {
    const char *names[OPTION_COUNT];
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (strcmp(name, refused[i][0]) != 0) continue;
        tarn_query__error_at(parser->tokens->source, offset, TARN_E_SQL_UNSUPPORTED,
                             parser->error, "the option \"%s\" of COPY is not supported", name);
        return tarn_base_error_hint(parser->error, "%s", refused[i][1]);
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) names[i] = options[i].name;
    const char *near = tarn_base_text_nearest(name, names, OPTION_COUNT);
    tarn_query__error_at(parser->tokens->source, offset, TARN_E_SQL_SYNTAX, parser->error,
                         "COPY has no option \"%s\"", name);
    if (near != NULL) tarn_base_error_hint(parser->error, "did you mean \"%s\"?", near);
    return false;
}

static bool is_value_symbol(const TarnToken *token) {
    static const char *const symbols[] = {"(", ")", "[", "]", "{", "}", ",", ":", "*", "-"};
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        if (tarn_query__token_symbol(token, symbols[i])) return true;
    }
    return false;
}

/* Literals and names with separators between them: a call, an operator or a SELECT would be a name
 * before a bracket, another symbol, or two words in a row. */
static bool take_value(TarnParser *parser, TarnCopyOption *option) {
    int depth = 0;
    option->first = parser->at;
    for (bool after_value = false;; parser->at++) {
        const TarnToken *token = tarn_query__peek(parser);
        bool symbol = token->kind == TARN_TOKEN_SYMBOL;
        bool close = tarn_query__token_symbol(token, ")") ||
                     tarn_query__token_symbol(token, "]") || tarn_query__token_symbol(token, "}");
        bool open = tarn_query__token_symbol(token, "(") ||
                    tarn_query__token_symbol(token, "[") || tarn_query__token_symbol(token, "{");
        bool end = token->kind == TARN_TOKEN_END ||
                   (depth == 0 && (tarn_query__token_symbol(token, ")") ||
                                   tarn_query__token_symbol(token, ",")));
        if (end) break;
        if ((symbol && !is_value_symbol(token)) || (after_value && (!symbol || open))) {
            return tarn_query__fail_expected(parser, "a value that is written out, or \",\"");
        }
        depth += open - close;
        after_value = !symbol || close;
    }
    option->count = parser->at - option->first;
    return true;
}

static bool take_option(TarnParser *parser) {
    TarnParsed *out = parser->out;
    size_t offset = tarn_query__offset_here(parser);
    TarnText text;
    if (!tarn_query__take_name(parser, "an option", &text)) return false;
    char *name = tarn_base_text_string(parser->arena, text);
    if (name == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    for (char *c = name; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c | 32);
    }
    if (strcmp(name, "format") == 0) return take_format(parser);
    size_t found = 0;
    while (found < OPTION_COUNT && strcmp(options[found].name, name) != 0) found++;
    if (found == OPTION_COUNT) return fail_option(parser, offset, name);
    TarnCopyOption *option = TARN_PUSH(parser->arena, &out->copy.options);
    if (option == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    option->name = options[found].name;
    option->read = options[found].read != NULL ? options[found].read : options[found].name;
    return take_value(parser, option);
}

/* Once the format is known, which may stand behind them. */
static bool check_options(TarnParser *parser) {
    const TarnCopyStatement *copy = &parser->out->copy;
    bool from = parser->out->kind == TARN_STATEMENT_COPY_FROM;
    for (size_t i = 0; i < copy->options.count; i++) {
        const TarnCopyOption *option = &copy->options.items[i];
        size_t found = 0;
        while (strcmp(options[found].name, option->name) != 0) found++;
        if (((from ? options[found].from : options[found].to) & (int)copy->format) != 0) continue;
        return tarn_query__error_at(parser->tokens->source,
                                    tarn_query__token_offset(parser->tokens, option->first),
                                    TARN_E_SQL_SYNTAX, parser->error,
                                    "\"%s\" is no option of COPY .. %s a file of %s", option->name,
                                    from ? "FROM" : "TO", format_name(copy->format));
    }
    return true;
}

static bool take_options(TarnParser *parser) {
    TarnCopyStatement *copy = &parser->out->copy;
    copy->format = format_of(copy->path);
    tarn_query__accept(parser, "WITH");
    if (!tarn_query__token_symbol(tarn_query__peek(parser), "(")) {
        return tarn_query__expect_end(parser);
    }
    parser->at++;
    do {
        if (!take_option(parser)) return false;
    } while (tarn_query__accept_symbol(parser, ","));
    return tarn_query__expect_symbol(parser, ")") && tarn_query__expect_end(parser) &&
           check_options(parser);
}

/* --- the statement --- */

static bool take_path(TarnParser *parser) {
    TarnCopyStatement *copy = &parser->out->copy;
    const TarnToken *token = tarn_query__peek(parser);
    copy->path_offset = tarn_query__offset_here(parser);
    if (tarn_query__token_is(token, "STDIN") || tarn_query__token_is(token, "STDOUT")) {
        tarn_query__error_at(parser->tokens->source, copy->path_offset, TARN_E_SQL_UNSUPPORTED,
                             parser->error, "COPY reads and writes files");
        return tarn_base_error_hint(parser->error, token->text.size == 5
                                                       ? "name a file, or INSERT the rows"
                                                       : "name a file, or: tarn sql -o csv");
    }
    bool plain = token->kind == TARN_TOKEN_STRING && token->text.data[0] == '\'';
    if (!plain) return tarn_query__fail_expected(parser, "a file's name in quotes");
    copy->path = token->value;
    parser->at++;
    return true;
}

static bool stop_bracket(const TarnToken *token) { return tarn_query__token_symbol(token, ")"); }

bool tarn_query__parse_copy(TarnParser *parser) {
    TarnParsed *out = parser->out;
    out->kind = TARN_STATEMENT_COPY_TO;
    if (tarn_query__accept_symbol(parser, "(")) {
        if (!tarn_query__take_until(parser, "a SELECT", stop_bracket, &out->select) ||
            !tarn_query__expect_symbol(parser, ")") || !tarn_query__expect(parser, "TO")) {
            return false;
        }
        return take_path(parser) && take_options(parser);
    }
    if (!tarn_query__take_table(parser, &out->name) || !tarn_query__take_columns(parser)) {
        return false;
    }
    if (tarn_query__accept(parser, "FROM")) {
        out->kind = TARN_STATEMENT_COPY_FROM;
    } else if (!tarn_query__accept(parser, "TO")) {
        return tarn_query__fail_expected(parser, "FROM or TO");
    }
    return take_path(parser) && take_options(parser);
}
