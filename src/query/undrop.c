/* UNDROP TABLE and the purge of DROP TABLE .. PURGE; and SHOW DROPPED TABLES, as a SELECT for
 * look.c to run.
 */
#include "base/limits.h"
#include "base/time.h"
#include "catalog/dropped.h"
#include "query/query_private.h"

bool tarn_query__drop_purge(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    TarnPurged purged;
    if (!tarn_catalog_drop_purge(statement->query->catalog, parsed->name, parsed->force, &purged,
                                 error)) {
        return false;
    }
    const char *kept = purged.kept == 0 ? ""
                                        : tarn_base_arena_printf(&statement->arena,
                                                                 "; %lld outside its folder stay",
                                                                 (long long)purged.kept);
    statement->message = tarn_base_arena_printf(
        &statement->arena, "dropped table %s.%s and deleted its %lld files%s", parsed->name.ns,
        parsed->name.name, (long long)purged.files, kept);
    return tarn_base_arena_check(&statement->arena, error);
}

bool tarn_query__undrop(TarnStatement *statement, const TarnParsed *parsed, TarnError *error) {
    TarnDropped restored;
    TarnArena *arena = &statement->arena;
    const TarnTableName *as = parsed->has_as ? &parsed->new_name : NULL;
    if (!tarn_catalog_undrop(statement->query->catalog, parsed->name, as, arena, &restored,
                             error)) {
        TarnError told = *error;
        if (told.code != TARN_E_TABLE_NOT_FOUND) return false;
        tarn_query__error_at(parsed->tokens.source, parsed->name_offset, told.code, error, "%s",
                             told.message);
        return tarn_base_error_hint(error, "%s", told.hint);
    }
    char time[TARN_TIME_TEXT_BYTES];
    tarn_base_time_format_ms(restored.dropped_at_ms, time);
    const TarnTableName name = as != NULL ? *as : restored.name;
    statement->message = tarn_base_arena_printf(arena, "brought back table %s.%s, dropped at %s",
                                                name.ns, name.name, time);
    return tarn_base_arena_check(arena, error);
}

/* Rows as VALUES; the engine casts them. */
bool tarn_query__dropped_sql(TarnStatement *statement, const char *ns, TarnBuffer *sql,
                             TarnError *error) {
    TarnDropped *dropped = NULL;
    size_t count = 0;
    if (!tarn_catalog_dropped_list(statement->query->catalog, ns, &statement->arena, &dropped,
                                   &count, error)) {
        return false;
    }
    tarn_base_buffer_string(sql, "SELECT ns AS schema_name, name AS table_name, CAST(dropped_at "
                                 "AS TIMESTAMPTZ) AS dropped_at, dropped_by, uuid, location AS "
                                 "metadata_location FROM (VALUES ");
    for (size_t i = 0; i <= count; i++) { /* the last row gives types to a list of none */
        char time[TARN_TIME_TEXT_BYTES];
        const TarnDropped *one = &dropped[i < count ? i : 0];
        const char *texts[6] = {"", "", "1970-01-01", "", "", ""};
        if (i < count) {
            tarn_base_time_format_ms(one->dropped_at_ms, time);
            texts[0] = one->name.ns;
            texts[1] = one->name.name;
            texts[2] = time;
            texts[3] = one->by;
            texts[4] = one->uuid;
            texts[5] = one->metadata_location;
        }
        tarn_base_buffer_printf(sql, "%s(%zu", i > 0 ? ", " : "", i);
        for (size_t t = 0; t < 6; t++) {
            tarn_base_buffer_string(sql, ", ");
            if (texts[t] == NULL) {
                tarn_base_buffer_string(sql, "NULL");
            } else {
                tarn_base_buffer_literal(sql, tarn_base_text(texts[t]));
            }
        }
        tarn_base_buffer_byte(sql, ')');
    }
    tarn_base_buffer_printf(sql, ") AS t(i, ns, name, dropped_at, dropped_by, uuid, location)"
                                 " WHERE i < %zu ORDER BY i",
                            count);
    return tarn_base_buffer_check(sql, error);
}
