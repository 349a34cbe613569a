/* Drafts: a file gets its name only when it is complete.
 *
 * A draft that must not replace anything is a file without a name where the file system has them
 * (O_TMPFILE): a killed process leaves nothing. Otherwise it has a random name beside the final
 * one. Without replacing, publishing is a hard link, which is atomic and exclusive everywhere;
 * where there are no hard links (FAT), a rename that refuses to replace. With replacing it is a
 * rename. A link whose answer was an error is settled by the draft's own link count: network file
 * systems repeat requests, and the repeated one then finds the name that the first one made.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "os/os.h"

#define PATH_BYTES_MAX ((size_t)64 * 1024)

static bool name_draft(const TarnOs *os, const char *path, TarnBuffer *name, TarnError *error) {
    uint8_t chance[12];
    char hex[2 * sizeof(chance) + 1];
    if (!os->random(os, chance, sizeof(chance), error)) return false;
    tarn_base_text_hex(chance, sizeof(chance), hex);
    TarnText parent = tarn_os_parent(path);
    tarn_base_buffer_text(name, parent);
    if (!tarn_base_text_ends(parent, "/")) tarn_base_buffer_byte(name, '/');
    tarn_base_buffer_printf(name, TARN_OS_DRAFT_PREFIX "%s", hex);
    return tarn_base_buffer_check(name, error);
}

static bool open_draft(TarnOsDraft *draft, TarnError *error) {
    const TarnOs *os = draft->os;
    if (!draft->replace) {
        TarnText parent = tarn_os_parent(draft->path);
        tarn_base_buffer_text(&draft->name, parent);
        if (!tarn_base_buffer_check(&draft->name, error)) return false;
        bool ok = os->file_open_unnamed(os, draft->name.data, &draft->file, error);
        tarn_base_buffer_clear(&draft->name);
        if (!ok || draft->file != NULL) return ok;
    }
    return name_draft(os, draft->path, &draft->name, error) &&
           os->file_open(os, draft->name.data, TARN_OS_CREATE, &draft->file, error);
}

bool tarn_os_draft_begin(const TarnOs *os, const char *path, bool replace, TarnOsDraft *draft,
                         TarnError *error) {
    *draft = (TarnOsDraft){.os = os, .path = path, .replace = replace};
    tarn_base_buffer_init(&draft->name, PATH_BYTES_MAX);
    if (open_draft(draft, error)) return true;
    tarn_base_buffer_dispose(&draft->name);
    return false;
}

bool tarn_os_draft_write(TarnOsDraft *draft, const void *data, size_t size, TarnError *error) {
    return tarn_os_file_write_all(draft->os, draft->file, data, size, error) ||
           tarn_base_error_context(error, "writing \"%s\"", draft->path);
}

bool tarn_os_draft_sync(TarnOsDraft *draft, TarnError *error) {
    return draft->os->file_sync(draft->os, draft->file, error) ||
           tarn_base_error_context(error, "writing \"%s\"", draft->path);
}

static void unlink_draft(TarnOsDraft *draft) {
    TarnError error;
    if (draft->name.size == 0) return;
    if (!draft->os->unlink(draft->os, draft->name.data, NULL, &error)) {
        tarn_base_log(TARN_LOG_WARN, "a draft is left over: %s", error.message);
    }
}

static bool publish_unnamed(TarnOsDraft *draft, TarnError *error) {
    const TarnOs *os = draft->os;
    bool ok = os->file_link(os, draft->file, draft->path, error);
    TarnOsStat stat;
    if (!ok) ok = os->file_stat(os, draft->file, &stat, NULL) && stat.links > 0;
    tarn_os_file_discard(os, draft->file);
    draft->file = NULL;
    return ok;
}

static bool link_draft(TarnOsDraft *draft, TarnError *error) {
    const TarnOs *os = draft->os;
    TarnError reason;
    tarn_base_error_clear(&reason);
    bool ok = os->link(os, draft->name.data, draft->path, &reason);
    if (!ok && reason.code == TARN_E_FORMAT_UNSUPPORTED) {
        return os->rename(os, draft->name.data, draft->path, false, error);
    }
    TarnOsStat stat;
    if (!ok) ok = os->stat(os, draft->name.data, false, &stat, NULL) && stat.links > 1;
    if (ok) {
        unlink_draft(draft);
    } else if (error != NULL) {
        *error = reason;
    }
    return ok;
}

static bool publish_named(TarnOsDraft *draft, TarnError *error) {
    const TarnOs *os = draft->os;
    bool ok = os->file_close(os, draft->file, error);
    draft->file = NULL;
    if (ok) {
        ok = draft->replace ? os->rename(os, draft->name.data, draft->path, true, error)
                            : link_draft(draft, error);
    }
    if (!ok) unlink_draft(draft);
    return ok;
}

bool tarn_os_draft_publish(TarnOsDraft *draft, TarnError *error) {
    bool ok = draft->name.size == 0 ? publish_unnamed(draft, error) : publish_named(draft, error);
    tarn_base_buffer_dispose(&draft->name);
    return ok;
}

void tarn_os_draft_abort(TarnOsDraft *draft) {
    if (draft->file != NULL) {
        tarn_os_file_discard(draft->os, draft->file);
        draft->file = NULL;
        unlink_draft(draft);
    }
    tarn_base_buffer_dispose(&draft->name);
}

static bool write_draft(TarnOsDraft *draft, TarnText content, bool durable, TarnError *error) {
    return tarn_os_draft_write(draft, content.data, content.size, error) &&
           (!durable || tarn_os_draft_sync(draft, error));
}

static bool sync_name(const TarnOs *os, const char *path, TarnError *error) {
    TarnBuffer parent;
    tarn_base_buffer_init(&parent, PATH_BYTES_MAX);
    tarn_base_buffer_text(&parent, tarn_os_parent(path));
    bool ok = tarn_base_buffer_check(&parent, error) &&
              os->directory_sync(os, parent.data, error);
    tarn_base_buffer_dispose(&parent);
    return ok;
}

bool tarn_os_file_replace(const TarnOs *os, const char *path, TarnText content, bool durable,
                          TarnError *error) {
    TarnOsDraft draft;
    if (!tarn_os_draft_begin(os, path, true, &draft, error)) return false;
    if (!write_draft(&draft, content, durable, error)) {
        tarn_os_draft_abort(&draft);
        return false;
    }
    return tarn_os_draft_publish(&draft, error) && (!durable || sync_name(os, path, error));
}
