/* Partition fields as people write them: "region", "month(ts)", "bucket(16, id)",
 * "truncate(name, 10) AS prefix".
 *
 * The spellings of Spark, Trino and PyIceberg are all understood (days(ts), the width before or
 * after the column), since people bring them along. Field names are those of the reference
 * implementation (ts_day, id_bucket, name_trunc), so that paths look familiar. Quoted names hold
 * anything, dots included; unquoted ones end at a space, comma or parenthesis.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "table/partition.h"
#include "table/schema_private.h"

typedef struct Spelling {
    const char *name;
    TarnTransformKind kind;
} Spelling;

static const Spelling spellings[] = {
    {"identity", TARN_TRANSFORM_IDENTITY}, {"bucket", TARN_TRANSFORM_BUCKET},
    {"truncate", TARN_TRANSFORM_TRUNCATE}, {"year", TARN_TRANSFORM_YEAR},
    {"years", TARN_TRANSFORM_YEAR},        {"month", TARN_TRANSFORM_MONTH},
    {"months", TARN_TRANSFORM_MONTH},      {"day", TARN_TRANSFORM_DAY},
    {"days", TARN_TRANSFORM_DAY},          {"date", TARN_TRANSFORM_DAY},
    {"hour", TARN_TRANSFORM_HOUR},         {"hours", TARN_TRANSFORM_HOUR},
    {"date_hour", TARN_TRANSFORM_HOUR}};

#define SPELLING_COUNT (sizeof(spellings) / sizeof(spellings[0]))

typedef struct Parser {
    TarnText text;
    size_t at;
    TarnArena *arena;
    TarnError *error;
} Parser;

static bool refuse(Parser *parser, const char *what) {
    TarnText shown = tarn_format_bound_lower((TarnPrimitive){.kind = TARN_TYPE_STRING},
                                             parser->text, 200);
    tarn_base_error_set(parser->error, TARN_E_PARTITION_INVALID,
                        "cannot understand the partition expression \"%.*s\": %s",
                        TARN_TEXT_ARG(shown), what);
    return tarn_base_error_hint(parser->error, "write a column, month(column), bucket(16, column) "
                                               "or truncate(10, column)");
}

static char peek(Parser *parser) {
    while (parser->at < parser->text.size &&
           (parser->text.data[parser->at] == ' ' || parser->text.data[parser->at] == '\t' ||
            parser->text.data[parser->at] == '\n' || parser->text.data[parser->at] == '\r')) {
        parser->at++;
    }
    return parser->at < parser->text.size ? parser->text.data[parser->at] : '\0';
}

static bool take(Parser *parser, char c) {
    if (peek(parser) != c || parser->at == parser->text.size) return false;
    parser->at++;
    return true;
}

/* Appends one part of a name to `out`. */
static bool take_part(Parser *parser, char *out, size_t *size, bool *quoted) {
    size_t start = *size;
    *quoted = take(parser, '"');
    while (parser->at < parser->text.size) {
        char c = parser->text.data[parser->at];
        if (c == '\0') return refuse(parser, "it holds a zero byte");
        if (!*quoted && strchr(" \t\r\n(),.\"", c) != NULL) break;
        parser->at++;
        if (*quoted && c == '"') {
            bool doubled = parser->at < parser->text.size && parser->text.data[parser->at] == '"';
            if (!doubled) return *size > start || refuse(parser, "a quoted name is empty");
            parser->at++;
        }
        out[(*size)++] = c;
    }
    if (*quoted) return refuse(parser, "a quoted name does not end");
    return *size > start || refuse(parser, "a name is missing");
}

typedef struct Name {
    const char *path;
    bool quoted; /* any part of it */
} Name;

/* a."b c".d -> the path "a.b c.d" */
static bool take_name(Parser *parser, Name *name) {
    char *path = tarn_base_arena_alloc(parser->arena, parser->text.size - parser->at + 1);
    if (path == NULL) return tarn_base_arena_check(parser->arena, parser->error);
    size_t size = 0;
    *name = (Name){.path = path};
    while (true) {
        bool quoted;
        peek(parser); /* skips space before the part, none is allowed inside */
        if (!take_part(parser, path, &size, &quoted)) return false;
        name->quoted = name->quoted || quoted;
        if (parser->at == parser->text.size || parser->text.data[parser->at] != '.') break;
        parser->at++;
        path[size++] = '.';
    }
    path[size] = '\0';
    return true;
}

static bool find_transform(Parser *parser, const char *name, TarnTransformKind *kind) {
    const char *names[SPELLING_COUNT];
    for (size_t i = 0; i < SPELLING_COUNT; i++) {
        names[i] = spellings[i].name;
        if (strcasecmp(name, names[i]) != 0) continue;
        *kind = spellings[i].kind;
        return true;
    }
    const char *nearest = tarn_base_text_nearest(name, names, SPELLING_COUNT);
    tarn_base_error_set(parser->error, TARN_E_PARTITION_INVALID,
                        "unknown partition transform \"%.100s\"", name);
    if (nearest != NULL) return tarn_base_error_hint(parser->error, "did you mean %s?", nearest);
    return tarn_base_error_hint(parser->error,
                                "there are year, month, day, hour, bucket and truncate");
}

