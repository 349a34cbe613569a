/* The schema of a Parquet footer: a flat list of elements -> a tree of nodes.
 *
 * The file lists the tree depth-first, each group with its number of children. The nodes keep
 * that order; a stack of the open groups gives parents, ends and levels in one pass. The older
 * ConvertedType is said in the words of LogicalType, so that nobody above knows there were two.
 *
 * It does not judge whether lists and maps have the shape they should have: that is the business
 * of whoever maps them to another type system.
 */
#include "format/parquet_footer_private.h"

#include <string.h>

#include "base/limits.h"

/* A name (field header and length) and the stop byte. */
#define ELEMENT_BYTES_MIN 3

typedef struct Element {
    TarnText name;
    int32_t type; /* -1 = absent, likewise below */
    int32_t type_length;
    int32_t repetition;
    int32_t child_count;
    int32_t converted;
    int32_t scale;
    int32_t precision;
    int64_t field_id;
    TarnParquetLogical logical;
} Element;

/* ---- logical types ---- */

static TarnParquetUnit read_unit(TarnThriftReader *reader) {
    int unit = 0;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        unit = field.id;
        tarn_format__thrift_skip(reader, &field);
    }
    if (unit < TARN_PARQUET_MILLIS || unit > TARN_PARQUET_NANOS) {
        tarn_format__thrift_refuse(reader, "a time in the unknown unit %d", unit);
        return TARN_PARQUET_MICROS;
    }
    return (TarnParquetUnit)unit;
}

static void read_time(TarnThriftReader *reader, TarnParquetLogical *logical) {
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id == 1) {
            logical->adjusted_to_utc = tarn_format__thrift_bool(reader, &field);
        } else if (field.id == 2) {
            tarn_format__thrift_expect_struct(reader, &field);
            logical->unit = read_unit(reader);
        } else {
            tarn_format__thrift_skip(reader, &field);
        }
    }
    if (logical->unit == 0) tarn_format__thrift_refuse(reader, "a time without its unit");
}

static void read_decimal(TarnThriftReader *reader, TarnParquetLogical *logical) {
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id == 1) {
            logical->scale = tarn_format__thrift_i32(reader, &field);
        } else if (field.id == 2) {
            logical->precision = tarn_format__thrift_i32(reader, &field);
        } else {
            tarn_format__thrift_skip(reader, &field);
        }
    }
}

static void read_integer(TarnThriftReader *reader, TarnParquetLogical *logical) {
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id == 1) {
            logical->bit_width = tarn_format__thrift_i32(reader, &field);
        } else if (field.id == 2) {
            logical->is_signed = tarn_format__thrift_bool(reader, &field);
        } else {
            tarn_format__thrift_skip(reader, &field);
        }
    }
}

static void read_geo(TarnThriftReader *reader, TarnParquetLogical *logical) {
    logical->edge_algorithm = -1;
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        if (field.id == 1) {
            logical->crs = tarn_format__thrift_binary(reader, &field);
        } else if (field.id == 2) {
            logical->edge_algorithm = tarn_format__thrift_i32(reader, &field);
        } else {
            tarn_format__thrift_skip(reader, &field);
        }
    }
}

/* The union's field number names the kind. Unknown ones are kept as OTHER, for the spec adds
 * kinds and a reader may still want the other columns. */
