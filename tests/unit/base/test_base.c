/* base: errors, arenas, buffers, text, map, time, fault points. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/text.h"
#include "base/time.h"
#include "support/tap.h"

#include <errno.h>

static void error_table_is_complete(void) {
    for (int code = 0; code < TARN_ERROR_CODE_COUNT; code++) {
        CHECK(strlen(tarn_base_error_name((TarnErrorCode)code)) > 0);
        CHECK(strlen(tarn_base_error_text((TarnErrorCode)code)) > 0);
        CHECK_INT(strlen(tarn_base_error_sqlstate((TarnErrorCode)code)), 5);
        int exit_code = tarn_base_error_exit_code((TarnErrorCode)code);
        CHECK((exit_code >= 0 && exit_code <= 7) || exit_code == 130);
    }
    CHECK_STRING(tarn_base_error_name(TARN_E_TABLE_NOT_FOUND), "TABLE_NOT_FOUND");
    CHECK_INT(tarn_base_error_exit_code(TARN_E_COMMIT_CONFLICT), 5);
}

static void error_message_is_cut_at_a_code_point(void) {
    char text[2048];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i + 2 < sizeof(text); i += 2) memcpy(text + i, "\xC3\xA4", 2);
    text[sizeof(text) - 1] = '\0';
    TarnError error;
    tarn_base_error_set(&error, TARN_E_INTERNAL, "x%s", text);
    size_t size = strlen(error.message);
    CHECK(size < sizeof(error.message));
    CHECK_STRING(error.message + size - 3, "...");
    CHECK_INT(tarn_base_text_utf8_valid(tarn_base_text(error.message)), size);
}

static void error_of_errno_is_classified(void) {
    TarnError error;
    CHECK(!tarn_base_error_set_errno(&error, TARN_E_IO, ENOSPC, "cannot write \"%s\"", "f"));
    CHECK_INT(error.code, TARN_E_DISK_FULL);
    CHECK_STRING(error.message, "cannot write \"f\": No space left on device");
    tarn_base_error_set_errno(&error, TARN_E_IO, EACCES, "x");
    CHECK_INT(error.code, TARN_E_DENIED_BY_SYSTEM);
    tarn_base_error_set_errno(&error, TARN_E_IO, EIO, "x");
    CHECK_INT(error.code, TARN_E_IO);
    tarn_base_error_context(&error, "while testing %d", 1);
    CHECK_STRING(error.message, "x: Input/output error (while testing 1)");
}

static void arena_obeys_its_limit(void) {
    TarnArena arena;
    TarnError error;
    tarn_base_arena_init(&arena, 64 * TARN_KIB);
    size_t total = 0;
    while (tarn_base_arena_alloc(&arena, 1000) != NULL) total += 1000;
    CHECK(total > 40 * TARN_KIB && total <= 64 * TARN_KIB);
    CHECK(tarn_base_arena_failed(&arena));
    CHECK(tarn_base_arena_alloc(&arena, 1) == NULL);
    CHECK(!tarn_base_arena_check(&arena, &error));
    CHECK_INT(error.code, TARN_E_OUT_OF_MEMORY);
    tarn_base_arena_reset(&arena);
    CHECK(tarn_base_arena_alloc(&arena, 1) != NULL);
    CHECK(tarn_base_arena_array(&arena, SIZE_MAX / 2, 4) == NULL);
    tarn_base_arena_dispose(&arena);
}

static void arena_memory_is_zeroed_aligned_and_kept(void) {
    TarnArena arena;
    tarn_base_arena_init(&arena, 64 * TARN_MIB);
    unsigned char *blocks[2000];
    for (size_t i = 0; i < 2000; i++) {
        size_t size = i % 7 == 0 ? 9000 : i % 100;
        blocks[i] = tarn_base_arena_alloc(&arena, size + 1);
        REQUIRE(blocks[i] != NULL);
        CHECK(((uintptr_t)blocks[i] & 15) == 0);
        for (size_t j = 0; j <= size; j++) CHECK(blocks[i][j] == 0);
        memset(blocks[i], (int)(i & 0xFF), size + 1);
    }
    for (size_t i = 0; i < 2000; i++) CHECK_INT(blocks[i][0], i & 0xFF);
    struct {
        int *items;
        size_t count;
        size_t capacity;
    } list = {0};
    for (int i = 0; i < 1000; i++) *TARN_PUSH(&arena, &list) = i;
    CHECK_INT(list.count, 1000);
    CHECK_INT(list.items[999], 999);
    tarn_base_arena_dispose(&arena);
}

static void buffer_failure_is_sticky(void) {
    TarnBuffer buffer;
    TarnError error;
    tarn_base_buffer_init(&buffer, 10);
    tarn_base_buffer_string(&buffer, "12345");
    tarn_base_buffer_printf(&buffer, "%d", 678);
    CHECK_STRING(buffer.data, "12345678");
    tarn_base_buffer_string(&buffer, "too long");
    tarn_base_buffer_byte(&buffer, '9');
    CHECK_STRING(buffer.data, "12345678");
    CHECK(!tarn_base_buffer_check(&buffer, &error));
    tarn_base_buffer_clear(&buffer);
    tarn_base_buffer_identifier(&buffer, TARN_TEXT("a\"b"));
    CHECK_STRING(buffer.data, "\"a\"\"b\"");
    tarn_base_buffer_dispose(&buffer);
}

static void utf8_is_judged_by_rfc_3629(void) {
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {{"abc\xC3\xA4", 5},   {"\xC0\x80", 0},         {"a\xED\xA0\x80", 1},
                 {"\xF4\x8F\xBF\xBF", 4}, {"\xF4\x90\x80\x80", 0}, {"\xE2\x82", 0},
                 {"12345678\xFF", 8},  {"\xF0\x8F\xBF\xBF", 0},  {"\xE0\x9F\xBF", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_INT(tarn_base_text_utf8_valid(tarn_base_text(cases[i].text)), cases[i].valid);
    }
    char out[4];
    for (int32_t c = 1; c < 0x10FFFF; c += 97) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        size_t offset = 0;
        TarnText text = {out, tarn_base_text_utf8_put(c, out)};
        CHECK_INT(tarn_base_text_utf8_next(text, &offset), c);
    }
}

static void numbers_are_whole_and_in_range(void) {
    int64_t value;
    CHECK(tarn_base_text_to_int64(TARN_TEXT("-9223372036854775808"), &value));
    CHECK_INT(value, INT64_MIN);
    CHECK(!tarn_base_text_to_int64(TARN_TEXT("9223372036854775808"), &value));
    CHECK(!tarn_base_text_to_int64(TARN_TEXT(""), &value));
    CHECK(!tarn_base_text_to_int64(TARN_TEXT("-"), &value));
    CHECK(!tarn_base_text_to_int64(TARN_TEXT("1 "), &value));
    CHECK(!tarn_base_text_to_int64(TARN_TEXT("+1"), &value));
    uint64_t bytes;
    CHECK(tarn_base_text_to_bytes(TARN_TEXT("128MB"), &bytes) && bytes == 128 * TARN_MIB);
    CHECK(tarn_base_text_to_bytes(TARN_TEXT("1.5 GiB"), &bytes) && bytes == 1536 * TARN_MIB);
    CHECK(!tarn_base_text_to_bytes(TARN_TEXT("-1MB"), &bytes));
    CHECK(!tarn_base_text_to_bytes(TARN_TEXT("1 parsec"), &bytes));
    CHECK(tarn_base_text_to_duration_ms(TARN_TEXT("30d"), &value) && value == 2592000000);
}

static void the_nearest_name_is_suggested(void) {
    const char *names[] = {"raw.orders", "raw.flights", "x"};
    CHECK_STRING(tarn_base_text_nearest("raw.ordrs", names, 3), "raw.orders");
    CHECK(tarn_base_text_nearest("completely.else", names, 3) == NULL);
    CHECK(tarn_base_text_nearest("", names, 0) == NULL);
}

static void human_numbers_read_well(void) {
    char out[TARN_TEXT_HUMAN_BYTES];
    CHECK_STRING(tarn_base_text_human_count(336776, out), "336,776");
    CHECK_STRING(tarn_base_text_human_count(UINT64_MAX, out), "18,446,744,073,709,551,615");
    CHECK_STRING(tarn_base_text_human_bytes(1536, out), "1.5 KB");
}

static void map_keeps_order_and_finds(void) {
    TarnArena arena;
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    TarnMap map;
    tarn_base_map_init(&map, &arena);
    CHECK(tarn_base_map_get(&map, TARN_TEXT("x")) == NULL);
    for (size_t i = 0; i < 5000; i++) {
        const char *key = tarn_base_arena_printf(&arena, "key %zu", i);
        CHECK(tarn_base_map_put(&map, tarn_base_text(key), (void *)(uintptr_t)(i + 1)) == NULL);
    }
    CHECK_INT(map.count, 5000);
    CHECK((uintptr_t)tarn_base_map_get(&map, TARN_TEXT("key 4321")) == 4322);
    CHECK((uintptr_t)tarn_base_map_put(&map, TARN_TEXT("key 7"), &map) == 8);
    CHECK(tarn_base_text_is(map.items[7].key, "key 7"));
    CHECK(!tarn_base_map_has(&map, TARN_TEXT("key 5000")));
    tarn_base_arena_dispose(&arena);
}

static void times_go_both_ways(void) {
    char out[TARN_TIME_TEXT_BYTES];
    int64_t us;
    CHECK(tarn_base_time_parse_us(TARN_TEXT("1969-12-31T23:59:59.5Z"), &us));
    CHECK_INT(us, -500000);
    CHECK_STRING(tarn_base_time_format_us(us, out), "1969-12-31T23:59:59.500Z");
    CHECK(tarn_base_time_parse_us(TARN_TEXT("2026-11-21 07:15:00+01:30"), &us));
    CHECK_STRING(tarn_base_time_format_us(us, out), "2026-11-21T05:45:00Z");
    CHECK(!tarn_base_time_parse_us(TARN_TEXT("2023-02-29"), &us));
    CHECK(!tarn_base_time_parse_us(TARN_TEXT("2024-13-01"), &us));
    CHECK(!tarn_base_time_parse_us(TARN_TEXT("2024-01-01T"), &us));
    CHECK(tarn_base_time_parse_us(TARN_TEXT("2024-02-29"), &us));
    for (int64_t day = -800000; day < 800000; day += 13) {
        int64_t year;
        unsigned month;
        unsigned d;
        tarn_base_time_civil_from_days(day, &year, &month, &d);
        CHECK_INT(tarn_base_time_days_from_civil(year, month, d), day);
    }
    CHECK_STRING(tarn_base_time_format_us(INT64_MAX, out), "294247-01-10T04:00:54.775807Z");
    tarn_base_time_format_us(INT64_MIN, out);
}

static void fault_points_fire_as_planned(void) {
    TarnError error;
    CHECK(!TARN_FAULT("a.b", &error));
    tarn_base_fault_init("a.b=error@2;c=sleep:1");
    CHECK(!TARN_FAULT("a.b", &error));
    CHECK(TARN_FAULT("a.b", &error));
    CHECK_INT(error.code, TARN_E_FAULT_INJECTED);
    CHECK(!TARN_FAULT("a.b", &error));
    CHECK(!TARN_FAULT("c", &error));
    tarn_base_fault_init(NULL);
    CHECK(!tarn_base_fault_armed);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(error_table_is_complete);
    TAP_TEST(error_message_is_cut_at_a_code_point);
    TAP_TEST(error_of_errno_is_classified);
    TAP_TEST(arena_obeys_its_limit);
    TAP_TEST(arena_memory_is_zeroed_aligned_and_kept);
    TAP_TEST(buffer_failure_is_sticky);
    TAP_TEST(utf8_is_judged_by_rfc_3629);
    TAP_TEST(numbers_are_whole_and_in_range);
    TAP_TEST(the_nearest_name_is_suggested);
    TAP_TEST(human_numbers_read_well);
    TAP_TEST(map_keeps_order_and_finds);
    TAP_TEST(times_go_both_ways);
    TAP_TEST(fault_points_fire_as_planned);
    return tap_end();
}
