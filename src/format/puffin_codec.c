/* Inflates the frames of Puffin files.
 *
 * Frames say how large their content is, and should, but neither is believed: output goes to a
 * buffer that grows as bytes come and ends at a limit, so a small frame that claims or inflates
 * to gigabytes ends in a refusal. The frame is all there is: bytes behind it are damage, as is
 * a frame that wants more. The libraries check what checksums there are.
 */
#include <lz4frame.h>
#include <zstd.h>

#include "format/puffin_private.h"

#define FIRST_BYTES 4096

/* One step: takes some of *in, gives some bytes to `out`. *left is 0 at the frame's end. False: the
 * frame is damaged. */
typedef bool (*InflateStep)(void *context, TarnText *in, TarnBuffer *out, size_t room,
                            size_t *left);

static bool step_lz4(void *context, TarnText *in, TarnBuffer *out, size_t room, size_t *left) {
    size_t taken = in->size;
    size_t given = room;
    *left = LZ4F_decompress(context, out->data + out->size, &given, in->data, &taken, NULL);
    if (LZ4F_isError(*left)) return false;
    *in = (TarnText){in->data + taken, in->size - taken};
    out->size += given;
    return true;
}

static bool step_zstd(void *context, TarnText *in, TarnBuffer *out, size_t room, size_t *left) {
    ZSTD_inBuffer source = {in->data, in->size, 0};
    ZSTD_outBuffer target = {out->data + out->size, room, 0};
    *left = ZSTD_decompressStream(context, &target, &source);
    if (ZSTD_isError(*left)) return false;
    *in = (TarnText){in->data + source.pos, in->size - source.pos};
    out->size += target.pos;
    return true;
}

typedef enum Outcome {
    INFLATED,
    DAMAGED,
    TOO_LARGE,
    NO_MEMORY
} Outcome;

static Outcome inflate_frame(InflateStep step, void *context, TarnText in, TarnBuffer *out) {
    size_t left = 1;
    while (left != 0) {
        if (out->size == out->limit) return TOO_LARGE;
        size_t wanted = out->size < FIRST_BYTES ? FIRST_BYTES : out->size;
        size_t most = out->limit - out->size;
        if (wanted > most) wanted = most;
        if (!tarn_base_buffer_reserve(out, wanted)) return NO_MEMORY;
        size_t in_before = in.size;
        size_t out_before = out->size;
        if (!step(context, &in, out, wanted, &left)) return DAMAGED;
        bool is_stuck = in.size == in_before && out->size == out_before;
        if (left != 0 && is_stuck) return DAMAGED;
    }
    return in.size == 0 ? INFLATED : DAMAGED;
}

static Outcome inflate_lz4(TarnText stored, TarnBuffer *out) {
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) return NO_MEMORY;
    Outcome outcome = inflate_frame(step_lz4, context, stored, out);
    LZ4F_freeDecompressionContext(context);
    return outcome;
}

static Outcome inflate_zstd(TarnText stored, TarnBuffer *out) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL) return NO_MEMORY;
    Outcome outcome = inflate_frame(step_zstd, context, stored, out);
    ZSTD_freeDCtx(context);
    return outcome;
}

bool tarn_format__puffin_inflate(TarnPuffinCodec codec, TarnText stored, size_t limit,
                                 const char *name, const char *what, TarnArena *arena,
                                 TarnText *raw, TarnError *error) {
    TarnBuffer out;
    /* One byte more than allowed, to tell content that ends at the limit from content that does
     * not. */
    tarn_base_buffer_init(&out, limit + 1);
    bool is_lz4 = codec == TARN_PUFFIN_LZ4;
    Outcome outcome = is_lz4 ? inflate_lz4(stored, &out) : inflate_zstd(stored, &out);
    if (outcome == INFLATED && out.size > limit) outcome = TOO_LARGE;
    if (outcome == INFLATED) {
        char *copy = tarn_base_arena_copy(arena, out.size > 0 ? out.data : "", out.size);
        *raw = (TarnText){copy, out.size};
    }
    tarn_base_buffer_dispose(&out);
    switch (outcome) {
    case INFLATED: break;
    case NO_MEMORY:
        return tarn_base_error_set(error, TARN_E_OUT_OF_MEMORY,
                                   "could not get memory to inflate %s of \"%s\"", what, name);
    case TOO_LARGE:
        return tarn_base_error_set(error, TARN_E_LIMIT_EXCEEDED,
                                   "%s of \"%s\" inflates to more than %zu bytes", what, name,
                                   limit);
    case DAMAGED:
        return tarn_base_error_set(error, TARN_E_FORMAT_CORRUPT,
                                   "cannot read \"%s\": %s is no whole %s frame", name, what,
                                   is_lz4 ? "LZ4" : "zstd");
    }
    return tarn_base_arena_check(arena, error);
}
