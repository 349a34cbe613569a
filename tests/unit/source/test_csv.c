/* CSV: every ugliness with what must become of it. */
#include <zlib.h>
#include <zstd.h>

#include "source_test.h"

static TarnSourceOptions csv_options(const char *columns) {
    TarnSourceOptions options = {.format = TARN_FILE_CSV,
                                 .csv = {.delimiter = ',', .quote = '"', .header = true},
                                 .slots = 1};
    options.columns = columns_of(columns, &options.column_count);
    return options;
}

static const char *read_bytes(TarnText content, const TarnSourceOptions *options) {
    return read_file(write_file("t.csv", content.data, content.size), options);
}

/* Whatever the size of the pieces, the result is the same. */
static void check_read(const char *file, int line, const char *content, size_t size,
                       TarnSourceOptions options, const char *wanted) {
    static const size_t pieces[] = {0, 1, 2, 3, 7, 16, 61, 64, 65};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        options.piece_bytes = pieces[i];
        options.slots = 1 + (uint32_t)i % 3;
        const char *got = read_bytes((TarnText){content, size}, &options);
        if (strcmp(got, wanted) == 0) continue;
        printf("# pieces of %zu bytes\n", pieces[i]);
        tap_string(file, line, content, got, wanted);
        return;
    }
}
#define CHECK_READ(content, options, wanted)                                                       \
    check_read(__FILE__, __LINE__, content, sizeof(content) - 1, options, wanted)
#define CHECK_CSV(content, columns, wanted) CHECK_READ(content, csv_options(columns), wanted)

static void plain_tables_are_read(void) {
    CHECK_CSV("a,b\n1,x\n2,y\n", "a int, b string", "1: 1|'x'\n2: 2|'y'\n");
    CHECK_CSV("b,a\n1,x\n2,y", "a string, b long", "1: 'x'|1\n2: 'y'|2\n");
    CHECK_CSV("a,b,c\n1,x,q\n", "c string, a int", "1: 'q'|1\n");
    CHECK_CSV(" A , b\n1,x\n", "a int, B string", "1: 1|'x'\n");
    CHECK_CSV("a\n1\n", "a int!", "1: 1\n");
}

static void files_without_rows(void) {
    CHECK_CSV("", "a int, b string", "");
    CHECK_CSV("a,b", "a int, b string", "");
    CHECK_CSV("a,b\r\n", "a int, b string", "");
    CHECK_CSV("\xEF\xBB\xBF", "a int, b string", "");
    CHECK_CSV("a,b\n\n\n\r\n", "a int, b string", "");
}

static void line_ends(void) {
    CHECK_CSV("a,b\r\n1,x\r\n2,y\r\n", "a int, b string", "1: 1|'x'\n2: 2|'y'\n");
    CHECK_CSV("a,b\r\n1,x\r\n2,y", "a int, b string", "1: 1|'x'\n2: 2|'y'\n");
    CHECK_CSV("a,b\r1,x\r\r2,y\r", "a int, b string", "1: 1|'x'\n2: 2|'y'\n");
    CHECK_CSV("a,b\r1,x\r2,\"y\rz\"", "a int, b string", "1: 1|'x'\n2: 2|'y\\rz'\n");
    CHECK_CSV("a,b\n1,x\r\n2,y\n3,\"z\"\r\n", "a int, b string",
              "1: 1|'x'\n2: 2|'y'\n3: 3|'z'\n");
    CHECK_CSV("a,b\n1,\"x\ny\"", "a int, b string", "1: 1|'x\\ny'\n");
    CHECK_CSV("a,b\n1,x\n2,\"x\n\ny\"\r", "a int, b string", "1: 1|'x'\n2: 2|'x\\n\\ny'\n");
    CHECK_CSV("a,b\n\n1,x\n\r\n\n2,y\n\n", "a int, b string", "1: 1|'x'\n2: 2|'y'\n");
    CHECK_CSV("a,b\n1,x\r", "a int, b string", "1: 1|'x'\n");
    CHECK_CSV("\xEF\xBB\xBF\"a\",b\n1,x\n", "a int, b string", "1: 1|'x'\n");
}

