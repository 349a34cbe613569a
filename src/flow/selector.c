/* Selecting models. A term is a method with a value and how far to follow the graph from it; terms
 * joined by commas intersect, arguments and words unite, exclusions are taken out at the end.
 */
#include "flow/selector_private.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#include "flow/run_private.h"

typedef struct Term {
    TarnText whole;
    TarnText method; /* empty = a name */
    TarnText value;
    int64_t up; /* levels; -1 = all */
    int64_t down;
} Term;

typedef struct Selecting {
    const TarnProject *project;
    TarnDb *db;
    TarnArena *arena;
    TarnError *error;
} Selecting;

/* --- reading a term --- */

static bool refuse_term(const Selecting *selecting, TarnText term, const char *why) {
    tarn_base_error_set(selecting->error, TARN_E_USAGE, "the selector \"%.*s\" %s",
                        (int)(term.size < 200 ? term.size : 200), term.data, why);
    return tarn_base_error_hint(selecting->error,
                                "selectors: name, zone.*, tag:x, path:x, source:x, "
                                "state:modified, with +m, m+, 2+m, m+1");
}

/* "2+" or "+" in front. */
static void take_up(TarnText *text, int64_t *levels) {
    size_t digits = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') digits++;
    if (digits >= text->size || text->data[digits] != '+') return;
    *levels = -1;
    if (digits > 0 && !tarn_base_text_to_int64((TarnText){text->data, digits}, levels)) {
        *levels = -1;
    }
    text->data += digits + 1;
    text->size -= digits + 1;
}

/* "+" or "+2" behind. */
static void take_down(TarnText *text, int64_t *levels) {
    size_t end = text->size;
    while (end > 0 && text->data[end - 1] >= '0' && text->data[end - 1] <= '9') end--;
    if (end == 0 || text->data[end - 1] != '+') return;
    TarnText digits = {text->data + end, text->size - end};
    *levels = -1;
    if (digits.size > 0 && !tarn_base_text_to_int64(digits, levels)) *levels = -1;
    text->size = end - 1;
}

static bool read_term(const Selecting *selecting, TarnText text, Term *term) {
    static const char *const methods[] = {"tag", "path", "source", "state", "name"};
    *term = (Term){.whole = text};
    take_up(&text, &term->up);
    take_down(&text, &term->down);
    if (text.size == 0) return refuse_term(selecting, term->whole, "names nothing");
    if (text.data[0] == '@') {
        return refuse_term(selecting, term->whole, "uses @, which is not known");
    }
    TarnText rest;
    TarnText method = tarn_base_text_split(text, ':', &rest);
    term->value = text;
    if (rest.data == NULL) return true;
    term->method = method;
    term->value = rest;
    if (rest.size == 0) return refuse_term(selecting, term->whole, "has no value");
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (tarn_base_text_is(method, methods[i])) return true;
    }
    return refuse_term(selecting, term->whole, "has an unknown method");
}

/* --- matching --- */

static bool glob_matches(const char *pattern, const char *text) {
    return strcasecmp(pattern, text) == 0 || fnmatch(pattern, text, FNM_CASEFOLD) == 0;
}

static bool path_matches(const char *pattern, const char *file) {
    size_t size = strlen(pattern);
    while (size > 0 && pattern[size - 1] == '/') size--;
    bool below = strncmp(pattern, file, size) == 0 && (file[size] == '/' || file[size] == '\0');
    return below || fnmatch(pattern, file, 0) == 0;
}

/* A source's table, or a table by name, is read by the model. */
static bool source_matches(const Selecting *selecting, const char *value, const TarnModel *model) {
    const TarnLakeConfig *config = selecting->project->config;
    for (size_t i = 0; i < model->input_count; i++) {
        const char *input = tarn_catalog_name_text(model->inputs[i], selecting->arena);
        if (glob_matches(value, input)) return true;
        for (size_t s = 0; s < config->source_count; s++) {
            if (strcmp(config->sources[s].name, value) == 0 &&
                strcasecmp(config->sources[s].into, input) == 0) {
                return true;
            }
        }
    }
    return false;
}

static bool state_matches(const Selecting *selecting, const char *value, const TarnModel *model,
                          bool *matches) {
    TarnRunModel last;
    bool found = false;
    if (!tarn_flow__run_last_success(selecting->db, model->full, selecting->arena, &last, &found,
                                     selecting->error)) {
        return false;
    }
    bool modified = !found || last.hash == NULL || strcmp(last.hash, model->hash) != 0;
    *matches = strcmp(value, "new") == 0 ? !found : modified;
    return true;
}

static bool term_matches(const Selecting *selecting, const Term *term, const char *value,
                         const TarnModel *model, bool *matches) {
    if (tarn_base_text_is(term->method, "tag")) {
        *matches = false;
        for (size_t i = 0; i < model->config.tags.count; i++) {
            *matches = *matches || glob_matches(value, model->config.tags.items[i]);
        }
    } else if (tarn_base_text_is(term->method, "path")) {
        *matches = path_matches(value, model->file);
    } else if (tarn_base_text_is(term->method, "source")) {
        *matches = source_matches(selecting, value, model);
    } else if (tarn_base_text_is(term->method, "state")) {
        return state_matches(selecting, value, model, matches);
    } else {
        *matches = glob_matches(value, model->full) || glob_matches(value, model->name.name);
    }
    return true;
}

