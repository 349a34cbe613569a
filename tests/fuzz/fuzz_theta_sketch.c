/* Theta sketches: what is accepted has an estimate, comes back the same from its own bytes, and
 * can be merged and updated. */
#include <string.h>

#include "base/limits.h"
#include "format/theta_sketch.h"
#include "fuzz.h"

static void check_sketch(TarnThetaSketch *sketch) {
    TarnError error = {.code = TARN_OK};
    TarnBuffer out;
    TarnThetaSketch *again = NULL;
    double estimate = tarn_format_theta_sketch_estimate(sketch);
    FUZZ_CHECK(estimate >= 0);
    tarn_base_buffer_init(&out, TARN_MIB);
    FUZZ_CHECK(tarn_format_theta_sketch_write(sketch, &out, &error));
    FUZZ_CHECK(tarn_format_theta_sketch_read(tarn_base_buffer_view(&out), "again", &again, &error));
    FUZZ_CHECK(tarn_format_theta_sketch_estimate(again) == estimate);
    FUZZ_CHECK(tarn_format_theta_sketch_merge(again, sketch, &error));
    FUZZ_CHECK(tarn_format_theta_sketch_estimate(again) == estimate);
    FUZZ_CHECK(tarn_format_theta_sketch_update(again, TARN_TEXT("value"), &error));
    tarn_format_theta_sketch_free(again);
    tarn_base_buffer_dispose(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    TarnError error = {.code = TARN_OK};
    TarnThetaSketch *sketch = NULL;
    if (tarn_format_theta_sketch_read((TarnText){(const char *)data, size}, "fuzz", &sketch,
                                      &error)) {
        check_sketch(sketch);
    } else {
        FUZZ_CHECK(sketch == NULL);
        fuzz_check_refusal(&error, false);
    }
    tarn_format_theta_sketch_free(sketch);
    return 0;
}
