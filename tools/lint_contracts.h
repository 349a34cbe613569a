/* What the static analyzer cannot see across files, told to it (tools/lint.py includes this before
 * every source but those that define these functions): the set functions of base/error.h return
 * false, always. Without this each "return set(...)" looks like a success without a result. */
#ifndef TARN_TOOLS_LINT_CONTRACTS_H
#define TARN_TOOLS_LINT_CONTRACTS_H

#include "base/error.h"

#define tarn_base_error_set(...) ((void)tarn_base_error_set(__VA_ARGS__), false)
#define tarn_base_error_set_errno(...) ((void)tarn_base_error_set_errno(__VA_ARGS__), false)
#define tarn_base_error_hint(...) ((void)tarn_base_error_hint(__VA_ARGS__), false)
#define tarn_base_error_detail(...) ((void)tarn_base_error_detail(__VA_ARGS__), false)
#define tarn_base_error_place(...) ((void)tarn_base_error_place(__VA_ARGS__), false)
#define tarn_base_error_excerpt(...) ((void)tarn_base_error_excerpt(__VA_ARGS__), false)
#define tarn_base_error_context(...) ((void)tarn_base_error_context(__VA_ARGS__), false)

#endif
