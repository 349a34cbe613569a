/* The text of a predicate, for messages, plans and logs. Values are written as people read them,
 * fields by their dotted path; it is not meant to be parsed again.
 */
#include "base/limits.h"
#include "table/predicate.h"
#include "table/predicate_private.h"

typedef struct TextWriter {
    const TarnSchema *schema;
    TarnBuffer *out;
} TextWriter;

static const char *symbol(TarnPredicateKind kind) {
    switch (kind) {
    case TARN_PREDICATE_IS_NULL: return " IS NULL";
    case TARN_PREDICATE_NOT_NULL: return " IS NOT NULL";
    case TARN_PREDICATE_IS_NAN: return " IS NAN";
    case TARN_PREDICATE_NOT_NAN: return " IS NOT NAN";
    case TARN_PREDICATE_LT: return " < ";
    case TARN_PREDICATE_LE: return " <= ";
    case TARN_PREDICATE_GT: return " > ";
    case TARN_PREDICATE_GE: return " >= ";
    case TARN_PREDICATE_EQ: return " = ";
    case TARN_PREDICATE_NE: return " <> ";
    case TARN_PREDICATE_IN: return " IN ";
    case TARN_PREDICATE_NOT_IN: return " NOT IN ";
    case TARN_PREDICATE_STARTS_WITH: return " STARTS WITH ";
    case TARN_PREDICATE_NOT_STARTS_WITH: return " NOT STARTS WITH ";
    default: return "?";
    }
}

static void write_field(TextWriter *writer, int32_t id) {
    TarnArena arena;
    tarn_base_arena_init(&arena, 64 * TARN_KIB);
    const char *path = writer->schema != NULL ? tarn_table_schema_path(writer->schema, id, &arena)
                                              : NULL;
    if (path != NULL) {
        tarn_base_buffer_string(writer->out, path);
    } else {
        tarn_base_buffer_printf(writer->out, "#%d", (int)id);
    }
    tarn_base_arena_dispose(&arena);
}

static void write_literal(TextWriter *writer, const TarnPredicate *leaf,
                          const TarnLiteral *literal) {
    TarnPrimitive type = leaf->type;
    type.kind = literal->kind;
    if (literal->kind != TARN_TYPE_STRING || literal->is_null) {
        tarn_format_literal_to_text(type, literal, writer->out);
        return;
    }
    tarn_base_buffer_literal(writer->out, literal->as.bytes);
}

static void write_leaf(TextWriter *writer, const TarnPredicate *leaf) {
    write_field(writer, leaf->field_id);
    tarn_base_buffer_string(writer->out, symbol(leaf->kind));
    bool list = leaf->kind == TARN_PREDICATE_IN || leaf->kind == TARN_PREDICATE_NOT_IN;
    if (list) tarn_base_buffer_byte(writer->out, '(');
    for (size_t i = 0; i < leaf->literal_count; i++) {
        if (i > 0) tarn_base_buffer_string(writer->out, ", ");
        write_literal(writer, leaf, &leaf->literals[i]);
    }
    if (list) tarn_base_buffer_byte(writer->out, ')');
}

static void write_tree(TextWriter *writer, const TarnPredicate *predicate, unsigned depth) {
    if (depth > TARN_LIMIT_NESTING) {
        tarn_base_buffer_string(writer->out, "...");
        return;
    }
    switch (predicate->kind) {
    case TARN_PREDICATE_TRUE: tarn_base_buffer_string(writer->out, "TRUE"); return;
    case TARN_PREDICATE_FALSE: tarn_base_buffer_string(writer->out, "FALSE"); return;
    case TARN_PREDICATE_UNKNOWN: tarn_base_buffer_string(writer->out, "UNKNOWN"); return;
    case TARN_PREDICATE_NOT: tarn_base_buffer_string(writer->out, "NOT "); break;
    case TARN_PREDICATE_AND:
    case TARN_PREDICATE_OR: break;
    default: write_leaf(writer, predicate); return;
    }
    tarn_base_buffer_byte(writer->out, '(');
    for (size_t i = 0; i < predicate->child_count; i++) {
        if (i > 0) {
            tarn_base_buffer_string(writer->out,
                                    predicate->kind == TARN_PREDICATE_AND ? " AND " : " OR ");
        }
        write_tree(writer, predicate->children[i], depth + 1);
    }
    tarn_base_buffer_byte(writer->out, ')');
}

void tarn_table_predicate_to_text(const TarnPredicate *predicate, const TarnSchema *schema,
                                  TarnBuffer *out) {
    TextWriter writer = {.schema = schema, .out = out};
    write_tree(&writer, predicate, 0);
}
