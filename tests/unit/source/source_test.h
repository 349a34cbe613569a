/* What the tests of the source room share: columns out of a short text, files out of bytes, and
 * everything a reader brings as one text to compare with.
 *
 * Rows come out as "<row>: <value>|<value>\n" in the order of their numbers, then each reject as
 * "! row <n> line <n> at <offset> [<bytes>] <reason>\n". */
#ifndef TARN_TESTS_SOURCE_TEST_H
#define TARN_TESTS_SOURCE_TEST_H

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "base/time.h"
#include "scratch.h"
#include "source/source.h"
#include "tap.h"

#define UNUSED __attribute__((unused))

static Scratch scratch;
static TarnArena test_arena;
static TarnError failure;

/* ---- columns ------------------------------------------------------------------------------- */

static TarnColumn parse_column(const char **at);

static void skip_spaces(const char **at) {
    while (**at == ' ') ++*at;
}

/* "name type": type is Iceberg's, list<..>, map<..,..> or struct<..>; '!' behind it = required. */
static void parse_type(const char **at, TarnColumn *column) {
    skip_spaces(at);
    const char *start = *at;
    TarnTypeKind nested = strncmp(start, "list<", 5) == 0     ? TARN_TYPE_LIST
                          : strncmp(start, "map<", 4) == 0    ? TARN_TYPE_MAP
                          : strncmp(start, "struct<", 7) == 0 ? TARN_TYPE_STRUCT
                                                              : TARN_TYPE_UNKNOWN;
    if (nested == TARN_TYPE_UNKNOWN) {
        int depth = 0;
        while (**at != '\0' && **at != '!' && **at != '>' && (**at != ',' || depth > 0)) {
            depth += (**at == '(') - (**at == ')');
            ++*at;
        }
        if (!tarn_format_primitive_parse((TarnText){start, (size_t)(*at - start)},
                                         &column->type)) {
            printf("Bail out! no type: %s\n", start);
            exit(1);
        }
    } else {
        static const char *const names[][2] = {{"element", ""}, {"key", "value"}};
        column->type.kind = nested;
        column->children = TARN_NEW_ARRAY(&test_arena, 16, TarnColumn);
        *at = strchr(*at, '<') + 1;
        do {
            TarnColumn *child = &column->children[column->child_count];
            if (nested == TARN_TYPE_STRUCT) {
                *child = parse_column(at);
            } else {
                child->name = names[nested == TARN_TYPE_MAP][column->child_count];
                parse_type(at, child);
            }
            column->child_count++;
        } while (*(*at)++ == ',');
    }
    if (**at == '!') {
        column->required = true;
        ++*at;
    }
}

static TarnColumn parse_column(const char **at) {
    TarnColumn column = {0};
    skip_spaces(at);
    const char *start = *at;
    while (**at != ' ') ++*at;
    column.name = tarn_base_arena_string_n(&test_arena, start, (size_t)(*at - start));
    parse_type(at, &column);
    return column;
}

UNUSED static TarnColumn *columns_of(const char *text, size_t *count) {
    TarnColumn *columns = TARN_NEW_ARRAY(&test_arena, 64, TarnColumn);
    *count = 0;
    while (*text != '\0') {
        columns[(*count)++] = parse_column(&text);
        if (*text == ',') text++;
    }
    return columns;
}

/* The same text out of columns, what is said about one behind it. */
static void write_column(const TarnColumn *column, bool named, TarnBuffer *out) {
    if (named) tarn_base_buffer_printf(out, "%s ", column->name);
    const char *kind = column->type.kind == TARN_TYPE_LIST   ? "list"
                       : column->type.kind == TARN_TYPE_MAP    ? "map"
                       : column->type.kind == TARN_TYPE_STRUCT ? "struct"
                                                               : NULL;
    if (kind == NULL) tarn_format_primitive_write(column->type, out);
    if (kind != NULL) tarn_base_buffer_printf(out, "%s<", kind);
    for (size_t i = 0; i < column->child_count; i++) {
        if (i > 0) tarn_base_buffer_string(out, ", ");
        write_column(&column->children[i], column->type.kind == TARN_TYPE_STRUCT, out);
    }
    if (kind != NULL) tarn_base_buffer_string(out, ">");
    if (column->required) tarn_base_buffer_byte(out, '!');
    if (column->doc != NULL) tarn_base_buffer_printf(out, " '%s'", column->doc);
}

UNUSED static const char *text_of_columns(const TarnColumn *columns, size_t count) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_string(&out, ", ");
        write_column(&columns[i], true, &out);
    }
    const char *text = tarn_base_text_string(&test_arena, tarn_base_buffer_view(&out));
    tarn_base_buffer_dispose(&out);
    return text;
}

/* ---- values -------------------------------------------------------------------------------- */

static bool is_valid(const struct ArrowArray *array, int64_t row) {
    const uint8_t *bits = array->buffers[0];
    return bits == NULL || (bits[row / 8] >> (row % 8) & 1) != 0;
}