static void quotes(void) {
    CHECK_CSV("a,b\n1,\"x,y\"\n2,\"x\"\"y\"\n3,\"\"\"\"\n4,\"\"\n", "a int, b string",
              "1: 1|'x,y'\n2: 2|'x\"y'\n3: 3|'\"'\n4: 4|''\n");
    CHECK_CSV("a,b\n1,\"x\ny\"\n2,\"\n\n\"\n3,z\n", "a int, b string",
              "1: 1|'x\\ny'\n2: 2|'\\n\\n'\n3: 3|'z'\n");
    CHECK_CSV("a,b\n1,\"x\r\ny\"\r\n2,z\r\n", "a int, b string", "1: 1|'x\\r\\ny'\n2: 2|'z'\n");
    CHECK_CSV("\"a\",\"b\nc\"\n\"1\",\"x\"\n", "a int", "1: 1\n");
    CHECK_CSV("a,b\n1,6\" pipe\n2,a\"b\"c\n3, \"x\n", "a int, b string",
              "1: 1|'6\" pipe'\n2: 2|'a\"b\"c'\n3: 3|' \"x'\n");
    CHECK_CSV("a,b\n\"1\",\"x\"", "a int, b string", "1: 1|'x'\n");
}

static void text_behind_a_closing_quote(void) {
    CHECK_CSV("a,b\n1,\"x\"y\n2,z\n", "a int, b string",
              "2: 2|'z'\n! row 1 line 2 at 4 [1,\"x\"y\\n] text follows a closing quote\n");
    CHECK_CSV("a,b\n\"1\" ,x\n2,z\n", "a int, b string",
              "2: 2|'z'\n! row 1 line 2 at 4 [\"1\" ,x\\n] text follows a closing quote\n");
    CHECK_CSV("a,b\n1,\"x\"y\"z,w\n", "a int, b string",
              "! row 1 line 2 at 4 [1,\"x\"y\"z,w\\n] text follows a closing quote\n");
}

static void quotes_that_never_close(void) {
    CHECK_CSV("a,b\n1,\"x\n2,y\n3,z\n", "a int, b string",
              "2: 2|'y'\n3: 3|'z'\n! row 1 line 2 at 4 [1,\"x\\n] a quoted field is never "
              "closed\n");
    CHECK_CSV("a,b\n1,x\n2,\"y", "a int, b string",
              "1: 1|'x'\n! row 2 line 3 at 8 [2,\"y] a quoted field is never closed\n");
    CHECK_CSV("a,b\n1,x\n2,\"y\n\n\n3,z", "a int, b string",
              "1: 1|'x'\n3: 3|'z'\n! row 2 line 3 at 8 [2,\"y\\n] a quoted field is never "
              "closed\n");
    /* the next quote opens a field: what it seems to close was never closed */
    CHECK_CSV("a,b\n1,\"x\n2,\"y\"\n3,\"z\"\n", "a int, b string",
              "2: 2|'y'\n3: 3|'z'\n! row 1 line 2 at 4 [1,\"x\\n] a quoted field is never "
              "closed\n");
    CHECK_CSV("a,b\n1,\"x\n2,\"y\n3,\"z\n", "a int, b string",
              "! row 1 line 2 at 4 [1,\"x\\n] a quoted field is never closed\n"
              "! row 2 line 3 at 9 [2,\"y\\n] a quoted field is never closed\n"
              "! row 3 line 4 at 14 [3,\"z\\n] a quoted field is never closed\n");
    CHECK_CSV("a,b\n\"", "a int, b string",
              "! row 1 line 2 at 4 [\"] a quoted field is never closed\n");
    CHECK_CSV("a,b\n\"\"\"", "a int, b string",
              "! row 1 line 2 at 4 [\"\"\"] a quoted field is never closed\n");
}