static bool takes_width(TarnTransformKind kind) {
    return kind == TARN_TRANSFORM_BUCKET || kind == TARN_TRANSFORM_TRUNCATE;
}

/* "16, id" or "id, 16"; a column may have a number for a name if it is quoted. */
static bool parse_arguments(Parser *parser, TarnTransform *transform, Name *column) {
    int64_t width;
    if (!take_name(parser, column)) return false;
    if (!takes_width(transform->kind)) {
        return take(parser, ')') || refuse(parser, "\")\" is missing behind the column");
    }
    if (!take(parser, ',')) return refuse(parser, "it takes a width and a column");
    Name second;
    if (!take_name(parser, &second)) return false;
    bool first_is_width = !column->quoted &&
                          tarn_base_text_to_int64(tarn_base_text(column->path), &width);
    if (first_is_width) {
        *column = second;
    } else if (second.quoted || !tarn_base_text_to_int64(tarn_base_text(second.path), &width)) {
        return refuse(parser, "the width is not a whole number");
    }
    if (width < 1 || width > INT32_MAX) {
        return refuse(parser, "the width must be from 1 to 2147483647");
    }
    transform->width = (int32_t)width;
    return take(parser, ')') || refuse(parser, "\")\" is missing");
}

static const char *default_name(TarnArena *arena, TarnTransformKind kind, const char *path) {
    static const char *const suffixes[] = {
        [TARN_TRANSFORM_BUCKET] = "bucket", [TARN_TRANSFORM_TRUNCATE] = "trunc",
        [TARN_TRANSFORM_YEAR] = "year",     [TARN_TRANSFORM_MONTH] = "month",
        [TARN_TRANSFORM_DAY] = "day",       [TARN_TRANSFORM_HOUR] = "hour"};
    if (kind == TARN_TRANSFORM_IDENTITY) return path;
    return tarn_base_arena_printf(arena, "%s_%s", path, suffixes[kind]);
}

static bool check_source(Parser *parser, const TarnFieldPlace *place, TarnTransform transform) {
    TarnPrimitive result;
    const TarnType *type = &place->field->type;
    char name[TARN_TABLE_TYPE_NAME_BYTES];
    if (place->in_collection) {
        return refuse(parser, "the column is in a list or map and has no one value a row");
    }
    if (tarn_table_transform_result(transform, type->primitive, &result)) return true;
    tarn_base_error_set(parser->error, TARN_E_PARTITION_INVALID,
                        "cannot partition by column \"%.100s\" of type %s in this way",
                        place->field->name, tarn_table__type_name(type, name));
    switch (transform.kind) {
    case TARN_TRANSFORM_BUCKET:
        return tarn_base_error_hint(parser->error,
                                    "bucket takes numbers without fraction, decimals, dates, "
                                    "times, timestamps, strings, UUIDs and binary");
    case TARN_TRANSFORM_TRUNCATE:
        return tarn_base_error_hint(parser->error,
                                    "truncate takes integers, decimals, strings and binary");
    case TARN_TRANSFORM_IDENTITY:
        return tarn_base_error_hint(parser->error, "partition by a column with single values");
    default:
        return tarn_base_error_hint(parser->error,
                                    transform.kind == TARN_TRANSFORM_HOUR
                                        ? "hour takes timestamps"
                                        : "year, month and day take dates and timestamps");
    }
}

bool tarn_table_partition_parse(const TarnSchema *schema, TarnText expression, TarnArena *arena,
                                TarnPartitionField *field, TarnError *error) {
    *field = (TarnPartitionField){0};
    Parser parser = {.text = expression, .arena = arena, .error = error};
    if (expression.size > 4 * TARN_KIB) return refuse(&parser, "it is longer than any name may be");
    Name column;
    TarnTransform transform = {.kind = TARN_TRANSFORM_IDENTITY};
    if (!take_name(&parser, &column)) return false;
    if (!column.quoted && take(&parser, '(')) {
        if (!find_transform(&parser, column.path, &transform.kind) ||
            !parse_arguments(&parser, &transform, &column)) {
            return false;
        }
    }
    Name alias = {0};
    if (peek(&parser) != '\0') {
        Name as;
        if (!take_name(&parser, &as) || as.quoted || strcasecmp(as.path, "as") != 0) {
            return refuse(&parser, "there is text behind it");
        }
        if (!take_name(&parser, &alias)) return false;
    }
    if (peek(&parser) != '\0' || parser.at != expression.size) {
        return refuse(&parser, "there is text behind it");
    }
    TarnFieldPlace place = tarn_table__field_by_name(schema, tarn_base_text(column.path));
    if (place.field == NULL) {
        return tarn_table__refuse_column(schema, tarn_base_text(column.path), error);
    }
    if (!check_source(&parser, &place, transform)) return false;
    const char *path = tarn_table_schema_path(schema, place.field->id, arena);
    field->source_id = place.field->id;
    field->transform = transform;
    field->name = alias.path != NULL || path == NULL ? alias.path
                                                     : default_name(arena, transform.kind, path);
    return tarn_base_arena_check(arena, error);
}
