/* The width of text in a terminal, by the C library's own table (wcwidth).
 *
 * The user's locale may be "C", where nothing beyond ASCII has a width; tables are UTF-8 anyway,
 * so the character class part of the locale is set to UTF-8 whatever the environment says.
 */
#include "cli/width_private.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#define BAD_BYTE 0xFFFD
#define SHOWN_BYTES_MAX 16

void tarn_cli__width_setup(void) {
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) setlocale(LC_CTYPE, "");
}

/* One character as it is shown; its bytes to `shown`, returns its columns. */
static size_t show_one(TarnText text, size_t *offset, char shown[SHOWN_BYTES_MAX], size_t *size) {
    int32_t c = tarn_base_text_utf8_next(text, offset);
    if (c < 0) {
        ++*offset;
        c = BAD_BYTE;
    }
    const char *escape = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;
    if (escape != NULL) {
        *size = (size_t)snprintf(shown, SHOWN_BYTES_MAX, "%s", escape);
        return *size;
    }
    /* C0, DEL and C1, and the marks that turn the direction of text around */
    if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
        *size = (size_t)snprintf(shown, SHOWN_BYTES_MAX, "\\x%02x", (unsigned)c);
        return *size;
    }
    if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069)) {
        *size = (size_t)snprintf(shown, SHOWN_BYTES_MAX, "\\u%04x", (unsigned)c);
        return *size;
    }
    *size = tarn_base_text_utf8_put(c, shown);
    int width = c < 0x80 ? 1 : wcwidth((wchar_t)c);
    return width < 0 ? 1 : (size_t)width;
}

size_t tarn_cli__width(TarnText text) {
    size_t columns = 0;
    size_t offset = 0;
    char shown[SHOWN_BYTES_MAX];
    size_t size;
    while (offset < text.size) columns += show_one(text, &offset, shown, &size);
    return columns;
}

size_t tarn_cli__width_show(TarnText text, size_t columns, TarnBuffer *out) {
    size_t used = 0;
    size_t offset = 0;
    /* where the text must be cut if it turns out too wide: there "…" still fits */
    size_t cut_size = out->size;
    size_t cut_used = 0;
    while (offset < text.size) {
        char shown[SHOWN_BYTES_MAX];
        size_t size;
        size_t width = show_one(text, &offset, shown, &size);
        if (used + width > columns) {
            if (columns == 0 || out->failed) return 0;
            out->size = cut_size;
            tarn_base_buffer_string(out, "\xE2\x80\xA6");
            return cut_used + 1;
        }
        tarn_base_buffer_append(out, shown, size);
        used += width;
        if (used < columns) {
            cut_size = out->size;
            cut_used = used;
        }
    }
    return used;
}