static void escapes_other_than_quotes(void) {
    TarnSourceOptions options = csv_options("a int, b string");
    options.csv.escape = '\\';
    CHECK_READ("a,b\n1,\"x\\\"y\"\n2,\"a\\\\\"\n3,\"\\\n\"\n4,x\\y\n", options,
               "1: 1|'x\"y'\n2: 2|'a\\'\n3: 3|'\\n'\n4: 4|'x\\y'\n");
    CHECK_READ("a,b\n1,\"x\\\n2,y\n", options,
               "2: 2|'y'\n! row 1 line 2 at 4 [1,\"x\\\\n] a quoted field is never closed\n");
    CHECK_READ("a,b\n1,\"x\\", options,
               "! row 1 line 2 at 4 [1,\"x\\] a quoted field is never closed\n");
    options.csv.quote = '\0';
    options.csv.escape = '\0';
    CHECK_READ("a,b\n1,\"x\n2,\"y\"\n", options, "1: 1|'\"x'\n2: 2|'\"y\"'\n");
    options.csv.quote = '\'';
    CHECK_READ("a,b\n1,'x,\"'\n", options, "1: 1|'x,\"'\n");
}

static void ragged_rows(void) {
    CHECK_CSV("a,b\n1\n2,y\n3,z,w\n4,\n", "a int, b string",
              "2: 2|'y'\n4: 4|null\n"
              "! row 1 line 2 at 4 [1\\n] the row has 1 fields, the header has 2\n"
              "! row 3 line 4 at 10 [3,z,w\\n] the row has 3 fields, the header has 2\n");
    /* a wrong width is the better reason */
    CHECK_CSV("a,b\nx,1,2\n", "a int, b string",
              "! row 1 line 2 at 4 [x,1,2\\n] the row has 3 fields, the header has 2\n");
    CHECK_CSV("a,b\n1,x,\n2,y\n", "a int, b string", "1: 1|'x'\n2: 2|'y'\n"); /* ends in a comma */
    CHECK_CSV("a,b,\n1,x,\n2,y,\n", "a int, b string", "1: 1|'x'\n2: 2|'y'\n");
    CHECK_CSV("a,b\n1,x,\"\"\n", "a int, b string",
              "! row 1 line 2 at 4 [1,x,\"\"\\n] the row has 3 fields, the header has 2\n");
}

static void wrong_values(void) {
    CHECK_CSV("a,b\n1,x\nabc,y\n3,z\n", "a int, b string",
              "1: 1|'x'\n3: 3|'z'\n! row 2 line 3 at 8 [abc,y\\n] column \"a\": \"abc\" is not of "
              "that type (int)\n");
    CHECK_CSV("a\n2147483647\n2147483648\n-2147483648\n", "a int",
              "1: 2147483647\n3: -2147483648\n! row 2 line 3 at 13 [2147483648\\n] column \"a\": "
              "\"2147483648\" is out of range (int)\n");
    CHECK_CSV("a\n9223372036854775807\n9223372036854775808\n-9223372036854775808\n1.0\n", "a long",
              "1: 9223372036854775807\n3: -9223372036854775808\n"
              "! row 2 line 3 at 22 [9223372036854775808\\n] column \"a\": \"9223372036854775808\" "
              "is out of range (long)\n"
              "! row 4 line 5 at 63 [1.0\\n] column \"a\": \"1.0\" is not of that type (long)\n");
    CHECK_CSV("a\n1.50\n1.505\n-12345678.9\n1234567\n", "a decimal(9,2)",
              "1: 1.50\n4: 1234567.00\n"
              "! row 2 line 3 at 7 [1.505\\n] column \"a\": \"1.505\" has more digits than the "
              "type "
              "keeps (decimal(9,2))\n"
              "! row 3 line 4 at 13 [-12345678.9\\n] column \"a\": \"-12345678.9\" is out of range "
              "(decimal(9,2))\n");
    CHECK_CSV("a\n2024-02-29\n2023-02-29\n", "a date",
              "1: 2024-02-29\n! row 2 line 3 at 13 [2023-02-29\\n] column \"a\": \"2023-02-29\" is "
              "out of range (date)\n");
    CHECK_CSV("a\n1\n\n\"\"\nx\n", "a int!",
              "1: 1\n! row 2 line 4 at 5 [\"\"\\n] column \"a\" is required and has no value\n"
              "! row 3 line 5 at 8 [x\\n] column \"a\": \"x\" is not of that type (int)\n");
}

