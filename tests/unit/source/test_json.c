/* JSON and NDJSON: values of every type, what is refused and why, broken documents, inference. */
#include "source_test.h"

static TarnSourceOptions json_options(TarnFileFormat format, const char *columns) {
    TarnSourceOptions options = {.format = format, .slots = 1};
    options.columns = columns_of(columns, &options.column_count);
    return options;
}

static void check_read(const char *file, int line, const char *content, size_t size,
                       TarnSourceOptions options, const char *wanted) {
    static const size_t pieces[] = {0, 1, 2, 5, 16, 61, 64};
    const char *path = write_file("t.json", content, size);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        options.piece_bytes = pieces[i];
        options.slots = 1 + (uint32_t)i % 3;
        const char *got = read_file(path, &options);
        if (strcmp(got, wanted) == 0) continue;
        printf("# pieces of %zu bytes\n", pieces[i]);
        tap_string(file, line, content, got, wanted);
        return;
    }
}
#define CHECK_LINES(content, columns, wanted)                                                      \
    check_read(__FILE__, __LINE__, content, sizeof(content) - 1,                                   \
               json_options(TARN_FILE_NDJSON, columns), wanted)
#define CHECK_DOCUMENT(content, columns, wanted)                                                   \
    check_read(__FILE__, __LINE__, content, sizeof(content) - 1,                                   \
               json_options(TARN_FILE_JSON, columns), wanted)

static void lines_are_rows(void) {
    CHECK_LINES("{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\",\"a\":2}\n", "a int, b string",
                "1: 1|'x'\n2: 2|'y'\n");
    CHECK_LINES("\xEF\xBB\xBF{\"a\":1}\r\n\r\n\n {\"A\" : 2 } \n{}", "a int",
                "1: 1\n2: 2\n3: null\n");
    CHECK_LINES("", "a int", "");
    CHECK_LINES("{\"a\":1}\nnull\n[1]\n\"x\"\n  \n{\"a\":2} x\n", "a int",
                "1: 1\n! row 2 line 2 at 8 [null\\n] the row is not a JSON object\n"
                "! row 3 line 3 at 13 [[1]\\n] the row is not a JSON object\n"
                "! row 4 line 4 at 17 [\"x\"\\n] the row is not a JSON object\n"
                "! row 5 line 5 at 21 [  \\n] the row is not a JSON object\n"
                "! row 6 line 6 at 24 [{\"a\":2} x\\n] text follows the object\n");
}

static void numbers_are_exact(void) {
    CHECK_LINES("{\"a\":9223372036854775807}\n{\"a\":-9223372036854775808}\n"
                "{\"a\":9223372036854775808}\n{\"a\":1.0}\n{\"a\":17e2}\n{\"a\":1.5}\n"
                "{\"a\":25e-1}\n{\"a\":50e-1}\n{\"a\":\"12\"}\n{\"a\":1e30}\n{\"a\":1e999}\n",
                "a long",
                "1: 9223372036854775807\n2: -9223372036854775808\n4: 1\n5: 1700\n8: 5\n9: 12\n"
                "! row 3 line 3 at 53 [{\"a\":9223372036854775808}\\n] column \"a\": "
                "\"9223372036854775808\" is out of range (long)\n"
                "! row 6 line 6 at 100 [{\"a\":1.5}\\n] column \"a\": \"1.5\" has more digits than "
                "the type keeps (long)\n"
                "! row 7 line 7 at 110 [{\"a\":25e-1}\\n] column \"a\": \"25e-1\" has more digits "
                "than the type keeps (long)\n"
                "! row 10 line 10 at 145 [{\"a\":1e30}\\n] column \"a\": \"1e30\" is out of range "
                "(long)\n"
                "! row 11 line 11 at 156 [{\"a\":1e999}\\n] column \"a\": \"1e999\" is out of "
                "range (long)\n");
    CHECK_LINES("{\"a\":1}\n{\"a\":1.5}\n{\"a\":-1.250}\n{\"a\":1.005e2}\n{\"a\":125e-2}\n"
                "{\"a\":\"7.25\"}\n{\"a\":1.255}\n{\"a\":1e9}\n{\"a\":1e-2}\n",
                "a decimal(9,2)",
                "1: 1.00\n2: 1.50\n3: -1.25\n4: 100.50\n5: 1.25\n6: 7.25\n9: 0.01\n"
                "! row 7 line 7 at 71 [{\"a\":1.255}\\n] column \"a\": \"1.255\" has more digits "
                "than the type keeps (decimal(9,2))\n"
                "! row 8 line 8 at 83 [{\"a\":1e9}\\n] column \"a\": \"1e9\" is out of range "
                "(decimal(9,2))\n");
    CHECK_LINES("{\"a\":1,\"b\":0.1}\n{\"a\":2147483648}\n{\"b\":1e400}\n", "a int, b double",
                "1: 1|0.1\n! row 2 line 2 at 16 [{\"a\":2147483648}\\n] column \"a\": "
                "\"2147483648\" is out of range (int)\n! row 3 line 3 at 33 [{\"b\":1e400}\\n] "
                "column \"b\": \"1e400\" is out of range (double)\n");
}