static void read_logical(TarnThriftReader *reader, TarnParquetLogical *logical) {
    static const TarnParquetLogicalKind kinds[] = {
        [1] = TARN_PARQUET_LOGICAL_STRING,    [2] = TARN_PARQUET_LOGICAL_MAP,
        [3] = TARN_PARQUET_LOGICAL_LIST,      [4] = TARN_PARQUET_LOGICAL_ENUM,
        [5] = TARN_PARQUET_LOGICAL_DECIMAL,   [6] = TARN_PARQUET_LOGICAL_DATE,
        [7] = TARN_PARQUET_LOGICAL_TIME,      [8] = TARN_PARQUET_LOGICAL_TIMESTAMP,
        [9] = TARN_PARQUET_LOGICAL_INTERVAL,  [10] = TARN_PARQUET_LOGICAL_INTEGER,
        [11] = TARN_PARQUET_LOGICAL_NULL,     [12] = TARN_PARQUET_LOGICAL_JSON,
        [13] = TARN_PARQUET_LOGICAL_BSON,     [14] = TARN_PARQUET_LOGICAL_UUID,
        [15] = TARN_PARQUET_LOGICAL_FLOAT16,  [16] = TARN_PARQUET_LOGICAL_VARIANT,
        [17] = TARN_PARQUET_LOGICAL_GEOMETRY, [18] = TARN_PARQUET_LOGICAL_GEOGRAPHY,
    };
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        bool known = field.id >= 1 && (size_t)field.id < sizeof(kinds) / sizeof(kinds[0]);
        *logical = (TarnParquetLogical){.kind = known ? kinds[field.id]
                                                      : TARN_PARQUET_LOGICAL_OTHER};
        if (known) tarn_format__thrift_expect_struct(reader, &field);
        switch (logical->kind) {
        case TARN_PARQUET_LOGICAL_TIME:
        case TARN_PARQUET_LOGICAL_TIMESTAMP: read_time(reader, logical); break;
        case TARN_PARQUET_LOGICAL_DECIMAL: read_decimal(reader, logical); break;
        case TARN_PARQUET_LOGICAL_INTEGER: read_integer(reader, logical); break;
        case TARN_PARQUET_LOGICAL_GEOMETRY:
        case TARN_PARQUET_LOGICAL_GEOGRAPHY: read_geo(reader, logical); break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
}

static TarnParquetLogical integer_logical(int32_t bit_width, bool is_signed) {
    return (TarnParquetLogical){
        .kind = TARN_PARQUET_LOGICAL_INTEGER, .bit_width = bit_width, .is_signed = is_signed};
}

static TarnParquetLogical time_logical(TarnParquetLogicalKind kind, TarnParquetUnit unit) {
    return (TarnParquetLogical){.kind = kind, .unit = unit, .adjusted_to_utc = true};
}

/* Numbers of parquet.thrift's ConvertedType; equivalents as "Logical types" defines them. */
static TarnParquetLogical convert_type(const Element *element) {
    TarnParquetLogical logical = {.kind = TARN_PARQUET_LOGICAL_OTHER};
    switch (element->converted) {
    case 0: logical.kind = TARN_PARQUET_LOGICAL_STRING; break;
    case 1: logical.kind = TARN_PARQUET_LOGICAL_MAP; break;
    case 2: logical.kind = TARN_PARQUET_LOGICAL_MAP_KEY_VALUE; break;
    case 3: logical.kind = TARN_PARQUET_LOGICAL_LIST; break;
    case 4: logical.kind = TARN_PARQUET_LOGICAL_ENUM; break;
    case 5:
        logical.kind = TARN_PARQUET_LOGICAL_DECIMAL;
        logical.scale = element->scale > 0 ? element->scale : 0;
        logical.precision = element->precision;
        break;
    case 6: logical.kind = TARN_PARQUET_LOGICAL_DATE; break;
    case 7: logical = time_logical(TARN_PARQUET_LOGICAL_TIME, TARN_PARQUET_MILLIS); break;
    case 8: logical = time_logical(TARN_PARQUET_LOGICAL_TIME, TARN_PARQUET_MICROS); break;
    case 9: logical = time_logical(TARN_PARQUET_LOGICAL_TIMESTAMP, TARN_PARQUET_MILLIS); break;
    case 10: logical = time_logical(TARN_PARQUET_LOGICAL_TIMESTAMP, TARN_PARQUET_MICROS); break;
    case 11:
    case 12:
    case 13:
    case 14: logical = integer_logical(8 << (element->converted - 11), false); break;
    case 15:
    case 16:
    case 17:
    case 18: logical = integer_logical(8 << (element->converted - 15), true); break;
    case 19: logical.kind = TARN_PARQUET_LOGICAL_JSON; break;
    case 20: logical.kind = TARN_PARQUET_LOGICAL_BSON; break;
    case 21: logical.kind = TARN_PARQUET_LOGICAL_INTERVAL; break;
    default: break;
    }
    logical.from_converted = true;
    return logical;
}

/* ---- elements ---- */

static Element read_element(TarnThriftReader *reader) {
    Element element = {.name = {NULL, 0},
                       .type = -1,
                       .type_length = -1,
                       .repetition = -1,
                       .child_count = -1,
                       .converted = -1,
                       .scale = -1,
                       .precision = -1,
                       .field_id = TARN_PARQUET_ABSENT};
    TarnThriftField field = tarn_format__thrift_struct_begin(reader);
    while (tarn_format__thrift_field_next(reader, &field)) {
        switch (field.id) {
        case 1: element.type = tarn_format__thrift_i32(reader, &field); break;
        case 2: element.type_length = tarn_format__thrift_i32(reader, &field); break;
        case 3: element.repetition = tarn_format__thrift_i32(reader, &field); break;
        case 4: element.name = tarn_format__thrift_binary(reader, &field); break;
        case 5: element.child_count = tarn_format__thrift_i32(reader, &field); break;
        case 6: element.converted = tarn_format__thrift_i32(reader, &field); break;
        case 7: element.scale = tarn_format__thrift_i32(reader, &field); break;
        case 8: element.precision = tarn_format__thrift_i32(reader, &field); break;
        case 9: element.field_id = tarn_format__thrift_i32(reader, &field); break;
        case 10:
            tarn_format__thrift_expect_struct(reader, &field);
            read_logical(reader, &element.logical);
            break;
        default: tarn_format__thrift_skip(reader, &field); break;
        }
    }
    if (element.logical.kind == TARN_PARQUET_LOGICAL_NONE && element.converted >= 0) {
        element.logical = convert_type(&element);
    }
    return element;
}

static bool check_decimal(const TarnParquetLogical *logical) {
    return logical->kind != TARN_PARQUET_LOGICAL_DECIMAL ||
           (logical->precision > 0 && logical->scale >= 0 && logical->scale <= logical->precision);
}

static bool check_integer(const TarnParquetLogical *logical) {
    return logical->kind != TARN_PARQUET_LOGICAL_INTEGER || logical->bit_width == 8 ||
           logical->bit_width == 16 || logical->bit_width == 32 || logical->bit_width == 64;
}

/* What must hold of an element by itself. */
static void check_element(TarnThriftReader *reader, const Element *element, size_t index) {
    if (reader->failed) return;
    if (element->name.data == NULL) {
        tarn_format__thrift_refuse(reader, "schema element %zu has no name", index);
    } else if (tarn_base_text_utf8_valid(element->name) != element->name.size) {
        tarn_format__thrift_refuse(reader, "the name of schema element %zu is not UTF-8", index);
    } else if (memchr(element->name.data, '\0', element->name.size) != NULL) {
        tarn_format__thrift_refuse(reader, "the name of schema element %zu holds U+0000", index);
    } else if (index > 0 && (element->repetition < TARN_PARQUET_REQUIRED ||
                             element->repetition > TARN_PARQUET_REPEATED)) {
        tarn_format__thrift_refuse(reader, "schema element %zu has no valid repetition", index);
    } else if (element->child_count > 0 && element->type >= 0) {
        tarn_format__thrift_refuse(reader, "schema element %zu has a type and children", index);
    } else if (element->child_count < 0 && element->type < 0) {
        tarn_format__thrift_refuse(reader, "schema element %zu has no type and no children", index);
    } else if (element->type > TARN_PARQUET_FIXED) {
        tarn_format__thrift_refuse(reader, "schema element %zu has the unknown type %d", index,
                                   element->type);
    } else if (element->type == TARN_PARQUET_FIXED && element->type_length <= 0) {
        tarn_format__thrift_refuse(reader, "schema element %zu is of fixed length without one",
                                   index);
    } else if (!check_decimal(&element->logical)) {
        tarn_format__thrift_refuse(reader, "schema element %zu is a decimal(%d,%d)", index,
                                   element->logical.precision, element->logical.scale);
    } else if (!check_integer(&element->logical)) {
        tarn_format__thrift_refuse(reader, "schema element %zu is an integer of %d bits", index,
                                   element->logical.bit_width);
    }
}

static void fill_node(TarnParquetNode *node, const Element *element, bool is_root) {
    bool is_group = element->type < 0;
    *node = (TarnParquetNode){
        .name = element->name,
        .field_id = element->field_id,
        .physical = is_group ? TARN_PARQUET_GROUP : (TarnParquetPhysical)element->type,
        .type_length = element->type == TARN_PARQUET_FIXED ? element->type_length : 0,
        .repetition = is_root ? TARN_PARQUET_REQUIRED : (TarnParquetRepetition)element->repetition,
        .logical = element->logical,
        .child_count = is_group ? (uint32_t)element->child_count : 0,
        .column = -1,
    };
}

/* ---- the tree ---- */

typedef struct OpenGroup {
    uint32_t node;
    uint32_t children_left;
} OpenGroup;

typedef struct Stack {
    OpenGroup open[TARN_LIMIT_NESTING];
    size_t depth;
} Stack;

static void close_groups(Stack *stack, TarnParquetNode *nodes, uint32_t next) {
    while (stack->depth > 0 && stack->open[stack->depth - 1].children_left == 0) {
        nodes[stack->open[--stack->depth].node].end = next;
    }
}

/* Gives a node its place under the innermost open group. */
static void place_node(TarnThriftReader *reader, TarnParquetFooter *footer, Stack *stack,
                       uint32_t index) {
    TarnParquetNode *node = &footer->nodes[index];
    if (stack->depth > 0) {
        OpenGroup *open = &stack->open[stack->depth - 1];
        const TarnParquetNode *parent = &footer->nodes[open->node];
        open->children_left--;
        node->parent = open->node;
        node->definition_max = parent->definition_max;
        node->repetition_max = parent->repetition_max;
        if (node->repetition != TARN_PARQUET_REQUIRED) node->definition_max++;
        if (node->repetition == TARN_PARQUET_REPEATED) node->repetition_max++;
    }
    node->end = index + 1;
    if (node->physical != TARN_PARQUET_GROUP) {
        node->column = (int32_t)footer->column_count;
        footer->columns[footer->column_count++] = index;
    } else if (stack->depth == TARN_LIMIT_NESTING) {
        tarn_format__thrift_refuse(reader, "columns nested deeper than %d", TARN_LIMIT_NESTING);
    } else {
        stack->open[stack->depth++] = (OpenGroup){.node = index,
                                                  .children_left = node->child_count};
    }
}

void tarn_format__parquet_schema_read(TarnThriftReader *reader, const TarnThriftField *field,
                                      TarnArena *arena, TarnParquetFooter *footer) {
    size_t count = tarn_format__thrift_list(reader, field, TARN_THRIFT_STRUCT, ELEMENT_BYTES_MIN);
    if (reader->failed) return;
    if (count == 0 || count > INT32_MAX || footer->nodes != NULL) {
        tarn_format__thrift_refuse(reader, "no schema, or more than one");
        return;
    }
    footer->nodes = tarn_format__parquet_array(reader, arena, count, sizeof(TarnParquetNode));
    footer->columns = tarn_format__parquet_array(reader, arena, count, sizeof(uint32_t));
    footer->node_count = count;
    Stack stack = {.depth = 0};
    for (size_t i = 0; i < count && !reader->failed; i++) {
        Element element = read_element(reader);
        check_element(reader, &element, i);
        if (reader->failed) return;
        if (i == 0 && element.type >= 0) {
            tarn_format__thrift_refuse(reader, "the root of the schema is not a group");
        } else if (i > 0 && stack.depth == 0) {
            tarn_format__thrift_refuse(reader, "schema element %zu belongs to no group", i);
        } else {
            fill_node(&footer->nodes[i], &element, i == 0);
            place_node(reader, footer, &stack, (uint32_t)i);
            close_groups(&stack, footer->nodes, (uint32_t)i + 1);
        }
    }
    if (stack.depth > 0) tarn_format__thrift_refuse(reader, "the schema ends within a group");
}