static void every_type(void) {
    CHECK_CSV("a\ntrue\nF\n1\nno\n\n", "a boolean", "1: true\n2: false\n3: true\n4: false\n");
    CHECK_CSV("a,b\n1.5,1e308\n 2 ,-0.1\nnan,inf\n", "a float, b double",
              "1: 1.5|1e+308\n2: 2.0|-0.1\n3: NaN|Infinity\n");
    CHECK_CSV("a,b,c\n12:34:56.789,2024-01-02 03:04:05,2024-01-02T03:04:05+02:00\n",
              "a time, b timestamp, c timestamptz",
              "1: 12:34:56.789|2024-01-02T03:04:05|2024-01-02T01:04:05Z\n");
    CHECK_CSV("a\n2024-01-02 03:04:05Z\n", "a timestamp",
              "! row 1 line 2 at 2 [2024-01-02 03:04:05Z\\n] column \"a\": \"2024-01-02 "
              "03:04:05Z\" "
              "has a time zone and the type has none (timestamp)\n");
    CHECK_CSV("a,b\n2024-01-02 03:04:05.123456789,2024-01-02 03:04:05.123456\n",
              "a timestamp_ns, b timestamp",
              "1: 2024-01-02T03:04:05.123456789|2024-01-02T03:04:05.123456\n");
    CHECK_CSV("a\n2300-01-01\n", "a timestamptz_ns",
              "! row 1 line 2 at 2 [2300-01-01\\n] column \"a\": \"2300-01-01\" is out of range "
              "(timestamptz_ns)\n");
    CHECK_CSV("a\n2024-01-02 03:04:05.1234567\n", "a timestamp",
              "! row 1 line 2 at 2 [2024-01-02 03:04:05.1234567\\n] column \"a\": \"2024-01-02 "
              "03:04:05.1234567\" has more digits than the type keeps (timestamp)\n");
    CHECK_CSV("a,b,c\n00112233-4455-6677-8899-aabbccddeeff,abc,xy\n",
              "a uuid, b fixed[3], c binary",
              "1: '00112233-4455-6677-8899-aabbccddeeff'|'abc'|'xy'\n");
    CHECK_CSV("a\nab\n", "a fixed[3]",
              "! row 1 line 2 at 2 [ab\\n] column \"a\": \"ab\" has another length (fixed[3])\n");
    TarnSourceOptions options = csv_options("a date, b timestamp");
    options.csv.date_format = "%d.%m.%Y";
    options.csv.timestamp_format = "%m/%d/%y %I:%M %p";
    CHECK_READ("a,b\n31.12.2023,1/2/24 12:05 AM\n", options, "1: 2023-12-31|2024-01-02T00:05:00\n");
    options.csv.date_format = "%d.%j";
    const char *got = read_bytes(TARN_TEXT("a,b\n"), &options);
    CHECK(strstr(got, "\"%j\" is not known") != NULL);
}