static void every_type(void) {
    CHECK_LINES("{\"a\":true,\"b\":\"2024-02-29\",\"c\":\"2024-01-02T03:04:05.5Z\","
                "\"d\":\"12:00:00\",\"e\":\"00112233-4455-6677-8899-aabbccddeeff\","
                "\"f\":\"aGkh\",\"g\":\"aGk=\",\"h\":\"2024-01-02 03:04:05\"}\n",
                "a boolean, b date, c timestamptz, d time, e uuid, f binary, g fixed[2], "
                "h timestamp",
                "1: true|2024-02-29|2024-01-02T03:04:05.500Z|12:00:00|"
                "'00112233-4455-6677-8899-aabbccddeeff'|'hi!'|'hi'|2024-01-02T03:04:05\n");
    CHECK_LINES("{\"a\":1}\n", "a boolean",
                "! row 1 line 1 at 0 [{\"a\":1}\\n] column \"a\": \"1\" is not of that type "
                "(boolean)\n");
    CHECK_LINES("{\"a\":\"aGk\"}\n{\"a\":\"aGl\"}\n{\"a\":\"a\"}\n{\"a\":\"a!bc\"}\n", "a binary",
                "1: 'hi'\n"
                "! row 2 line 2 at 12 [{\"a\":\"aGl\"}\\n] column \"a\": \"aGl\" is not of that "
                "type (binary)\n"
                "! row 3 line 3 at 24 [{\"a\":\"a\"}\\n] column \"a\": \"a\" is not of that type "
                "(binary)\n"
                "! row 4 line 4 at 34 [{\"a\":\"a!bc\"}\\n] column \"a\": \"a!bc\" is not of that "
                "type (binary)\n");
    /* a column of texts takes anything, as JSON */
    CHECK_LINES("{\"a\":1.50}\n{\"a\":[1, {\"b\":null}]}\n{\"a\":true}\n{\"a\":null}\n", "a string",
                "1: '1.50'\n2: '[1, {\"b\":null}]'\n3: 'true'\n4: null\n");
}