static void write_bytes(const char *data, size_t size, TarnBuffer *out) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\n') {
            tarn_base_buffer_string(out, "\\n");
        } else if (c == '\r') {
            tarn_base_buffer_string(out, "\\r");
        } else if (c < 0x20 || c == 0x7F) {
            tarn_base_buffer_printf(out, "\\x%02X", c);
        } else {
            tarn_base_buffer_byte(out, c);
        }
    }
}

static void write_scalar(const TarnColumn *column, const struct ArrowArray *array, int64_t row,
                         TarnBuffer *out) {
    TarnLiteral literal = {.kind = column->type.kind};
    const void *values = array->buffers[1];
    const int32_t *offsets = values;
    switch (column->type.kind) {
    case TARN_TYPE_BOOLEAN:
        literal.as.boolean = (((const uint8_t *)values)[row / 8] >> (row % 8) & 1) != 0;
        break;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE: literal.as.integer = ((const int32_t *)values)[row]; break;
    case TARN_TYPE_FLOAT: literal.as.real = ((const float *)values)[row]; break;
    case TARN_TYPE_DOUBLE: literal.as.real = ((const double *)values)[row]; break;
    case TARN_TYPE_DECIMAL: memcpy(&literal.as.decimal, (const char *)values + row * 16, 16); break;
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        tarn_base_buffer_byte(out, '\'');
        if (offsets[row + 1] > offsets[row]) {
            write_bytes((const char *)array->buffers[2] + offsets[row],
                        (size_t)(offsets[row + 1] - offsets[row]), out);
        }
        tarn_base_buffer_byte(out, '\'');
        return;
    default: literal.as.integer = ((const int64_t *)values)[row]; break;
    }
    tarn_format_literal_to_text(column->type, &literal, out);
}

static void write_value(const TarnColumn *column, const struct ArrowArray *array, int64_t row,
                        TarnBuffer *out) {
    if (!is_valid(array, row)) {
        tarn_base_buffer_string(out, "null");
        return;
    }
    const int32_t *offsets = array->n_buffers > 1 ? array->buffers[1] : NULL;
    switch (column->type.kind) {
    case TARN_TYPE_STRUCT:
        for (size_t i = 0; i < column->child_count; i++) {
            tarn_base_buffer_printf(out, "%s%s=", i == 0 ? "{" : " ", column->children[i].name);
            write_value(&column->children[i], array->children[i], row, out);
        }
        tarn_base_buffer_string(out, "}");
        return;
    case TARN_TYPE_LIST:
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
            tarn_base_buffer_string(out, i == offsets[row] ? "[" : " ");
            write_value(&column->children[0], array->children[0], i, out);
        }
        tarn_base_buffer_string(out, offsets[row] == offsets[row + 1] ? "[]" : "]");
        return;
    case TARN_TYPE_MAP:
        for (int32_t i = offsets[row]; i < offsets[row + 1]; i++) {
            tarn_base_buffer_string(out, i == offsets[row] ? "{" : " ");
            write_value(&column->children[0], array->children[0]->children[0], i, out);
            tarn_base_buffer_string(out, ":");
            write_value(&column->children[1], array->children[0]->children[1], i, out);
        }
        tarn_base_buffer_string(out, offsets[row] == offsets[row + 1] ? "{}" : "}");
        return;
    default: write_scalar(column, array, row, out);
    }
}

/* ---- reading ------------------------------------------------------------------------------- */

typedef struct GotLine {
    int64_t row;
    uint64_t offset;
    char *text;
} GotLine;

typedef struct Reading {
    TarnSourceReader *reader;
    const TarnSourceOptions *options;
    atomic_uint next_slot;
    pthread_mutex_t lock;
    GotLine *rows, *rejects;
    size_t row_count, row_capacity, reject_count, reject_capacity;
    uint64_t bytes;
    TarnError error;
    bool failed;
} Reading;

static void add_line(GotLine **lines, size_t *count, size_t *capacity, GotLine line) {
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 64 : *capacity * 2;
        *lines = realloc(*lines, *capacity * sizeof(**lines));
    }
    (*lines)[(*count)++] = line;
}

static void take_rows(Reading *reading, struct ArrowArray *array) {
    const int64_t *numbers = array->children[array->n_children - 1]->buffers[1];
    for (int64_t i = 0; i < array->length; i++) {
        TarnBuffer out;
        tarn_base_buffer_init(&out, TARN_GIB);
        tarn_base_buffer_printf(&out, "%lld: ", (long long)numbers[i]);
        for (size_t c = 0; c < reading->options->column_count; c++) {
            if (c > 0) tarn_base_buffer_byte(&out, '|');
            write_value(&reading->options->columns[c], array->children[c], i, &out);
        }
        tarn_base_buffer_byte(&out, '\n');
        add_line(&reading->rows, &reading->row_count, &reading->row_capacity,
                 (GotLine){.row = numbers[i], .text = tarn_base_buffer_take(&out)});
    }
}

