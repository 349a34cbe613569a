/* A TarnOs that passes every call on to another one, but fails the n-th of those that can fail.
 *
 *   FaultOs fault;
 *   fault_os_init(&fault, inner, n, FAULT_OS_BEFORE, EIO);
 *   ... run with &fault.os ...
 *   fault.fired tells whether the n-th call was reached, fault.failed_call which one it was.
 *
 * Loop n = 1, 2, ... until a run in which it has not fired. Or let a hook decide about each call:
 * one that also counts the calls of other layers (fault_vfs.h), or that lets others run first.
 */
#ifndef TARN_TESTS_FAULT_OS_H
#define TARN_TESTS_FAULT_OS_H

#include <stdatomic.h>

#include "os/os.h"

typedef enum FaultOsWhen {
    FAULT_OS_BEFORE,     /* the call does nothing and fails */
    FAULT_OS_AFTER,      /* the call is done, but its answer is the failure */
    FAULT_OS_FROM_NOW_ON /* this and every later call fail: the process is as good as dead */
} FaultOsWhen;

typedef enum FaultVerdict {
    FAULT_PASS,
    FAULT_REFUSE,     /* the call does nothing and fails */
    FAULT_LOSE_ANSWER /* the call is done, but its answer is the failure */
} FaultVerdict;

/* Asked before each call that can fail; `name` is the member's: "file_sync". */
typedef FaultVerdict (*FaultHook)(void *state, const char *name);

typedef struct FaultOs {
    TarnOs os;
    const TarnOs *inner;
    long fail_at; /* from 1; 0 = never */
    FaultOsWhen when;
    int errno_value;
    atomic_long calls;
    bool fired;
    const char *failed_call; /* "file_sync" */
    FaultHook hook; /* set after init: decides instead of the count */
    void *hook_state;
    atomic_bool lose_answer; /* of the call that is running: one thread only, or never */
} FaultOs;

void fault_os_init(FaultOs *fault, const TarnOs *inner, long fail_at, FaultOsWhen when,
                   int errno_value);

#endif
