/* What the two halves of the template reader share: a cursor over the source, and values. */
#ifndef TARN_FLOW_TEMPLATE_PARSE_PRIVATE_H
#define TARN_FLOW_TEMPLATE_PARSE_PRIVATE_H

#include "flow/template_private.h"

typedef enum TarnTemplateTokenKind {
    TARN_TEMPLATE_END, /* of the tag: }} or %}, with or without a dash */
    TARN_TEMPLATE_WORD,
    TARN_TEMPLATE_STRING,
    TARN_TEMPLATE_NUMBER,
    TARN_TEMPLATE_SYMBOL
} TarnTemplateTokenKind;

typedef struct TarnTemplateToken {
    TarnTemplateTokenKind kind;
    TarnText text; /* STRING: without quotes and escapes */
    size_t offset;
    size_t after; /* first byte behind it */
} TarnTemplateToken;

typedef struct TarnTemplateParser {
    const TarnTemplateOptions *options;
    TarnArena *arena;
    TarnTemplate *out;
    TarnError *error;
    TarnText text;
    size_t at;
    size_t tag;   /* where the present tag begins */
    bool block;   /* it is {% %}, not {{ }} */
    bool active;  /* false in a branch that is not taken */
    TarnTemplateToken token; /* the present one */
} TarnTemplateParser;

/* An error at a byte of the source; returns false. */
bool tarn_flow__template_refuse(TarnTemplateParser *parser, size_t offset, const char *format, ...)
    TARN_PRINTF(3, 4);
/* Moves to the next token of the tag. */
bool tarn_flow__template_next(TarnTemplateParser *parser) TARN_CHECKED;
bool tarn_flow__template_is(const TarnTemplateParser *parser, const char *symbol);
bool tarn_flow__template_is_word(const TarnTemplateParser *parser, const char *word);
bool tarn_flow__template_expect(TarnTemplateParser *parser, const char *symbol) TARN_CHECKED;
/* The present token is an unknown name: says which are known. */
bool tarn_flow__template_unknown(TarnTemplateParser *parser, const char *what);

/* A value from the present token on. In a branch not taken, var() gives null. */
bool tarn_flow__template_value(TarnTemplateParser *parser, int depth,
                               const TarnJson **value) TARN_CHECKED;
/* ('k') or ('k', default), the present token being "var". */
bool tarn_flow__template_var(TarnTemplateParser *parser, int depth,
                             const TarnJson **value) TARN_CHECKED;
bool tarn_flow__template_condition(TarnTemplateParser *parser, int depth,
                                   bool *holds) TARN_CHECKED;

#endif
