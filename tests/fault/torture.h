/* Scenarios that are run again and again, each time with another call failing.
 *
 * A scenario's state is text (small_lake_describe). For every n and every kind of fault: the n-th
 * call fails, the error is named, and what is there afterwards, in the same process and after
 * opening again, is the state before or after, as was said; then the same goes through.
 */
#ifndef TARN_TESTS_TORTURE_H
#define TARN_TESTS_TORTURE_H

#include "fake_os.h"
#include "fault_os.h"
#include "small_lake.h"

typedef struct Torture {
    FakeOs *disk;
    FaultOs os; /* fails as told while armed */
    SmallLake lake;
    TarnArena arena; /* of one run */
} Torture;

typedef struct TortureScenario {
    const char *name;
    /* The state to begin with, once; then on a copy of that disk for each run. NULL = an empty
     * lake. `begin` is not failed either, but in the same process as `run`. */
    bool (*setup)(Torture *torture, TarnError *error);
    bool (*begin)(Torture *torture, TarnError *error);
    bool (*run)(Torture *torture, TarnError *error);
    bool opens;   /* `run` opens the lake itself */
    bool no_lake; /* `setup` is to begin on an empty disk */
    bool leaves_files; /* nothing refers to any more: maintenance removes them */
    bool again;   /* done twice is the same as done once: fine to run after it has happened */
} TortureScenario;

extern const TortureScenario torture_catalog[];
extern const size_t torture_catalog_count;

#endif