static void nulls(void) {
    CHECK_CSV("a,b,c\n,,\n\"\",\"\",x\n", "a int, b string, c double",
              "1: null|null|null\n! row 2 line 3 at 9 [\"\",\"\",x\\n] column \"c\": \"x\" is "
              "not of "
              "that type (double)\n");
    CHECK_CSV("a,b\n\"\",\"\"\n", "a int, b string", "1: null|''\n");
    static const char *const texts[] = {"NA", "-"};
    TarnSourceOptions options = csv_options("a int, b string");
    options.csv.null_texts = texts;
    options.csv.null_text_count = 2;
    CHECK_READ("a,b\nNA,NA\n-,-\n\"NA\",\"NA\"\n,\n", options,
               "1: null|null\n2: null|null\n4: null|''\n! row 3 line 4 at 14 [\"NA\",\"NA\"\\n] "
               "column "
               "\"a\": \"NA\" is not of that type (int)\n");
    options = csv_options("a int, b string");
    options.csv.typed_null_texts = texts;
    options.csv.typed_null_text_count = 2;
    CHECK_READ("a,b\nNA,NA\n", options, "1: null|'NA'\n");
}

static void bytes_that_are_no_text(void) {
    CHECK_CSV("a,b\n1,x\0y\n2,z\n", "a int, b string",
              "2: 2|'z'\n! row 1 line 2 at 4 [1,x\\x00y\\n] column \"b\": \"x y\" holds a NUL byte "
              "(string)\n");
    CHECK_CSV("a,b\n1,\xC3(\n2,\xC3\xA4\n3,\xED\xA0\x80\n", "a int, b string",
              "2: 2|'\xC3\xA4'\n! row 1 line 2 at 4 [1,\xC3(\\n] column \"b\": \"\" is not valid "
              "UTF-8 "
              "(string)\n! row 3 line 4 at 14 [3,\xED\xA0\x80\\n] column \"b\": \"\" is not "
              "valid UTF-8 "
              "(string)\n");
    TarnSourceOptions options = csv_options("a int");
    CHECK(strstr(read_bytes(TARN_TEXT("\xFF\xFE" "a\0\n\0"), &options), "UTF-16") != NULL);
    CHECK(strstr(read_bytes(TARN_TEXT("\xFE\xFF\0a\0\n"), &options), "UTF-16") != NULL);
    CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
}

static void headers_that_do_not_fit(void) {
    TarnSourceOptions options = csv_options("price int, name string");
    const char *got = read_bytes(TARN_TEXT("prize,name\n1,x\n"), &options);
    CHECK_STRING(strstr(got, "wrong header"), "wrong header: the column \"price\" is missing");
    CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
    CHECK_STRING(failure.detail, "the file has: prize, name");
    CHECK(strstr(failure.hint, "prize") != NULL);
    options.missing_as_null = true;
    CHECK_READ("prize,name\n1,x\n", options, "1: null|'x'\n");
    CHECK_READ("q,r,name,s\n1,2,x,3\n", options, "1: null|'x'\n"); /* more fields than columns */
    got = read_bytes(TARN_TEXT("q,r\n1,x\n"), &options);
    CHECK(strstr(got, "wrong header") != NULL);
    options = csv_options("price int!, name string");
    options.missing_as_null = true;
    got = read_bytes(TARN_TEXT("name\nx\n"), &options);
    CHECK(strstr(got, "wrong header") != NULL);
    options = csv_options("a int");
    options.refuse_extra_fields = true;
    CHECK_READ("a,b\n1,\n2,x\n", options,
               "1: 1\n! row 2 line 3 at 7 [2,x\\n] field 2 is not a column of the table\n");
    CHECK_STRING(dropped_text(), "0:");
    options.csv.null_texts = (const char *const[]){"-"};
    options.csv.null_text_count = 1;
    CHECK_READ("a,b\n1,-\n2,\"-\"\n", options,
               "1: 1\n! row 2 line 3 at 8 [2,\"-\"\\n] field 2 is not a column of the table\n");
}

static void fields_that_are_dropped_are_counted(void) {
    CHECK_CSV("a,Town,,b\n1,,,\n2,x,,y\nno,x,1,y\n4,\"\",2,\n", "a int",
              "1: 1\n2: 2\n4: 4\n"
              "! row 3 line 4 at 22 [no,x,1,y\\n] column \"a\": \"no\" is not of that type "
              "(int)\n");
    CHECK_STRING(dropped_text(), "2: Town, b, column2");
}

