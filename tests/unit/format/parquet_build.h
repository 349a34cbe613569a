/* A writer of Thrift's compact protocol for tests: builds footers that no real writer makes. */
#ifndef TARN_TESTS_PARQUET_BUILD_H
#define TARN_TESTS_PARQUET_BUILD_H

#include "base/buffer.h"
#include "tap.h"

typedef struct Build {
    TarnBuffer bytes;
    int last[64]; /* field number by depth */
    int depth;
} Build;

__attribute__((unused)) static void build_init(Build *build) {
    memset(build, 0, sizeof(*build));
    tarn_base_buffer_init(&build->bytes, 16u << 20);
}

__attribute__((unused)) static void build_varint(Build *build, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        tarn_base_buffer_byte(&build->bytes, (uint8_t)(value | 0x80));
    }
    tarn_base_buffer_byte(&build->bytes, (uint8_t)value);
}

__attribute__((unused)) static void build_zigzag(Build *build, int64_t value) {
    build_varint(build, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

__attribute__((unused)) static void build_field(Build *build, int id, int type) {
    int step = id - build->last[build->depth];
    build->last[build->depth] = id;
    if (step > 0 && step < 16) {
        tarn_base_buffer_byte(&build->bytes, (uint8_t)(step << 4 | type));
    } else {
        tarn_base_buffer_byte(&build->bytes, (uint8_t)type);
        build_zigzag(build, id);
    }
}

__attribute__((unused)) static void build_i32(Build *build, int id, int64_t value) {
    build_field(build, id, 5);
    build_zigzag(build, value);
}

__attribute__((unused)) static void build_i64(Build *build, int id, int64_t value) {
    build_field(build, id, 6);
    build_zigzag(build, value);
}

__attribute__((unused)) static void build_bool(Build *build, int id, bool value) {
    build_field(build, id, value ? 1 : 2);
}

__attribute__((unused)) static void build_bytes(Build *build, int id, const void *data,
                                                size_t size) {
    build_field(build, id, 8);
    build_varint(build, size);
    tarn_base_buffer_append(&build->bytes, data, size);
}

__attribute__((unused)) static void build_text(Build *build, int id, const char *text) {
    build_bytes(build, id, text, strlen(text));
}

__attribute__((unused)) static void build_list(Build *build, int id, int type, size_t count) {
    build_field(build, id, 9);
    if (count < 15) {
        tarn_base_buffer_byte(&build->bytes, (uint8_t)((count << 4) | (size_t)type));
    } else {
        tarn_base_buffer_byte(&build->bytes, (uint8_t)(0xF0 | type));
        build_varint(build, count);
    }
}

/* An element of a list of structs; with an id: a field that is a struct. */
__attribute__((unused)) static void build_begin(Build *build) { build->last[++build->depth] = 0; }

__attribute__((unused)) static void build_struct(Build *build, int id) {
    build_field(build, id, 12);
    build_begin(build);
}

__attribute__((unused)) static void build_end(Build *build) {
    tarn_base_buffer_byte(&build->bytes, 0);
    build->depth--;
}

/* ---- parts of a footer ---- */

__attribute__((unused)) static void build_group(Build *build, const char *name, int repetition,
                                                int children) {
    build_begin(build);
    if (repetition >= 0) build_i32(build, 3, repetition);
    build_text(build, 4, name);
    build_i32(build, 5, children);
    build_end(build);
}

__attribute__((unused)) static void build_leaf(Build *build, const char *name, int repetition,
                                               int type) {
    build_begin(build);
    build_i32(build, 1, type);
    if (type == 7) build_i32(build, 2, 16);
    build_i32(build, 3, repetition);
    build_text(build, 4, name);
    build_end(build);
}

typedef struct BuildChunk {
    int type;
    const char *path; /* one name */
    int64_t values;
    int64_t offset;
    int64_t size;
    const char *min; /* of `bound` bytes, or NULL */
    const char *max;
    size_t bound;
    bool deprecated;
} BuildChunk;

__attribute__((unused)) static void build_chunk(Build *build, const BuildChunk *chunk) {
    build_begin(build);
    build_i64(build, 2, 0);
    build_struct(build, 3);
    build_i32(build, 1, chunk->type);
    build_list(build, 2, 5, 1);
    build_zigzag(build, 0);
    build_list(build, 3, 8, 1);
    build_varint(build, strlen(chunk->path));
    tarn_base_buffer_string(&build->bytes, chunk->path);
    build_i32(build, 4, 0);
    build_i64(build, 5, chunk->values);
    build_i64(build, 6, chunk->size);
    build_i64(build, 7, chunk->size);
    build_i64(build, 9, chunk->offset);
    if (chunk->min != NULL) {
        build_struct(build, 12);
        build_bytes(build, chunk->deprecated ? 1 : 5, chunk->max, chunk->bound);
        build_bytes(build, chunk->deprecated ? 2 : 6, chunk->min, chunk->bound);
        build_end(build);
    }
    build_end(build);
    build_end(build);
}

/* Magic, length and magic again around the Thrift bytes; caller frees. Room for column data. */
#define BUILD_DATA_BYTES 100
__attribute__((unused)) static char *build_file(const Build *build, size_t *size) {
    size_t length = build->bytes.size;
    char *file = calloc(1, 4 + BUILD_DATA_BYTES + length + 8);
    if (file == NULL) abort();
    memcpy(file, "PAR1", 4);
    char *at = file + 4 + BUILD_DATA_BYTES;
    if (length > 0) memcpy(at, build->bytes.data, length);
    at += length;
    for (int i = 0; i < 4; i++) at[i] = (char)(uint8_t)(length >> (8 * i));
    memcpy(at + 4, "PAR1", 4);
    *size = 4 + BUILD_DATA_BYTES + length + 8;
    return file;
}

#endif
