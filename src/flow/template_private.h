/* Pipeline templates: dbt's spellings in a SQL file, rendered to SQL with a way back to the file.
 *
 *   {{ ref('m') }} {{ ref('zone.m') }} {{ ref('zone', 'm') }} {{ source('s', 't') }} {{ this }}
 *   {{ var('k') }} {{ var('k', default) }} {{ config(key = value, ..) }}
 *   {% if is_incremental() %} .. {% elif var('k') == 'v' and not (..) %} .. {% else %} ..
 *   {% endif %}
 *   {# comment #}   and {{- -}} {%- -%} {#- -#}, which take the white space beside them away
 *
 * Values: 'text', "text", 12, 1.5, true, false, none, [..], {'k': ..}, and var(..) in their place.
 * Nothing else: TARN_E_TEMPLATE with file:line:column, the line, and the nearest known name.
 */
#ifndef TARN_FLOW_TEMPLATE_PRIVATE_H
#define TARN_FLOW_TEMPLATE_PRIVATE_H

#include "base/json.h"
#include "catalog/name.h"

/* if inside if; a list inside a list. */
#define TARN_TEMPLATE_NESTING_MAX 32

typedef enum TarnTemplateCall { TARN_TEMPLATE_REF, TARN_TEMPLATE_SOURCE } TarnTemplateCall;

typedef struct TarnTemplateOptions {
    const char *file; /* named in errors */
    /* What a ref or source means; `first` NULL for ref with one argument. On false the error's
     * message and hint are set; the place is added here. */
    bool (*resolve)(void *state, TarnTemplateCall call, const char *first, const char *second,
                    TarnTableName *name, TarnError *error);
    void *state;
    TarnTableName self;   /* {{ this }} */
    const TarnJson *vars; /* an object; NULL = none */
    bool incremental;     /* what is_incremental() says */
} TarnTemplateOptions;

/* A stretch of the SQL and where it comes from. */
typedef struct TarnTemplateSpan {
    size_t out;     /* first byte in the SQL */
    size_t in;      /* first byte in the source */
    bool generated; /* all of it stands for the tag at `in` */
} TarnTemplateSpan;

typedef struct TarnTemplate {
    const char *file;
    TarnText source;
    TarnText sql;           /* rendered, zero-terminated */
    const TarnJson *config; /* an object of the arguments of all config(..), with places */
    bool incremental_used;  /* is_incremental() was asked */
    bool this_used;
    struct {
        TarnTemplateSpan *items;
        size_t count;
        size_t capacity;
    } spans;
    struct {
        TarnTableName *items; /* resolved, each once */
        size_t count;
        size_t capacity;
    } references;
} TarnTemplate;

/* Everything in the arena; `source` must outlive it. Branches not taken are checked for their
 * syntax only. */
bool tarn_flow__template_render(TarnText source, const TarnTemplateOptions *options,
                                TarnArena *arena, TarnTemplate *rendered,
                                TarnError *error) TARN_CHECKED;
/* An error with a place in the rendered SQL becomes one with the place in the file, its line as the
 * detail. An error without a place gets the file alone. Returns false. */
bool tarn_flow__template_place(const TarnTemplate *rendered, TarnError *error);
/* The byte of the source that a byte of the SQL comes from. */
size_t tarn_flow__template_origin(const TarnTemplate *rendered, size_t offset);
/* A table as SQL names it: zone."a.b".t for t in the namespace zone.a.b. */
void tarn_flow__sql_name(TarnTableName name, TarnBuffer *out);
/* 1-based, in code points */
void tarn_flow__text_place(TarnText text, size_t offset, uint32_t *line, uint32_t *column);

#endif