static void names_that_come_twice(void) {
    CHECK_CSV("a,a,A\n1,2,3\n", "a int, a_1 int, A_2 int", "1: 1|2|3\n");
    CHECK_CSV("a,a_1,a\n1,2,3\n", "a int, a_1 int, a_2 int", "1: 1|2|3\n");
    CHECK_CSV(",a\n1,2\n", "column0 int, a int", "1: 1|2\n");
}

static void dialects(void) {
    TarnSourceOptions options = csv_options("a int, b string");
    options.csv.delimiter = '\t';
    options.csv.skip_lines = 2;
    CHECK_READ("made by x\n\"\na\tb\n1\tx,y\n", options, "1: 1|'x,y'\n");
    CHECK_READ("made by x\n", options, "");
    options = csv_options("a int, b string");
    options.csv.header = false;
    CHECK_READ("1,x\n2,y\n3\n", options,
               "1: 1|'x'\n2: 2|'y'\n! row 3 line 3 at 8 [3\\n] the row has 1 fields, the header "
               "has 2\n");
    static const char bad[][3] = {{'\n', '"', 0}, {',', ',', 0}, {0, '"', 0}, {',', '\r', 0},
                                  {',', '"', ','}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.csv.delimiter = bad[i][0];
        options.csv.quote = bad[i][1];
        options.csv.escape = bad[i][2];
        (void)read_bytes(TARN_TEXT("a,b\n"), &options);
        CHECK_INT(failure.code, TARN_E_CONFIG);
    }
}

/* ---- large things -------------------------------------------------------------------------- */

static void huge_field_is_read(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 100 * TARN_MIB);
    tarn_base_buffer_string(&file, "a,b\n1,\"");
    for (int i = 0; i < 1024 * 1024; i++) tarn_base_buffer_string(&file, "0123456\n89");
    tarn_base_buffer_string(&file, "\"\n2,y\n");
    TarnSourceOptions options = csv_options("a int, b string");
    const char *got = read_bytes(tarn_base_buffer_view(&file), &options);
    CHECK_INT(got_rows, 2);
    CHECK_INT(got_rejects, 0);
    CHECK(strlen(got) > 11 * TARN_MIB && strstr(got, "\n2: 2|'y'\n") != NULL);
    CHECK_INT(got_bytes, file.size - 4);
    tarn_base_buffer_dispose(&file);
}

static void row_without_end_is_refused_alone(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 200 * TARN_MIB);
    tarn_base_buffer_string(&file, "a,b\n1,x\n2,");
    size_t size = file.size + 70 * TARN_MIB;
    REQUIRE(tarn_base_buffer_reserve(&file, 80 * TARN_MIB));
    memset(file.data + file.size, 'z', size - file.size);
    file.size = size;
    tarn_base_buffer_string(&file, "\n3,y\n");
    TarnSourceOptions options = csv_options("a int, b string");
    const char *got = read_bytes(tarn_base_buffer_view(&file), &options);
    CHECK(strncmp(got, "1: 1|'x'\n3: 3|'y'\n! row 2 line 3 at 8 [2,zzz", 44) == 0);
    CHECK(strstr(got, "the row is longer than 64 MB") != NULL);
    CHECK_INT(got_rejects, 1);
    tarn_base_buffer_dispose(&file);
}

static void quote_never_closed_in_a_large_file(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 200 * TARN_MIB);
    tarn_base_buffer_string(&file, "a,b\n1,\"x\n");
    size_t rows = 0;
    for (; file.size < 80 * TARN_MIB; rows++) {
        tarn_base_buffer_string(&file, "7,0123456789012345678901234567890123456789"
                                       "0123456789012345678901234567890123456789\n");
    }
    const char *path = write_file("t.csv", file.data, file.size);
    tarn_base_buffer_dispose(&file);
    TarnSourceOptions options = csv_options("a int, b string");
    TarnSourceReader *reader;
    REQUIRE_OK(tarn_source_reader_open(tarn_os_posix(), path, &options, &reader, &failure),
               &failure);
    size_t got = 0;
    size_t rejects = 0;
    bool more = true;
    while (more) {
        TarnBatch batch = {0};
        REQUIRE_OK(tarn_source_reader_next(reader, 0, &batch, &more, &failure), &failure);
        if (!more) break;
        got += (size_t)batch.array.length;
        rejects += batch.reject_count;
        batch.array.release(&batch.array);
    }
    CHECK_INT(got, rows);
    CHECK_INT(rejects, 1);
    tarn_source_reader_close(reader);
}

