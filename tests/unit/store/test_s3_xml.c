/* The XML of S3: elements cut out by name, texts resolved, everything else refused. */
#include "base/limits.h"
#include "store/s3_private.h"
#include "tap.h"

static TarnArena arena;

static const char *text_of(const char *document, const char *name) {
    TarnText content;
    const char *text;
    if (!tarn_store__xml_root(tarn_base_text(document), NULL, &content, NULL) ||
        !tarn_store__xml_text(content, name, &arena, &text, NULL)) {
        return NULL;
    }
    return text;
}

static void texts(void) {
    CHECK_STRING(text_of("<?xml version=\"1.0\"?>\n<R xmlns='a>b'><A>1</A><B/><A>2</A></R>", "A"),
                 "1");
    CHECK_STRING(text_of("<R><B/><!-- <A>no</A> --><C><A>deep</A></C><A x=\">\">yes</A></R>", "A"),
                 "yes");
    CHECK_STRING(text_of("<R><A/></R>", "A"), "");
    CHECK_STRING(text_of("<R><A></A></R>", "B"), "");
    CHECK_STRING(text_of("<R><A>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;&#xfc;&#x1F600;</A></R>", "A"),
                 "<&>\"'AB\xc3\xbc\xf0\x9f\x98\x80");
    CHECK_STRING(text_of("<R><A>a<B>b</B></A></R>", "A"), NULL); /* no text but an element */
}

static void what_is_refused(void) {
    static const char *const documents[] = {
        "", "text", "<R>", "</R>", "<R></S>", "<R><A></R></A>", "<R><A", "<", "<R", "<R a='>",
        "<!DOCTYPE R [<!ENTITY a 'b'>]><R/>", "<R><A><![CDATA[x]]></A></R>", "<R><A>&a;</A></R>",
        "<R><A>&#0;</A></R>", "<R><A>&#xD800;</A></R>", "<R><A>&#x110000;</A></R>",
        "<R><A>&#99999999999999999999;</A></R>", "<R><A>&amp</A></R>", "<R><A>\xff</A></R>",
        "<R><A>&#;</A></R>", "<R><A>&#x;</A></R>", "<R>< A></A></R>", "<!-- <R/>",
    };
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        if (text_of(documents[i], "A") != NULL) tap_fail(__FILE__, __LINE__, documents[i]);
    }
    TarnText content;
    TarnError error;
    CHECK(!tarn_store__xml_root(TARN_TEXT("<Other/>"), "R", &content, &error));
    CHECK_INT(error.code, TARN_E_FORMAT_CORRUPT);
    CHECK(strstr(error.message, "<Other>") != NULL);
}

static void depth_is_bounded(void) {
    TarnBuffer deep;
    tarn_base_buffer_init(&deep, TARN_MIB);
    for (int i = 0; i < TARN_LIMIT_STORE_XML_DEPTH; i++) tarn_base_buffer_string(&deep, "<a>");
    for (int i = 0; i < TARN_LIMIT_STORE_XML_DEPTH; i++) tarn_base_buffer_string(&deep, "</a>");
    CHECK_STRING(text_of(deep.data, "b"), "");
    tarn_base_buffer_clear(&deep);
    for (int i = 0; i <= TARN_LIMIT_STORE_XML_DEPTH; i++) tarn_base_buffer_string(&deep, "<a>");
    for (int i = 0; i <= TARN_LIMIT_STORE_XML_DEPTH; i++) tarn_base_buffer_string(&deep, "</a>");
    CHECK_STRING(text_of(deep.data, "b"), NULL);
    tarn_base_buffer_dispose(&deep);
}

static void what_is_written_is_read(void) {
    TarnBuffer out;
    tarn_base_buffer_init(&out, TARN_MIB);
    tarn_base_buffer_string(&out, "<R><A>");
    tarn_store__xml_escape(&out, "a<b>&c]]>&amp;");
    tarn_base_buffer_string(&out, "</A></R>");
    CHECK_STRING(text_of(out.data, "A"), "a<b>&c]]>&amp;");
    tarn_base_buffer_dispose(&out);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    tarn_base_arena_init(&arena, 16 * TARN_MIB);
    TAP_TEST(texts);
    TAP_TEST(what_is_refused);
    TAP_TEST(depth_is_bounded);
    TAP_TEST(what_is_written_is_read);
    tarn_base_arena_dispose(&arena);
    return tap_end();
}