static void strings(void) {
    CHECK_LINES("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00x\"}\n"
                "{\"a\":\"\xC3\xA4 a text of more than sixteen bytes\"}\n{\"\\u0061\":\"\"}\n",
                "a string",
                "1: '\"\\/\\x08\\x0C\\n\\r\\x09\xC3\xA4\xF0\x9F\x98\x80x'\n"
                "2: '\xC3\xA4 a text of more than sixteen bytes'\n3: ''\n");
    CHECK_LINES("{\"a\":\"\\u0000\"}\n{\"a\":\"\\uD83D\"}\n{\"a\":\"\\x\"}\n{\"a\":\"\xFF\"}\n"
                "{\"a\":\"x\ty\"}\n{\"a\":\"x}\n",
                "a string",
                "! row 1 line 1 at 0 [{\"a\":\"\\u0000\"}\\n] column \"a\": \" \" holds a NUL byte "
                "(string)\n"
                "! row 2 line 2 at 15 [{\"a\":\"\\uD83D\"}\\n] not JSON at byte 13 of the row: "
                "half of a surrogate pair\n"
                "! row 3 line 3 at 30 [{\"a\":\"\\x\"}\\n] not JSON at byte 9 of the row: an "
                "unknown escape\n"
                "! row 4 line 4 at 41 [{\"a\":\"\xFF\"}\\n] not JSON at byte 9 of the row: a "
                "string "
                "is not valid UTF-8\n"
                "! row 5 line 5 at 51 [{\"a\":\"x\\x09y\"}\\n] not JSON at byte 8 of the row: a "
                "control character in a string\n"
                "! row 6 line 6 at 63 [{\"a\":\"x}\\n] not JSON at byte 9 of the row: a control "
                "character in a string\n");
}

static void nested_types(void) {
    CHECK_LINES("{\"s\":{\"x\":1,\"y\":[1,2]},\"l\":[],\"m\":{\"k\":1,\"j\":null}}\n"
                "{\"s\":null,\"l\":[{\"p\":1},null,{}],\"m\":{}}\n{}\n",
                "s struct<x int, y list<long>>, l list<struct<p int>>, m map<string,int>",
                "1: {x=1 y=[1 2]}|[]|{'k':1 'j':null}\n2: null|[{p=1} null {p=null}]|{}\n"
                "3: null|null|null\n");
    CHECK_LINES("{\"m\":{\"1\":[1],\"2\":[]}}\n{\"m\":{\"x\":[]}}\n", "m map<int,list<int>>",
                "1: {1:[1] 2:[]}\n! row 2 line 2 at 23 [{\"m\":{\"x\":[]}}\\n] column \"m.key\": "
                "\"x\" is not of that type (int)\n");
    /* a row refused in the middle of a list leaves nothing behind */
    CHECK_LINES("{\"l\":[[1],[2,\"x\"]]}\n{\"l\":[[3]]}\n{\"l\":[[1,2],[\n{\"l\":[[4,5]]}\n",
                "l list<list<int>>",
                "2: [[3]]\n4: [[4 5]]\n! row 1 line 1 at 0 [{\"l\":[[1],[2,\"x\"]]}\\n] column "
                "\"l[1][1]\": \"x\" is not of that type (int)\n"
                "! row 3 line 3 at 32 [{\"l\":[[1,2],[\\n] not JSON at byte 15 of the row: no "
                "value begins here\n");
}

static void paths_of_what_is_refused(void) {
    CHECK_LINES("{\"items\":[{\"price\":1},{\"price\":\"x\"}]}\n", "items list<struct<price "
        "double>>",
                "! row 1 line 1 at 0 [{\"items\":[{\"price\":1},{\"price\":\"x\"}]}\\n] column "
                "\"items[1].price\": \"x\" is not of that type (double)\n");
    CHECK_LINES("{\"m\":{\"k\":{\"v\":[1]}}}\n", "m map<string,struct<v int>>",
                "! row 1 line 1 at 0 [{\"m\":{\"k\":{\"v\":[1]}}}\\n] column \"m.k.v\": \"[1]\" is "
                "not of that type (int)\n");
    CHECK_LINES("{\"s\":{}}\n{\"s\":{\"x\":null}}\n{\"s\":[]}\n{\"s\":1}\n{\"s\":true}\n",
                "s struct<x int!>",
                "! row 1 line 1 at 0 [{\"s\":{}}\\n] column \"s.x\" is required and has no value\n"
                "! row 2 line 2 at 9 [{\"s\":{\"x\":null}}\\n] column \"s.x\" is required and has "
                "no value\n"
                "! row 3 line 3 at 26 [{\"s\":[]}\\n] column \"s\": \"[]\" is not of that type "
                "(struct)\n"
                "! row 4 line 4 at 35 [{\"s\":1}\\n] column \"s\": \"1\" is not of that type "
                "(struct)\n"
                "! row 5 line 5 at 43 [{\"s\":true}\\n] column \"s\": \"true\" is not of that type "
                "(struct)\n");
    CHECK_LINES("{\"b\":1}\n", "a int!, b int",
                "! row 1 line 1 at 0 [{\"b\":1}\\n] column \"a\" is required and has no value\n");
}