static void thousands_of_columns(void) {
    enum { WIDTH = 10000 };
    TarnBuffer file;
    TarnColumn *columns = TARN_NEW_ARRAY(&test_arena, WIDTH, TarnColumn);
    tarn_base_buffer_init(&file, 100 * TARN_MIB);
    for (int row = 0; row < 4; row++) {
        for (int i = 0; i < WIDTH; i++) {
            tarn_base_buffer_printf(&file, row == 0 ? "%sc%d" : "%s%d", i > 0 ? "," : "",
                                    i * row + i);
            columns[i] = (TarnColumn){.type = {.kind = TARN_TYPE_LONG}};
            columns[i].name = tarn_base_arena_printf(&test_arena, "C%d", i);
        }
        tarn_base_buffer_byte(&file, '\n');
    }
    TarnSourceOptions options = csv_options("");
    options.columns = columns;
    options.column_count = WIDTH;
    const char *got = read_bytes(tarn_base_buffer_view(&file), &options);
    CHECK_INT(got_rows, 3);
    CHECK(strncmp(got, "1: 0|2|4|6|", 11) == 0 && strstr(got, "|19998\n2: 0|3|6|") != NULL);
    CHECK(strstr(got, "|29997\n3: 0|4|8|") != NULL && strstr(got, "|39996\n") != NULL);
    tarn_base_buffer_dispose(&file);
}

static void nothing_but_bad_rows(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 100 * TARN_MIB);
    tarn_base_buffer_string(&file, "a\n");
    for (int i = 0; i < 100000; i++) tarn_base_buffer_string(&file, i % 10 == 9 ? "1\n" : "x\n");
    TarnSourceOptions options = csv_options("a int");
    options.slots = 3;
    (void)read_bytes(tarn_base_buffer_view(&file), &options);
    CHECK_INT(got_rows, 10000);
    CHECK_INT(got_rejects, 90000);
    CHECK_INT(got_bytes, 200000);
    tarn_base_buffer_dispose(&file);
}

/* ---- compressed ---------------------------------------------------------------------------- */

static size_t gzip(const char *text, size_t size, unsigned char *out, size_t room) {
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (uInt)size,
                       .next_out = out, .avail_out = (uInt)room};
    deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    deflate(&stream, Z_FINISH);
    deflateEnd(&stream);
    return room - stream.avail_out;
}

static void compressed_files(void) {
    static const char first[] = "a,b\n1,x\n2,\"y";
    static const char second[] = "z\"\n3,w\n";
    unsigned char data[1024];
    TarnSourceOptions options = csv_options("a int, b string");
    const char *wanted = "1: 1|'x'\n2: 2|'yz'\n3: 3|'w'\n";
    size_t size = gzip(first, sizeof(first) - 1, data, sizeof(data));
    size += gzip(second, sizeof(second) - 1, data + size, sizeof(data) - size);
    options.compression = TARN_COMPRESSION_GZIP;
    TarnText whole = {(const char *)data, size};
    CHECK_STRING(read_bytes(whole, &options), wanted);
    memset(data + size, 0, 100); /* padding, as tape and block copies leave it */
    CHECK_STRING(read_bytes((TarnText){whole.data, size + 100}, &options), wanted);
    memcpy(data + size, "junk", 4);
    CHECK(strstr(read_bytes((TarnText){whole.data, size + 4}, &options), "damaged") != NULL);
    for (size_t cut = 1; cut < size; cut++) {
        (void)read_bytes((TarnText){whole.data, cut}, &options);
        bool between_members = cut == gzip(first, sizeof(first) - 1, (unsigned char[256]){0}, 256);
        if (!between_members) CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
    }

    size = ZSTD_compress(data, sizeof(data), first, sizeof(first) - 1, 3);
    size += ZSTD_compress(data + size, sizeof(data) - size, second, sizeof(second) - 1, 3);
    whole.size = size;
    options.compression = TARN_COMPRESSION_ZSTD;
    CHECK_STRING(read_bytes(whole, &options), wanted);
    whole.size--;
    CHECK(strstr(read_bytes(whole, &options), "ends too early") != NULL);
    data[10] ^= 0x55;
    (void)read_bytes(whole, &options);
    CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
}