static bool refuse_nothing(const Selecting *selecting, const Term *term, const char *value) {
    const TarnProject *project = selecting->project;
    const char **names =
        TARN_NEW_ARRAY(selecting->arena, 2 * project->models.count + 1, const char *);
    size_t count = 0;
    if (names == NULL) return tarn_base_arena_check(selecting->arena, selecting->error);
    for (size_t i = 0; i < project->models.count; i++) {
        names[count++] = project->models.items[i].full;
        names[count++] = project->models.items[i].name.name;
    }
    tarn_base_error_set(selecting->error, TARN_E_PIPELINE_NOT_FOUND,
                        "no pipeline matches \"%.*s\"",
                        (int)(term->whole.size < 200 ? term->whole.size : 200), term->whole.data);
    const char *near = term->method.size == 0 ? tarn_base_text_nearest(value, names, count) : NULL;
    if (near != NULL) return tarn_base_error_hint(selecting->error, "did you mean \"%s\"?", near);
    return tarn_base_error_hint(selecting->error, "see what there is with: tarn build --dry-run");
}

/* Level by level: marks what is `levels` steps away at most. */
static bool follow(const Selecting *selecting, bool up, int64_t levels, bool *set) {
    const TarnProject *project = selecting->project;
    size_t total = project->models.count;
    bool *now = TARN_NEW_ARRAY(selecting->arena, total + 1, bool);
    bool *next = TARN_NEW_ARRAY(selecting->arena, total + 1, bool);
    if (!tarn_base_arena_check(selecting->arena, selecting->error)) return false;
    memcpy(now, set, total * sizeof(bool));
    bool more = true;
    for (int64_t level = 0; more && (levels < 0 || level < levels); level++) {
        more = false;
        memset(next, 0, total * sizeof(bool));
        for (size_t i = 0; i < total; i++) {
            const TarnModel *model = &project->models.items[i];
            for (size_t p = 0; p < model->parent_count; p++) {
                size_t from = up ? i : model->parents[p];
                size_t to = up ? model->parents[p] : i;
                if (!now[from] || set[to]) continue;
                next[to] = true;
                more = true;
            }
        }
        for (size_t i = 0; i < total; i++) set[i] = set[i] || next[i];
        memcpy(now, next, total * sizeof(bool));
    }
    return true;
}

static bool apply_term(const Selecting *selecting, TarnText text, bool *set) {
    Term term;
    size_t found = 0;
    const TarnProject *project = selecting->project;
    if (!read_term(selecting, text, &term)) return false;
    const char *value = tarn_base_text_string(selecting->arena, term.value);
    if (value == NULL) return tarn_base_arena_check(selecting->arena, selecting->error);
    bool state = tarn_base_text_is(term.method, "state");
    if (state && strcmp(value, "modified") != 0 && strcmp(value, "new") != 0) {
        return refuse_term(selecting, term.whole, "has an unknown state");
    }
    for (size_t i = 0; i < project->models.count; i++) {
        if (!term_matches(selecting, &term, value, &project->models.items[i], &set[i])) {
            return false;
        }
        found += set[i];
    }
    if (found == 0 && !state) return refuse_nothing(selecting, &term, value);
    bool *above = TARN_NEW_ARRAY(selecting->arena, project->models.count + 1, bool);
    if (above == NULL) return tarn_base_arena_check(selecting->arena, selecting->error);
    memcpy(above, set, project->models.count * sizeof(bool));
    if (!follow(selecting, true, term.up, above) || !follow(selecting, false, term.down, set)) {
        return false;
    }
    for (size_t i = 0; i < project->models.count; i++) set[i] = set[i] || above[i];
    return true;
}

/* "a,b": what all of them choose; added to `chosen`. */
static bool apply_word(const Selecting *selecting, TarnText word, bool *chosen) {
    size_t total = selecting->project->models.count;
    bool *all = TARN_NEW_ARRAY(selecting->arena, total + 1, bool);
    bool *one = TARN_NEW_ARRAY(selecting->arena, total + 1, bool);
    if (!tarn_base_arena_check(selecting->arena, selecting->error)) return false;
    memset(all, 1, total * sizeof(bool));
    TarnText rest = word;
    while (rest.data != NULL) {
        TarnText term = tarn_base_text_split(rest, ',', &rest);
        memset(one, 0, total * sizeof(bool));
        if (!apply_term(selecting, term, one)) return false;
        for (size_t i = 0; i < total; i++) all[i] = all[i] && one[i];
    }
    for (size_t i = 0; i < total; i++) chosen[i] = chosen[i] || all[i];
    return true;
}

static bool apply_all(const Selecting *selecting, const char *const *words, size_t count,
                      bool *chosen) {
    for (size_t i = 0; i < count; i++) {
        TarnText rest = tarn_base_text_trim(tarn_base_text(words[i]));
        if (rest.size == 0) return refuse_term(selecting, rest, "is empty");
        while (rest.data != NULL) {
            TarnText word = tarn_base_text_split(rest, ' ', &rest);
            if (word.size > 0 && !apply_word(selecting, word, chosen)) return false;
        }
    }
    return true;
}

bool tarn_flow__selector_apply(const TarnProject *project, TarnDb *db, const char *const *select,
                               size_t select_count, const char *const *exclude,
                               size_t exclude_count, bool *chosen, TarnError *error) {
    Selecting selecting = {.project = project, .db = db, .arena = project->arena, .error = error};
    size_t total = project->models.count;
    bool *out = TARN_NEW_ARRAY(project->arena, total + 1, bool);
    if (out == NULL) return tarn_base_arena_check(project->arena, error);
    memset(chosen, select_count == 0, total * sizeof(bool));
    if (!apply_all(&selecting, select, select_count, chosen) ||
        !apply_all(&selecting, exclude, exclude_count, out)) {
        return false;
    }
    for (size_t i = 0; i < total; i++) chosen[i] = chosen[i] && !out[i];
    return true;
}