static void fields_that_are_not_columns(void) {
    CHECK_LINES("{\"x\":{\"y\":[1,\"}\",{}]},\"a\":1,\"z\":null}\n", "a int", "1: 1\n");
    CHECK_LINES("{\"a\":1,\"a\":2}\n{\"a\":1,\"A\":2}\n", "a int",
                "! row 1 line 1 at 0 [{\"a\":1,\"a\":2}\\n] the field \"a\" comes twice\n"
                "! row 2 line 2 at 14 [{\"a\":1,\"A\":2}\\n] the field \"a\" comes twice\n");
    TarnSourceOptions options = json_options(TARN_FILE_NDJSON, "a int");
    options.refuse_extra_fields = true;
    static const char content[] = "{\"a\":1,\"b\":2}\n{\"a\":2,\"b\":null}\n";
    check_read(__FILE__, __LINE__, content, sizeof(content) - 1, options,
               "2: 2\n! row 1 line 1 at 0 [{\"a\":1,\"b\":2}\\n] the field \"b\" is not a column "
               "of "
               "the table\n");
    CHECK_STRING(dropped_text(), "0:");
}

static void fields_that_are_dropped_are_counted(void) {
    CHECK_LINES("{\"z\":1,\"a\":1,\"b\":{\"x\":1,\"y\":2},\"q\":null}\n"
                "{\"a\":2,\"b\":{\"x\":1,\"y\":null}}\n{\"a\":\"no\",\"lost\":1}\n"
                "{\"a\":3,\"l\":[{\"w\":1,\"v\":[]}],\"m\":{\"k\":{\"u\":false}},\"z\":\"\"}\n",
                "a int, b struct<x int>, l list<struct<w int>>, m map<string,struct<t int>>",
                "1: 1|{x=1}|null|null\n2: 2|{x=1}|null|null\n4: 3|null|[{w=1}]|{'k':{t=null}}\n"
                "! row 3 line 3 at 70 [{\"a\":\"no\",\"lost\":1}\\n] column \"a\": \"no\" is not "
                "of that type (int)\n");
    CHECK_STRING(dropped_text(), "2: b.y, l.element.v, m.value.u, z");
    CHECK_DOCUMENT("[{\"a\":1,\"b\":2},{\"a\":1,\"b\":3}]", "a int", "1: 1\n2: 1\n");
    CHECK_STRING(dropped_text(), "2: b");
    TarnBuffer wide;
    tarn_base_buffer_init(&wide, TARN_MIB);
    for (int i = 0; i < 10; i++) {
        for (int f = 0; f < 40; f++) {
            tarn_base_buffer_printf(&wide, "%s\"f%02d\":1", f == 0 ? "{\"a\":1," : ",", f);
        }
        tarn_base_buffer_string(&wide, "}\n");
    }
    TarnSourceOptions options = json_options(TARN_FILE_NDJSON, "a int");
    (void)read_file(write_file("t.json", wide.data, wide.size), &options);
    CHECK_INT(got_dropped.rows, 10);
    CHECK_INT(got_dropped.name_count, TARN_SOURCE_DROPPED_NAMES);
    CHECK(got_dropped.more);
    tarn_base_buffer_dispose(&wide);
}

