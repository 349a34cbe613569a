/* A geometry's WKB as WKT, the way DuckDB's cast writes it.
 *
 * Purpose: GEOMETRY columns print as text. Every geometry is a nest of the same few shapes: a
 * vertex, a counted list of vertices, a counted list of such lists, a counted list of whole
 * geometries; so one small set of functions reads them all.
 * The bytes may come from a foreign Parquet file: counts and depth are checked against what is
 * there before anything is read, and what is not little-endian WKB comes out as hex.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"

#define DEPTH_MAX 16 /* DuckDB's own limit for nested collections */

typedef struct Reader {
    const char *data;
    size_t size;
    size_t at;
} Reader;

typedef enum Shape {
    VERTEX = 1,
    LINE,
    POLYGON,
    MULTI_VERTEX,
    MULTI_LINE,
    MULTI_POLYGON,
    MANY
} Shape;

typedef struct Header {
    Shape shape;
    unsigned flags; /* 1 = z, 2 = m */
} Header;

static const char *const shape_names[] = {
    "",           "POINT",           "LINESTRING",   "POLYGON",
    "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION",
};

static bool read_bytes(Reader *reader, void *out, size_t size) {
    if (reader->size - reader->at < size) return false;
    memcpy(out, reader->data + reader->at, size);
    reader->at += size;
    return true;
}

static bool read_header(Reader *reader, Header *header) {
    uint8_t order;
    uint32_t meta;
    if (!read_bytes(reader, &order, 1) || order != 1) return false;
    if (!read_bytes(reader, &meta, sizeof(meta))) return false;
    header->shape = (Shape)((meta & 0xFFFF) % 1000);
    header->flags = (meta & 0xFFFF) / 1000;
    return header->shape >= VERTEX && header->shape <= MANY && header->flags <= 3;
}

static void write_coordinate(double value, TarnBuffer *out) {
    char text[TARN_ENGINE_NUMBER_BYTES];
    size_t size = tarn_engine__double_write(value, text);
    if (size > 2 && memcmp(text + size - 2, ".0", 2) == 0) size -= 2;
    tarn_base_buffer_append(out, text, size);
}

/* A vertex of nothing but NaN is the empty point. */
static bool write_vertex(Reader *reader, unsigned flags, bool brackets, bool may_be_empty,
                         TarnBuffer *out) {
    double values[4];
    size_t count = 2 + (flags & 1) + (flags >> 1);
    bool empty = may_be_empty;
    for (size_t i = 0; i < count; i++) {
        if (!read_bytes(reader, &values[i], sizeof(values[i]))) return false;
        empty = empty && isnan(values[i]);
    }
    if (empty) {
        tarn_base_buffer_string(out, "EMPTY");
        return true;
    }
    if (brackets) tarn_base_buffer_byte(out, '(');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) tarn_base_buffer_byte(out, ' ');
        write_coordinate(values[i], out);
    }
    if (brackets) tarn_base_buffer_byte(out, ')');
    return true;
}

static bool write_geometry(Reader *reader, unsigned depth, const Header *parent, TarnBuffer *out);
static bool write_body(Reader *reader, const Header *header, unsigned depth, TarnBuffer *out);

/* One member of a shape: a vertex of a line, a ring of a polygon, a part of a multi-shape. */
static bool write_member(Reader *reader, const Header *header, unsigned depth, TarnBuffer *out) {
    static const Header line = {LINE, 0};
    Header part;
    switch (header->shape) {
    case LINE: return write_vertex(reader, header->flags, false, false, out);
    case POLYGON:
        part = (Header){line.shape, header->flags};
        return write_body(reader, &part, depth, out);
    case MANY: return write_geometry(reader, depth + 1, header, out);
    default: break;
    }
    if (!read_header(reader, &part) || part.flags != header->flags) return false;
    if (part.shape != (Shape)(header->shape - MULTI_VERTEX + VERTEX)) return false;
    if (part.shape == VERTEX) return write_vertex(reader, part.flags, false, true, out);
    return write_body(reader, &part, depth, out);
}

static bool write_body(Reader *reader, const Header *header, unsigned depth, TarnBuffer *out) {
    if (header->shape == VERTEX) return write_vertex(reader, header->flags, true, true, out);
    uint32_t count;
    if (!read_bytes(reader, &count, sizeof(count))) return false;
    if (count == 0) {
        tarn_base_buffer_string(out, "EMPTY");
        return true;
    }
    tarn_base_buffer_byte(out, '(');
    for (uint32_t i = 0; i < count; i++) { /* ends with the bytes, whatever the count says */
        if (i > 0) tarn_base_buffer_string(out, ", ");
        if (out->failed || !write_member(reader, header, depth, out)) return false;
    }
    tarn_base_buffer_byte(out, ')');
    return true;
}

static bool write_geometry(Reader *reader, unsigned depth, const Header *parent, TarnBuffer *out) {
    static const char *const flag_names[] = {" ", " Z ", " M ", " ZM "};
    Header header;
    if (depth >= DEPTH_MAX || !read_header(reader, &header)) return false;
    if (parent != NULL && parent->flags != header.flags) return false;
    tarn_base_buffer_string(out, shape_names[header.shape]);
    tarn_base_buffer_string(out, flag_names[header.flags]);
    return write_body(reader, &header, depth, out);
}

static void write_hex(TarnText bytes, TarnBuffer *out) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        tarn_base_buffer_byte(out, (uint8_t)digits[byte >> 4]);
        tarn_base_buffer_byte(out, (uint8_t)digits[byte & 15]);
    }
}

void tarn_engine__geometry_write(TarnText wkb, TarnBuffer *out) {
    Reader reader = {wkb.data, wkb.size, 0};
    size_t start = out->size;
    if (write_geometry(&reader, 0, NULL, out) || out->failed) return;
    out->size = start;
    write_hex(wkb, out);
}
