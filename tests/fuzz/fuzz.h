/* What every fuzzer has in common. A fuzzer is one file that defines LLVMFuzzerTestOneInput():
 * feed the bytes to a parser, then FUZZ_CHECK what must hold for whatever it accepted, and that
 * a refusal says why. libFuzzer calls it (clang, -Dfuzz=true), or replay.c with the corpus. */
#ifndef TARN_TESTS_FUZZ_H
#define TARN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A refusal names its cause and, if the input is to blame, the place. */
__attribute__((unused)) static void fuzz_check_refusal(const TarnError *error, bool has_place) {
    FUZZ_CHECK(error->code != TARN_OK && error->code != TARN_E_INTERNAL);
    FUZZ_CHECK(error->message[0] != '\0');
    bool fault_of_input = error->code != TARN_E_OUT_OF_MEMORY;
    FUZZ_CHECK(!has_place || !fault_of_input || (error->line > 0 && error->column > 0));
}

#endif