static void text_that_is_not_json(void) {
    static const char *const bad[] = {"{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}",
                                      "{\"a\":01}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}",
                                      "{\"a\":1e}", "{\"a\":-}", "{\"a\":tru}", "{\"a\":nul}",
                                      "{\"a\":'x'}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{,}",
                                      "{\"z\":[1,}", "{\"z\":[1", "{\"z\":{\"q\":01}}",
                                      "{\"a\":NaN}", "{\"a\":\"\\u12\"}", "{\"a\":1}}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char content[128];
        snprintf(content, sizeof(content), "{\"a\":7}\n%s\n{\"a\":8}\n", bad[i]);
        TarnSourceOptions options = json_options(TARN_FILE_NDJSON, "a int");
        const char *got = read_file(write_file("t.json", content, strlen(content)), &options);
        bool refused = strncmp(got, "1: 7\n3: 8\n! row 2 line 2 at 8 [", 31) == 0 &&
                       (strstr(got, "not JSON at byte") != NULL ||
                        strstr(got, "text follows the object") != NULL);
        if (!refused) printf("# %s: %s\n", bad[i], got);
        CHECK(refused);
    }
    TarnBuffer deep;
    tarn_base_buffer_init(&deep, TARN_MIB);
    tarn_base_buffer_string(&deep, "{\"x\":");
    for (int i = 0; i < 100000; i++) tarn_base_buffer_byte(&deep, '[');
    tarn_base_buffer_string(&deep, "\n{\"a\":1}\n");
    TarnSourceOptions options = json_options(TARN_FILE_NDJSON, "a int");
    const char *got = read_file(write_file("t.json", deep.data, deep.size), &options);
    CHECK(strncmp(got, "2: 1\n", 5) == 0 && strstr(got, "nests too deeply") != NULL);
    tarn_base_buffer_dispose(&deep);
}

static void documents(void) {
    CHECK_DOCUMENT("[{\"a\":1},{\"a\":2}]", "a int", "1: 1\n2: 2\n");
    CHECK_DOCUMENT(" [\n {\"a\":1} ,\n {\"a\":\n2}\n ] \n", "a int", "1: 1\n2: 2\n");
    CHECK_DOCUMENT("{\"a\":1}", "a int", "1: 1\n");
    CHECK_DOCUMENT("{\"a\":1}{\"a\":2}\n{\"a\":3}", "a int", "1: 1\n2: 2\n3: 3\n");
    CHECK_DOCUMENT("[]", "a int", "");
    CHECK_DOCUMENT("", "a int", "");
    CHECK_DOCUMENT(" \n", "a int", "");
    CHECK_DOCUMENT("[{\"s\":\"]}\\\"[{\",\"a\":1},{\"a\":2,\"s\":\"\\\\\"}]", "a int, s string",
                   "1: 1|']}\"[{'\n2: 2|'\\'\n");
    CHECK_DOCUMENT("[{\"a\":1},\n7,\n\"x,\",[{\"a\":2}],null,{\"a\":3}]", "a int",
                   "1: 1\n6: 3\n! row 2 line 2 at 10 [7] the row is not a JSON object\n"
                   "! row 3 line 3 at 13 [\"x,\"] the row is not a JSON object\n"
                   "! row 4 line 3 at 18 [[{\"a\":2}]] the row is not a JSON object\n"
                   "! row 5 line 3 at 28 [null] the row is not a JSON object\n");
}

