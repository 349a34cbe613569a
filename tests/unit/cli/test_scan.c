/* Whether a statement that is being typed is complete. */
#include "cli/shell_private.h"
#include "tap.h"

static void statements_end_at_semicolons(void) {
    static const struct {
        const char *text;
        TarnCliOpen open;
    } cases[] = {
        {"", TARN_CLI_OPEN_NOTHING},
        {" \n -- only a comment", TARN_CLI_OPEN_NOTHING},
        {"select 1", TARN_CLI_OPEN_STATEMENT},
        {"select 1;", TARN_CLI_OPEN_NOTHING},
        {"select 1; -- done; really", TARN_CLI_OPEN_NOTHING},
        {"select 1; select 2", TARN_CLI_OPEN_STATEMENT},
        {"select ';", TARN_CLI_OPEN_STRING},
        {"select ';'", TARN_CLI_OPEN_STATEMENT},
        {"select 'it''s;", TARN_CLI_OPEN_STRING},
        {"select 'it''s';", TARN_CLI_OPEN_NOTHING},
        {"select \"a;", TARN_CLI_OPEN_NAME},
        {"select \"a;\";", TARN_CLI_OPEN_NOTHING},
        {"select $$ ; ' ", TARN_CLI_OPEN_DOLLAR},
        {"select $$ ; ' $$;", TARN_CLI_OPEN_NOTHING},
        {"select $x$ ; $$ ", TARN_CLI_OPEN_DOLLAR},
        {"select $x$ ; $$ $x$;", TARN_CLI_OPEN_NOTHING},
        {"select $1;", TARN_CLI_OPEN_NOTHING},
        {"from raw.t$quarantine;", TARN_CLI_OPEN_NOTHING},
        {"from raw.\"t$files\";", TARN_CLI_OPEN_NOTHING},
        {"select /* ; */ 1", TARN_CLI_OPEN_STATEMENT},
        {"select /* ; ", TARN_CLI_OPEN_COMMENT},
        {"select /* /* */ ;", TARN_CLI_OPEN_COMMENT},
        {"select /* /* */ */ 1;", TARN_CLI_OPEN_NOTHING},
        {"/**/", TARN_CLI_OPEN_NOTHING},
        {"/*", TARN_CLI_OPEN_COMMENT},
        {"/", TARN_CLI_OPEN_STATEMENT},
        {"-", TARN_CLI_OPEN_STATEMENT},
        {"$", TARN_CLI_OPEN_STATEMENT},
        {"select -- a ' quote\n1;", TARN_CLI_OPEN_NOTHING},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TarnCliOpen open = tarn_cli__shell_scan(tarn_base_text(cases[i].text));
        if (open != cases[i].open) printf("# case: %s\n", cases[i].text);
        CHECK_INT(open, cases[i].open);
    }
}

/* Any prefix of anything is read within its bytes (the sanitizers watch). */
static void prefixes_are_read_within_bounds(void) {
    static const char text[] = "select $a$ ' \" $a$, /* /* */ */ 'x''y' \"q\"\"r\" -- z\n; $$";
    for (size_t start = 0; start < sizeof(text); start++) {
        for (size_t size = 0; start + size < sizeof(text); size++) {
            char *copy = malloc(size + 1);
            REQUIRE(copy != NULL);
            memcpy(copy, text + start, size);
            (void)tarn_cli__shell_scan((TarnText){copy, size});
            free(copy);
        }
    }
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(statements_end_at_semicolons);
    TAP_TEST(prefixes_are_read_within_bounds);
    return tap_end();
}
