/* What a file has and no column takes: noted on the way, told at the end.
 *
 * Each slot notes for itself, without locks. A regular file brings its unknown fields in the same
 * order in each row, so the one that was noted behind the last is expected first. Names are few
 * and cut: once all places are taken, fields are no longer told apart.
 */
#include <string.h>

#include "source/reader_private.h"

static bool is_noted(const TarnDrop *drop, const TarnColumn *scope, TarnText name) {
    return drop->scope == scope && drop->size == name.size &&
           memcmp(drop->name, name.data, name.size) == 0;
}

void tarn_source__drops_note(TarnDrops *drops, const TarnColumn *scope, TarnText name) {
    drops->in_row = true;
    if (drops->now.more) return;
    if (name.size > sizeof(drops->items[0].name)) name.size = sizeof(drops->items[0].name);
    for (size_t i = 0; i < drops->now.count; i++) {
        size_t place = (drops->expected + i) % drops->now.count;
        if (!is_noted(&drops->items[place], scope, name)) continue;
        drops->expected = place + 1;
        return;
    }
    if (drops->now.count == TARN_SOURCE_DROPPED_NAMES) {
        drops->now.more = true;
        return;
    }
    TarnDrop *drop = &drops->items[drops->now.count++];
    drop->scope = scope;
    drop->size = name.size;
    if (name.size > 0) memcpy(drop->name, name.data, name.size);
}

void tarn_source__drops_keep(TarnDrops *drops) {
    if (!drops->in_row) return;
    drops->in_row = false;
    drops->now.rows++;
    drops->sure = drops->now;
}

void tarn_source__drops_forget(TarnDrops *drops) {
    drops->in_row = false;
    drops->now = drops->sure;
}

/* --- telling --- */

static const char *origin(const TarnColumn *column) {
    return column->origin != NULL ? column->origin : column->name;
}

/* "address.zip" for a field below the column `scope`; NULL if that is not among the columns. */
static const char *path_below(const TarnColumn *columns, size_t count, const TarnColumn *scope,
                              const char *name, TarnArena *arena) {
    for (size_t i = 0; i < count; i++) {
        const TarnColumn *column = &columns[i];
        const char *below = column == scope ? name
                                            : path_below(column->children, column->child_count,
                                                         scope, name, arena);
        if (below != NULL) return tarn_base_arena_printf(arena, "%s.%s", origin(column), below);
    }
    return NULL;
}

/* In order of names: which thread noted what first must not show. */
void tarn_source_dropped_add(TarnSourceDropped *dropped, const char *name, TarnArena *arena) {
    size_t place = 0;
    int order = -1;
    while (place < dropped->name_count && (order = strcmp(dropped->names[place], name)) < 0) {
        place++;
    }
    if (order == 0) return;
    if (dropped->name_count == TARN_SOURCE_DROPPED_NAMES) {
        dropped->more = true;
        return;
    }
    const char *copy = tarn_base_arena_string(arena, name);
    if (copy == NULL) return;
    memmove(&dropped->names[place + 1], &dropped->names[place],
            (dropped->name_count - place) * sizeof(dropped->names[0]));
    dropped->names[place] = copy;
    dropped->name_count++;
}

void tarn_source_dropped_join(TarnSourceDropped *dropped, const TarnSourceDropped *other,
                              TarnArena *arena) {
    for (size_t i = 0; i < other->name_count; i++) {
        tarn_source_dropped_add(dropped, other->names[i], arena);
    }
    dropped->more = dropped->more || other->more;
    dropped->rows += other->rows;
}

void tarn_source_reader_dropped(const TarnSourceReader *reader, TarnArena *arena,
                                TarnSourceDropped *dropped) {
    const TarnDrops *drops;
    for (uint32_t slot = 0; (drops = reader->vtable->drops(reader->state, slot)) != NULL; slot++) {
        for (size_t i = 0; i < drops->sure.count; i++) {
            const TarnDrop *drop = &drops->items[i];
            const char *name = tarn_source__shown(arena, (TarnText){drop->name, drop->size},
                                                  sizeof(drop->name));
            const char *path = drop->scope == NULL
                                   ? name
                                   : path_below(reader->columns, reader->column_count,
                                                drop->scope, name, arena);
            if (path != NULL) tarn_source_dropped_add(dropped, path, arena);
        }
        dropped->more = dropped->more || drops->sure.more;
        dropped->rows += drops->sure.rows;
    }
}