static void broken_elements(void) {
    CHECK_DOCUMENT("[{\"a\":1},{\"a\":tru},{\"a\":3}]", "a int",
                   "1: 1\n3: 3\n! row 2 line 1 at 9 [{\"a\":tru}] not JSON at byte 6 of the row: "
                   "no value begins here\n");
    CHECK_DOCUMENT("[{\"a\":[1,2},{\"a\":3}]", "a int",
                   "2: 3\n! row 1 line 1 at 1 [{\"a\":[1,2}] not JSON at byte 10 of the row: a "
                   "comma or ] must follow\n");
    CHECK_DOCUMENT("[{\"a\":1]", "a int",
                   "! row 1 line 1 at 1 [{\"a\":1] not JSON at byte 7 of the row: a comma or } "
                   "must follow\n");
    CHECK_DOCUMENT("[{\"s\":\"x},\n{\"a\":2},\n{\"a\":3}]", "a int",
                   "2: 2\n3: 3\n! row 1 line 1 at 1 [{\"s\":\"x},\\n] not JSON at byte 10 of the "
                   "row: a control character in a string\n");
    CHECK_DOCUMENT("[{\"a\":1}}, {\"a\":2}]", "a int",
                   "1: 1\n3: 2\n! row 2 line 1 at 8 [}] not JSON at byte 1 of the row: no value "
                   "begins here\n");
    CHECK_DOCUMENT("[{\"a\":1},{\"a\":2}", "a int",
                   "1: 1\n2: 2\n! row 3 line 1 at 16 [] the file ends inside of its array: it may "
                   "have been cut off\n");
    CHECK_DOCUMENT("[{\"a\":1},{\"a\":", "a int",
                   "1: 1\n! row 2 line 1 at 9 [{\"a\":] not JSON at byte 6 of the row: no value "
                   "begins here\n");
}

static void large_documents_are_read_in_pieces(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 100 * TARN_MIB);
    tarn_base_buffer_string(&file, "[");
    for (int i = 0; i < 200000; i++) {
        tarn_base_buffer_printf(&file, "%s{\"a\": %d, \"t\": \"text \\\"%d\\\"\"}",
                                i > 0 ? ",\n" : "", i, i);
    }
    tarn_base_buffer_string(&file, "]\n");
    TarnSourceOptions options = json_options(TARN_FILE_JSON, "a int, t string");
    options.slots = 4;
    options.piece_bytes = 100000;
    const char *got = read_file(write_file("t.json", file.data, file.size), &options);
    CHECK_INT(got_rows, 200000);
    CHECK_INT(got_rejects, 0);
    CHECK_INT(got_bytes, file.size);
    CHECK(strstr(got, "\n200000: 199999|'text \"199999\"'\n") != NULL);
    tarn_base_buffer_dispose(&file);
}

static void element_without_end(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 100 * TARN_MIB);
    tarn_base_buffer_string(&file, "[{\"a\":1},{\"a\":\"");
    REQUIRE(tarn_base_buffer_reserve(&file, 70 * TARN_MIB));
    memset(file.data + file.size, 'z', 70 * TARN_MIB);
    file.size += 70 * TARN_MIB;
    TarnSourceOptions options = json_options(TARN_FILE_JSON, "a int");
    const char *got = read_file(write_file("t.json", file.data, file.size), &options);
    CHECK_INT(got_rows, 1);
    CHECK_INT(got_rejects, 1);
    CHECK(strstr(got, "no end within 64 MB") != NULL);
    tarn_base_buffer_dispose(&file);
}

/* ---- inference ----------------------------------------------------------------------------- */

static void check_guess(const char *file, int line, const char *content, TarnFileFormat format,
                        const char *wanted) {
    TarnSourceGuess guess;
    const char *path = write_file("i.json", content, strlen(content));
    tarn_base_error_clear(&failure);
    bool ok = tarn_source_infer(tarn_os_posix(), path, format, TARN_COMPRESSION_NONE, NULL,
                                &test_arena, &guess, &failure);
    const char *got = ok ? text_of_columns(guess.columns, guess.column_count) : failure.message;
    tap_string(file, line, content, got, wanted);
    if (!ok) return;
    /* what was inferred reads */
    TarnSourceOptions options = {.format = format, .slots = 1, .columns = guess.columns,
                                 .column_count = guess.column_count};
    (void)read_file(path, &options);
    tap_int(file, line, "rows refused", (int64_t)got_rejects, 0);
    tap_int(file, line, "rows", (int64_t)got_rows, (int64_t)guess.sampled_rows);
}
#define CHECK_GUESS(content, wanted)                                                               \
    check_guess(__FILE__, __LINE__, content, TARN_FILE_NDJSON, wanted)

