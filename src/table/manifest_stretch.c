/* The metrics of several files, joined as if they were one file.
 *
 * What is joined must hold for each row of each file, so whatever one file does not tell is not
 * known of the stretch either. Files without any value in a column say nothing about its bounds
 * and are passed over. Upper bounds that may be cut need care: such a bound covers all values that
 * begin with it, so of two, one the beginning of the other, the shorter covers more.
 */
#include "table/manifest_stretch_private.h"

#include <string.h>

#include "table/predicate_private.h"

typedef struct JoinedBound {
    bool is_set;   /* some file has one */
    bool is_known; /* every file with values has one */
    TarnText bytes;
    TarnLiteral value;
} JoinedBound;

static int64_t add_count(int64_t sum, int64_t count) {
    if (sum < 0 || count < 0 || __builtin_add_overflow(sum, count, &sum)) return TARN_ABSENT;
    return sum;
}

static int64_t at_most(int64_t count, int64_t limit) { return count < limit ? count : limit; }

static void join_lower(JoinedBound *bound, bool known, const TarnLiteral *value, TarnText bytes) {
    bound->is_known = bound->is_known && known;
    if (!known || (bound->is_set && tarn_table__value_compare(value, &bound->value) >= 0)) return;
    *bound = (JoinedBound){
        .is_set = true, .is_known = bound->is_known, .bytes = bytes, .value = *value};
}

/* Does `wide` cover all that `narrow` does? */
static bool upper_covers(const TarnLiteral *wide, const TarnLiteral *narrow) {
    if (tarn_table__upper_may_be_cut(wide) && tarn_table__value_starts(narrow, wide)) return true;
    if (tarn_table__upper_may_be_cut(narrow) && tarn_table__value_starts(wide, narrow)) {
        return false;
    }
    return tarn_table__value_compare(wide, narrow) >= 0;
}

static void join_upper(JoinedBound *bound, bool known, const TarnLiteral *value, TarnText bytes) {
    bound->is_known = bound->is_known && known;
    if (!known || (bound->is_set && upper_covers(&bound->value, value))) return;
    *bound = (JoinedBound){
        .is_set = true, .is_known = bound->is_known, .bytes = bytes, .value = *value};
}

/* Counts that contradict each other are brought back to what the rows allow, so that what one file
 * counts too much does not make up for what another has. */
static void join_file(const TarnDataFile *file, const TarnColumnMetrics *column, TarnPrimitive type,
                      TarnColumnMetrics *joined, JoinedBound *lower, JoinedBound *upper) {
    int64_t rows = file->record_count > column->value_count ? file->record_count
                                                            : column->value_count;
    int64_t nulls = at_most(column->null_count, rows);
    int64_t nans = at_most(column->nan_count, nulls >= 0 ? rows - nulls : rows);
    joined->value_count = add_count(joined->value_count, rows);
    joined->null_count = add_count(joined->null_count, nulls);
    joined->nan_count = add_count(joined->nan_count, nans);
    bool real = tarn_table__kind_is_real(type.kind);
    bool has_values = nulls < 0 || nulls + (real && nans > 0 ? nans : 0) < rows;
    if (!has_values) return;
    TarnColumnRange range;
    tarn_table__range_bounds(type, column->lower, column->upper, &range);
    join_lower(lower, range.has_lower, &range.lower, column->lower);
    join_upper(upper, range.has_upper, &range.upper, column->upper);
}

/* Copied to where the other stretches' are: judging them all walks through memory once. */
static TarnText final_bytes(const JoinedBound *bound, TarnArena *arena) {
    if (!bound->is_known || !bound->is_set) return (TarnText){0};
    return (TarnText){tarn_base_arena_string_n(arena, bound->bytes.data, bound->bytes.size),
                      bound->bytes.size};
}

/* Whether something is known of the column in every live file. */
static bool join_column(const TarnManifestEntry *entries, size_t count, const TarnField *field,
                        TarnArena *arena, TarnColumnMetrics *joined) {
    JoinedBound lower = {.is_known = true};
    JoinedBound upper = {.is_known = true};
    *joined = (TarnColumnMetrics){.field_id = field->id, .column_size = TARN_ABSENT};
    for (size_t i = 0; i < count; i++) {
        if (entries[i].status == TARN_ENTRY_DELETED) continue;
        const TarnColumnMetrics *column = tarn_table__file_metrics(&entries[i].file, field->id);
        if (column == NULL) return false;
        join_file(&entries[i].file, column, field->type.primitive, joined, &lower, &upper);
    }
    joined->lower = final_bytes(&lower, arena);
    joined->upper = final_bytes(&upper, arena);
    return true;
}

bool tarn_table__stretch_join(const TarnManifestEntry *entries, size_t count, const int32_t *ids,
                              size_t id_count, const TarnSchema *schema, TarnArena *arena,
                              TarnManifestStretch *stretch, TarnError *error) {
    TarnDataFile *joined = &stretch->joined;
    *stretch = (TarnManifestStretch){0};
    for (size_t i = 0; i < count; i++) {
        const TarnDataFile *file = &entries[i].file;
        if (entries[i].status == TARN_ENTRY_DELETED) continue;
        if (file->content != TARN_CONTENT_DATA) return true; /* whoever looks at it will say so */
        joined->record_count = add_count(joined->record_count, file->record_count);
        if (file->first_row_id == TARN_ABSENT) {
            stretch->rows_without_id = add_count(stretch->rows_without_id, file->record_count);
        }
    }
    joined->columns = TARN_NEW_ARRAY(arena, id_count, TarnColumnMetrics);
    if (!tarn_base_arena_check(arena, error)) return false;
    if (joined->record_count < 0 || stretch->rows_without_id < 0) return true;
    for (size_t i = 0; i < id_count; i++) {
        const TarnField *field = tarn_table_schema_find(schema, ids[i]);
        if (field == NULL || field->type.primitive.kind > TARN_TYPE_BINARY) continue;
        if (join_column(entries, count, field, arena, &joined->columns[joined->column_count])) {
            joined->column_count++;
        }
    }
    return tarn_base_arena_check(arena, error);
}
