/* The functions that order rows along a curve, for the engine.
 *
 *   tarn_order_key(BIGINT | DOUBLE | BLOB)        64 bits that order as the value does
 *   tarn_order_key(BLOB, INTEGER skip)            of the bytes from `skip` on
 *   tarn_order_shared(BLOB, BLOB)                 how many bytes both begin with
 *   tarn_order_spread(key, least, greatest)       the key, spread over all 64 bits
 *   tarn_zorder(key, ..), tarn_hilbert(key, ..)   2 to 8 keys to the bytes of a place on the curve
 *
 * Integers have their sign flipped; floats too, and negative ones all bits, NaN is the greatest,
 * both zeros are one; of bytes it is the first eight. Null is 0, which comes first.
 *
 * The curves: z-order takes the highest bit of each key, then the next of each, and so on.
 * Hilbert's (J. Skilling, "Programming the Hilbert curve", 2004) turns the keys first so that
 * neighbours on the curve are neighbours in space.
 */
#include <string.h>

#include "base/text.h"
#include "query/functions_private.h"

enum { KEYS_MAX = 8, KEY_BITS = 64 };

static uint64_t key_of_bytes(TarnText bytes, size_t skip) {
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof(key); i++) {
        unsigned char byte = skip + i < bytes.size ? (unsigned char)bytes.data[skip + i] : 0;
        key = key << 8 | byte;
    }
    return key;
}

uint64_t tarn_query__order_key_double(double value) {
    uint64_t bits;
    const uint64_t sign = UINT64_C(1) << 63;
    if (value != value) return UINT64_MAX;
    if (value == 0) value = 0; /* of either sign */
    memcpy(&bits, &value, sizeof(bits));
    return bits & sign ? ~bits : bits | sign;
}

static bool call_key(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                     TarnEngineOutput *output, TarnError *error) {
    const TarnEngineVector *values = &arguments[0];
    uint64_t *out = output->data;
    (void)state;
    (void)error;
    for (uint64_t row = 0; row < output->rows; row++) {
        int64_t skip = 0;
        out[row] = 0;
        if (tarn_engine_vector_null(values, row)) continue;
        if (argument_count > 1 && !tarn_engine_vector_int64(&arguments[1], row, &skip)) skip = 0;
        if (values->type->kind == TARN_ENGINE_BIGINT) {
            out[row] = (uint64_t)((const int64_t *)values->data)[row] ^ UINT64_C(1) << 63;
        } else if (values->type->kind == TARN_ENGINE_DOUBLE) {
            out[row] = tarn_query__order_key_double(((const double *)values->data)[row]);
        } else {
            out[row] = key_of_bytes(tarn_engine_vector_text(values, row),
                                    skip > 0 ? (size_t)skip : 0);
        }
    }
    return true;
}

static bool call_shared(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                        TarnEngineOutput *output, TarnError *error) {
    int32_t *out = output->data;
    (void)state;
    (void)argument_count;
    (void)error;
    for (uint64_t row = 0; row < output->rows; row++) {
        out[row] = 0;
        if (tarn_engine_vector_null(&arguments[0], row) ||
            tarn_engine_vector_null(&arguments[1], row)) {
            continue;
        }
        TarnText a = tarn_engine_vector_text(&arguments[0], row);
        TarnText b = tarn_engine_vector_text(&arguments[1], row);
        size_t shared = 0;
        while (shared < a.size && shared < b.size && shared < INT32_MAX &&
               a.data[shared] == b.data[shared]) {
            shared++;
        }
        out[row] = (int32_t)shared;
    }
    return true;
}

uint64_t tarn_query__order_spread(uint64_t key, uint64_t least, uint64_t greatest) {
    if (key <= least || greatest <= least) return 0;
    uint64_t range = greatest - least;
    uint64_t offset = (key < greatest ? key : greatest) - least;
    return offset << __builtin_clzll(range);
}

static bool call_spread(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                        TarnEngineOutput *output, TarnError *error) {
    uint64_t *out = output->data;
    (void)state;
    (void)argument_count;
    (void)error;
    for (uint64_t row = 0; row < output->rows; row++) {
        bool null = false;
        for (uint32_t i = 0; i < 3; i++) {
            null = null || tarn_engine_vector_null(&arguments[i], row);
        }
        out[row] = null ? 0
                        : tarn_query__order_spread(((const uint64_t *)arguments[0].data)[row],
                                                   ((const uint64_t *)arguments[1].data)[row],
                                                   ((const uint64_t *)arguments[2].data)[row]);
    }
    return true;
}