static void types_are_inferred(void) {
    CHECK_GUESS("{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"c\":null}\n", "a long, b string, c string");
    CHECK_GUESS("{\"a\":1}\n{\"a\":1.5}\n", "a double");
    CHECK_GUESS("{\"a\":9007199254740993}\n{\"a\":1.5}\n", "a string");
    CHECK_GUESS("{\"a\":9223372036854775808}\n", "a string");
    CHECK_GUESS("{\"a\":true}\n{\"a\":false}\n", "a boolean");
    CHECK_GUESS("{\"a\":true}\n{\"a\":1}\n", "a string");
    CHECK_GUESS("{\"a\":\"2024-01-01\",\"b\":\"2024-01-01T00:00:00\",\"c\":\"2024-01-01 00:00Z\","
                "\"d\":\"12:30:00\"}\n",
                "a date, b timestamp, c timestamptz, d time");
    CHECK_GUESS("{\"a\":\"2024-01-01\"}\n{\"a\":\"2024-01-01 10:00:00\"}\n", "a timestamp");
    CHECK_GUESS("{\"a\":\"2024-01-01\"}\n{\"a\":\"\"}\n", "a string");
    CHECK_GUESS("{\"a\":[1,2.5],\"b\":[],\"c\":[null]}\n", "a list<double>, b list<string>, "
                                                         "c list<string>");
    CHECK_GUESS("{\"a\":{\"x\":1}}\n{\"a\":{\"y\":[{\"z\":\"q\"}]}}\n",
                "a struct<x long, y list<struct<z string>>>");
    CHECK_GUESS("{\"a\":{}}\n", "a string");
    CHECK_GUESS("{\"a\":{\"x\":1}}\n{\"a\":[1]}\n{\"a\":\"x\"}\n", "a string");
    CHECK_GUESS("{\"a\":1,\"A\":2,\"\":3}\n", "a long, A_1 long, column2 long");
    check_guess(__FILE__, __LINE__, "[{\"a\":1},{\"b\":{\"c\":null}}]", TARN_FILE_JSON,
                "a long, b struct<c string>");
    TarnSourceGuess guess;
    CHECK(!tarn_source_infer(tarn_os_posix(), write_file("i.json", "[1]", 3), TARN_FILE_JSON,
                             TARN_COMPRESSION_NONE, NULL, &test_arena, &guess, &failure));
    CHECK_INT(failure.code, TARN_E_SOURCE_UNREADABLE);
}

static void later_lines_are_looked_at(void) {
    TarnBuffer file;
    tarn_base_buffer_init(&file, 64 * TARN_MIB);
    while (file.size < 20 * TARN_MIB) {
        tarn_base_buffer_string(&file, "{\"a\":1,\"text\":\"to fill the row, and more of it\"}\n");
    }
    tarn_base_buffer_string(&file, "{\"a\":1.5,\"b\":true}\n{\"a\":2}\n");
    TarnSourceGuess guess;
    const char *path = write_file("i.json", file.data, file.size);
    tarn_base_buffer_dispose(&file);
    REQUIRE_OK(tarn_source_infer(tarn_os_posix(), path, TARN_FILE_NDJSON, TARN_COMPRESSION_NONE,
                                 NULL, &test_arena, &guess, &failure),
               &failure);
    CHECK_STRING(text_of_columns(guess.columns, guess.column_count),
                 "a double, text string, b boolean");
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    start_source();
    TAP_TEST(lines_are_rows);
    TAP_TEST(numbers_are_exact);
    TAP_TEST(every_type);
    TAP_TEST(strings);
    TAP_TEST(nested_types);
    TAP_TEST(paths_of_what_is_refused);
    TAP_TEST(fields_that_are_not_columns);
    TAP_TEST(fields_that_are_dropped_are_counted);
    TAP_TEST(text_that_is_not_json);
    TAP_TEST(documents);
    TAP_TEST(broken_elements);
    TAP_TEST(large_documents_are_read_in_pieces);
    TAP_TEST(element_without_end);
    TAP_TEST(types_are_inferred);
    TAP_TEST(later_lines_are_looked_at);
    return end_source();
}
