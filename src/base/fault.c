/* Fault points. The plan is parsed once; a point that fires compares its name with the few in the
 * plan. Killing is SIGKILL to oneself: no destructor, no flush, as a power cut of the process.
 */
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define MAX_ENTRIES 16

typedef enum FaultAction { FAULT_ERROR, FAULT_KILL, FAULT_SLEEP } FaultAction;

typedef struct FaultEntry {
    char name[96];
    FaultAction action;
    int64_t sleep_ms;
    int64_t at; /* fires at this hit only; 0 = each */
    atomic_llong hits;
} FaultEntry;

bool tarn_base_fault_armed;
static FaultEntry entries[MAX_ENTRIES];
static size_t entry_count;

static bool parse_entry(TarnText text, FaultEntry *entry) {
    TarnText at;
    TarnText action;
    TarnText name = tarn_base_text_split(text, '=', &action);
    action = tarn_base_text_split(action, '@', &at);
    if (name.size == 0 || name.size >= sizeof(entry->name) || action.data == NULL) return false;
    memcpy(entry->name, name.data, name.size);
    entry->name[name.size] = '\0';
    if (at.data != NULL && !tarn_base_text_to_int64(at, &entry->at)) return false;
    if (tarn_base_text_is(action, "error")) {
        entry->action = FAULT_ERROR;
    } else if (tarn_base_text_is(action, "kill")) {
        entry->action = FAULT_KILL;
    } else if (tarn_base_text_starts(action, "sleep:")) {
        entry->action = FAULT_SLEEP;
        TarnText ms = {action.data + 6, action.size - 6};
        return tarn_base_text_to_int64(ms, &entry->sleep_ms);
    } else {
        return false;
    }
    return true;
}

void tarn_base_fault_init(const char *plan) {
    entry_count = 0;
    tarn_base_fault_armed = false;
    TarnText rest = tarn_base_text(plan);
    while (rest.data != NULL && rest.size > 0) {
        TarnText part = tarn_base_text_split(rest, ';', &rest);
        if (part.size == 0) continue;
        memset(&entries[entry_count < MAX_ENTRIES ? entry_count : 0], 0, sizeof(entries[0]));
        if (entry_count >= MAX_ENTRIES || !parse_entry(part, &entries[entry_count])) {
            fprintf(stderr, "error: TARN_FAULT_PLAN: cannot understand \"%.*s\"\n",
                    TARN_TEXT_ARG(part));
            abort();
        }
        entry_count++;
    }
    tarn_base_fault_armed = entry_count > 0;
}

bool tarn_base_fault_hit(const char *name, TarnError *error) {
    for (size_t i = 0; i < entry_count; i++) {
        FaultEntry *entry = &entries[i];
        if (strcmp(entry->name, name) != 0) continue;
        long long hit = atomic_fetch_add(&entry->hits, 1) + 1;
        if (entry->at != 0 && hit != entry->at) continue;
        switch (entry->action) {
        case FAULT_KILL: kill(getpid(), SIGKILL); break;
        case FAULT_SLEEP: {
            struct timespec wait = {.tv_sec = entry->sleep_ms / 1000,
                                    .tv_nsec = (entry->sleep_ms % 1000) * 1000000};
            nanosleep(&wait, NULL);
            break;
        }
        case FAULT_ERROR:
            tarn_base_error_set(error, TARN_E_FAULT_INJECTED, "fault point \"%s\" fired", name);
            return true;
        }
    }
    return false;
}