void tarn_query__zorder(const uint64_t *keys, size_t count, unsigned char *out) {
    size_t at = 0;
    memset(out, 0, count * sizeof(uint64_t));
    for (int bit = KEY_BITS - 1; bit >= 0; bit--) {
        for (size_t i = 0; i < count; i++, at++) {
            if (keys[i] >> bit & 1) out[at / 8] |= (unsigned char)(0x80u >> at % 8);
        }
    }
}

void tarn_query__hilbert(const uint64_t *given, size_t count, unsigned char *out) {
    uint64_t keys[KEYS_MAX];
    memcpy(keys, given, count * sizeof(*keys));
    /* Undo the rotations and reflections of each level, from the highest bit down. */
    for (uint64_t bit = UINT64_C(1) << 63; bit > 1; bit >>= 1) {
        uint64_t lower = bit - 1;
        for (size_t i = 0; i < count; i++) {
            if (keys[i] & bit) {
                keys[0] ^= lower;
            } else {
                uint64_t swap = (keys[0] ^ keys[i]) & lower;
                keys[0] ^= swap;
                keys[i] ^= swap;
            }
        }
    }
    /* Gray code across the keys. */
    for (size_t i = 1; i < count; i++) keys[i] ^= keys[i - 1];
    uint64_t flip = 0;
    for (uint64_t bit = UINT64_C(1) << 63; bit > 1; bit >>= 1) {
        if (keys[count - 1] & bit) flip ^= bit - 1;
    }
    for (size_t i = 0; i < count; i++) keys[i] ^= flip;
    tarn_query__zorder(keys, count, out);
}

/* `state` NULL: z-order; else Hilbert. */
static bool call_curve(void *state, const TarnEngineVector *arguments, uint32_t argument_count,
                       TarnEngineOutput *output, TarnError *error) {
    unsigned char place[KEYS_MAX * sizeof(uint64_t)];
    uint64_t keys[KEYS_MAX];
    (void)error;
    for (uint64_t row = 0; row < output->rows; row++) {
        for (uint32_t i = 0; i < argument_count; i++) {
            bool null = tarn_engine_vector_null(&arguments[i], row);
            keys[i] = null ? 0 : ((const uint64_t *)arguments[i].data)[row];
        }
        (state != NULL ? tarn_query__hilbert : tarn_query__zorder)(keys, argument_count, place);
        tarn_engine_output_text(output, row, (TarnText){(const char *)place,
                                                        argument_count * sizeof(uint64_t)});
    }
    return true;
}

static bool add(TarnEngineSession *session, const char *name, const TarnEngineKind *arguments,
                uint32_t count, TarnEngineKind result, TarnEngineScalarCall call, void *state,
                TarnError *error) {
    TarnEngineScalar scalar = {.name = name,
                               .arguments = arguments,
                               .argument_count = count,
                               .result = result,
                               .sees_nulls = true,
                               .call = call,
                               .state = state};
    return tarn_engine_scalar_register(session, &scalar, error);
}

bool tarn_query__cluster_register(TarnEngineSession *session, TarnError *error) {
    static const TarnEngineKind keys[][2] = {{TARN_ENGINE_BIGINT, TARN_ENGINE_INVALID},
                                             {TARN_ENGINE_DOUBLE, TARN_ENGINE_INVALID},
                                             {TARN_ENGINE_BLOB, TARN_ENGINE_INVALID},
                                             {TARN_ENGINE_BLOB, TARN_ENGINE_INTEGER}};
    static const TarnEngineKind blobs[] = {TARN_ENGINE_BLOB, TARN_ENGINE_BLOB};
    static const TarnEngineKind numbers[KEYS_MAX] = {
        TARN_ENGINE_UBIGINT, TARN_ENGINE_UBIGINT, TARN_ENGINE_UBIGINT, TARN_ENGINE_UBIGINT,
        TARN_ENGINE_UBIGINT, TARN_ENGINE_UBIGINT, TARN_ENGINE_UBIGINT, TARN_ENGINE_UBIGINT};
    static char is_hilbert;
    for (size_t i = 0; i < 4; i++) {
        if (!add(session, "tarn_order_key", keys[i], i == 3 ? 2 : 1, TARN_ENGINE_UBIGINT, call_key,
                 NULL, error)) {
            return false;
        }
    }
    for (uint32_t count = 2; count <= KEYS_MAX; count++) {
        if (!add(session, "tarn_zorder", numbers, count, TARN_ENGINE_BLOB, call_curve, NULL,
                 error) ||
            !add(session, "tarn_hilbert", numbers, count, TARN_ENGINE_BLOB, call_curve,
                 &is_hilbert, error)) {
            return false;
        }
    }
    return add(session, "tarn_order_shared", blobs, 2, TARN_ENGINE_INTEGER, call_shared, NULL,
               error) &&
           add(session, "tarn_order_spread", numbers, 3, TARN_ENGINE_UBIGINT, call_spread, NULL,
               error);
}
