/* A test harness of one header: each test is a function, results are TAP lines.
 *
 *   static void adds(void) { CHECK(1 + 1 == 2); CHECK_INT(add(1, 1), 2); }
 *   int main(int argc, char **argv) {
 *       TAP_TEST(adds);
 *       return tap_end();
 *   }
 * `prog NAME` runs only tests whose name contains NAME. A failed check prints its place and goes
 * on; REQUIRE leaves the test function; TAP_SKIP leaves it with a reason, which is counted. */
#ifndef TARN_TESTS_TAP_H
#define TARN_TESTS_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int tap_count, tap_failed, tap_current_failures;
static const char *tap_only;
static const char *tap_skip_reason;

__attribute__((unused)) static void tap_run(const char *name, void (*test)(void)) {
    if (tap_only != NULL && strstr(name, tap_only) == NULL) return;
    tap_current_failures = 0;
    tap_skip_reason = NULL;
    test();
    tap_count++;
    if (tap_current_failures > 0) tap_failed++;
    printf("%s %d - %s%s%s\n", tap_current_failures > 0 ? "not ok" : "ok", tap_count, name,
           tap_skip_reason != NULL ? " # SKIP " : "",
           tap_skip_reason != NULL ? tap_skip_reason : "");
    fflush(stdout);
}

__attribute__((unused)) static void tap_fail(const char *file, int line, const char *text) {
    printf("# %s:%d: %s\n", file, line, text);
    tap_current_failures++;
}

__attribute__((unused)) static void tap_int(const char *file, int line, const char *text,
                                            int64_t got, int64_t want) {
    if (got == want) return;
    printf("# %s:%d: %s is %" PRId64 ", expected %" PRId64 "\n", file, line, text, got, want);
    tap_current_failures++;
}

__attribute__((unused)) static void tap_string(const char *file, int line, const char *text,
                                               const char *got, const char *want) {
    if (got != NULL && want != NULL && strcmp(got, want) == 0) return;
    if (got == NULL && want == NULL) return;
    printf("# %s:%d: %s is\n#   %s\n# expected\n#   %s\n", file, line, text,
           got != NULL ? got : "(null)", want != NULL ? want : "(null)");
    tap_current_failures++;
}

__attribute__((unused)) static void tap_ok(const char *file, int line, const char *text, bool ok,
                                           const TarnError *error) {
    if (ok) return;
    printf("# %s:%d: %s failed: %s: %s%s%s%s%s\n", file, line, text,
           tarn_base_error_name(error->code), error->message, error->detail[0] ? "; " : "",
           error->detail, error->hint[0] ? "; hint: " : "", error->hint);
    tap_current_failures++;
}

__attribute__((unused)) static int tap_end(void) {
    printf("1..%d\n", tap_count);
    return tap_failed > 0 ? 1 : 0;
}

/* Leaves the test function; the reason (a constant text) is told and the test counts as skipped. */
#define TAP_SKIP(reason)                                                                           \
    do {                                                                                           \
        tap_skip_reason = (reason);                                                                \
        return;                                                                                    \
    } while (0)
#define TAP_START(argc, argv) (tap_only = (argc) > 1 ? (argv)[1] : NULL)
#define TAP_TEST(name) tap_run(#name, name)
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) tap_fail(__FILE__, __LINE__, #condition);                                \
    } while (0)
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            tap_fail(__FILE__, __LINE__, #condition);                                              \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_INT(got, want) tap_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_STRING(got, want) tap_string(__FILE__, __LINE__, #got, (got), (want))
/* a call that must succeed, with the error it would have filled */
#define CHECK_OK(call, error) tap_ok(__FILE__, __LINE__, #call, (call), (error))
#define REQUIRE_OK(call, error)                                                                    \
    do {                                                                                           \
        bool tap_done = (call);                                                                    \
        tap_ok(__FILE__, __LINE__, #call, tap_done, (error));                                      \
        if (!tap_done) return;                                                                     \
    } while (0)

#endif