static void take_rejects(Reading *reading, const TarnBatch *batch) {
    for (size_t i = 0; i < batch->reject_count; i++) {
        const TarnReject *reject = &batch->rejects[i];
        TarnBuffer out;
        tarn_base_buffer_init(&out, TARN_GIB);
        tarn_base_buffer_printf(&out, "! row %llu line %llu at %llu [",
                                (unsigned long long)reject->row,
                                (unsigned long long)reject->line,
                                (unsigned long long)reject->offset);
        write_bytes(reject->bytes.data, reject->bytes.size, &out);
        tarn_base_buffer_printf(&out, "] %s\n", reject->reason);
        add_line(&reading->rejects, &reading->reject_count, &reading->reject_capacity,
                 (GotLine){.row = (int64_t)reject->row, .offset = reject->offset,
                           .text = tarn_base_buffer_take(&out)});
    }
}

static void *read_slot(void *state) {
    Reading *reading = state;
    uint32_t slot = atomic_fetch_add(&reading->next_slot, 1);
    for (;;) {
        TarnBatch batch = {0};
        bool more = false;
        TarnError error = {0};
        bool ok = tarn_source_reader_next(reading->reader, slot, &batch, &more, &error);
        if (ok && !more) return NULL;
        pthread_mutex_lock(&reading->lock);
        if (!ok) {
            if (!reading->failed) reading->error = error;
            reading->failed = true;
        } else {
            take_rows(reading, &batch.array);
            take_rejects(reading, &batch);
            reading->bytes += batch.bytes;
            batch.array.release(&batch.array);
        }
        pthread_mutex_unlock(&reading->lock);
        if (!ok) return NULL;
    }
}

static int compare_lines(const void *a, const void *b) {
    const GotLine *left = a;
    const GotLine *right = b;
    if (left->row != right->row) return left->row < right->row ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static void gather(GotLine *lines, size_t count, TarnBuffer *out) {
    if (count > 0) qsort(lines, count, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < count; i++) {
        tarn_base_buffer_string(out, lines[i].text != NULL ? lines[i].text : "(no memory)\n");
        free(lines[i].text);
    }
    free(lines);
}

/* What the last read_file counted. */
static size_t got_rows, got_rejects;
static uint64_t got_bytes;
static TarnSourceDropped got_dropped;

/* "3: a, b.c" or, if there are fields beyond those, "3: a, b.c, ..." */
UNUSED static const char *dropped_text(void) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_buffer_printf(&out, "%llu:", (unsigned long long)got_dropped.rows);
    for (size_t i = 0; i < got_dropped.name_count; i++) {
        tarn_base_buffer_printf(&out, "%s %s", i > 0 ? "," : "", got_dropped.names[i]);
    }
    if (got_dropped.more) tarn_base_buffer_string(&out, ", ...");
    const char *text = tarn_base_text_string(&test_arena, tarn_base_buffer_view(&out));
    tarn_base_buffer_dispose(&out);
    return text;
}

/* All of a file as text; "error CODE: message" if it cannot be read. */
UNUSED static const char *read_file(const char *path, const TarnSourceOptions *options) {
    Reading reading = {.options = options, .lock = PTHREAD_MUTEX_INITIALIZER};
    TarnBuffer out;
    tarn_base_error_clear(&failure);
    if (!tarn_source_reader_open(tarn_os_posix(), path, options, &reading.reader, &failure)) {
        return tarn_base_arena_printf(&test_arena, "error %s: %s",
                                      tarn_base_error_name(failure.code), failure.message);
    }
    pthread_t threads[16];
    uint32_t count = options->slots > 0 ? options->slots : 1;
    for (uint32_t i = 1; i < count; i++) pthread_create(&threads[i], NULL, read_slot, &reading);
    read_slot(&reading);
    for (uint32_t i = 1; i < count; i++) pthread_join(threads[i], NULL);
    got_dropped = (TarnSourceDropped){0};
    tarn_source_reader_dropped(reading.reader, &test_arena, &got_dropped);
    tarn_source_reader_close(reading.reader);
    got_rows = reading.row_count;
    got_rejects = reading.reject_count;
    got_bytes = reading.bytes;
    tarn_base_buffer_init(&out, TARN_GIB);
    gather(reading.rows, reading.row_count, &out);
    gather(reading.rejects, reading.reject_count, &out);
    if (reading.failed) {
        failure = reading.error;
        tarn_base_buffer_printf(&out, "error %s: %s", tarn_base_error_name(failure.code),
                                failure.message);
    }
    const char *text = tarn_base_text_string(&test_arena, tarn_base_buffer_view(&out));
    tarn_base_buffer_dispose(&out);
    return text;
}

UNUSED static const char *write_file(const char *name, const void *data, size_t size) {
    const char *path = scratch_at(&scratch, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        abort();
    }
    return path;
}

UNUSED static void start_source(void) {
    scratch_make(&scratch);
    tarn_base_arena_init(&test_arena, 4 * TARN_GIB);
}

UNUSED static int end_source(void) {
    scratch_remove(&scratch);
    tarn_base_arena_dispose(&test_arena);
    return tap_end();
}

#endif