static void detection(void) {
    static const struct {
        const char *name;
        const char *content;
        TarnFileFormat format;
        TarnFileCompression compression;
    } files[] = {
        {"a.csv", "x", TARN_FILE_CSV, TARN_COMPRESSION_NONE},
        {"a.CSV", "{}", TARN_FILE_CSV, TARN_COMPRESSION_NONE},
        {"a.tsv", "", TARN_FILE_CSV, TARN_COMPRESSION_NONE},
        {"a.json", "[{}]", TARN_FILE_JSON, TARN_COMPRESSION_NONE},
        {"a.json", "{\"a\":1}\n{\"a\":2}\n", TARN_FILE_NDJSON, TARN_COMPRESSION_NONE},
        {"a.json", "{\"a\":\n1}\n", TARN_FILE_JSON, TARN_COMPRESSION_NONE},
        {"a.ndjson", "", TARN_FILE_NDJSON, TARN_COMPRESSION_NONE},
        {"a.bin", "PAR1", TARN_FILE_PARQUET, TARN_COMPRESSION_NONE},
        {"a.bin", "Obj\x01", TARN_FILE_AVRO, TARN_COMPRESSION_NONE},
        {"a.bin", "\xEF\xBB\xBF [", TARN_FILE_JSON, TARN_COMPRESSION_NONE},
        {"a.bin", "a,b", TARN_FILE_CSV, TARN_COMPRESSION_NONE},
        {"a.csv.gz", "a,b", TARN_FILE_CSV, TARN_COMPRESSION_NONE}, /* the name lies */
        {"a.csv", "\x28\xB5\x2F\xFD", TARN_FILE_CSV, TARN_COMPRESSION_ZSTD},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        TarnFileFormat format;
        TarnFileCompression compression;
        const char *path = write_file(files[i].name, files[i].content, strlen(files[i].content));
        CHECK_OK(tarn_source_detect(tarn_os_posix(), path, &format, &compression, &failure),
                 &failure);
        CHECK_INT(format, files[i].format);
        CHECK_INT(compression, files[i].compression);
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    start_source();
    TAP_TEST(plain_tables_are_read);
    TAP_TEST(files_without_rows);
    TAP_TEST(line_ends);
    TAP_TEST(quotes);
    TAP_TEST(text_behind_a_closing_quote);
    TAP_TEST(quotes_that_never_close);
    TAP_TEST(escapes_other_than_quotes);
    TAP_TEST(ragged_rows);
    TAP_TEST(wrong_values);
    TAP_TEST(every_type);
    TAP_TEST(nulls);
    TAP_TEST(bytes_that_are_no_text);
    TAP_TEST(headers_that_do_not_fit);
    TAP_TEST(fields_that_are_dropped_are_counted);
    TAP_TEST(names_that_come_twice);
    TAP_TEST(dialects);
    TAP_TEST(huge_field_is_read);
    TAP_TEST(row_without_end_is_refused_alone);
    TAP_TEST(quote_never_closed_in_a_large_file);
    TAP_TEST(thousands_of_columns);
    TAP_TEST(nothing_but_bad_rows);
    TAP_TEST(compressed_files);
    TAP_TEST(detection);
    return end_source();
}
