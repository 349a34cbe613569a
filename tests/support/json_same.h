/* Two trees of base/json.h with the same meaning: kinds, names, texts and order; places and
 * spans may differ. Recursion is bounded by the parsers' own limit. */
#ifndef TARN_TESTS_JSON_SAME_H
#define TARN_TESTS_JSON_SAME_H

#include "base/json.h"

__attribute__((unused)) static bool json_same(const TarnJson *a, const TarnJson *b) {
    if (a->kind != b->kind || a->count != b->count || a->boolean != b->boolean) return false;
    if (!tarn_base_text_equal(a->key, b->key) || !tarn_base_text_equal(a->text, b->text)) {
        return false;
    }
    const TarnJson *y = b->first;
    for (const TarnJson *x = a->first; x != NULL; x = x->next, y = y->next) {
        if (y == NULL || !json_same(x, y)) return false;
    }
    return y == NULL;
}

#endif
