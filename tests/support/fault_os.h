/* A TarnOs that passes every call on to another one, but fails the n-th of those that can fail.
 *
 *   FaultOs fault;
 *   fault_os_init(&fault, inner, n, FAULT_OS_BEFORE, EIO);
 *   ... run with &fault.os ...
 *   fault.fired tells whether the n-th call was reached, fault.failed_call which one it was.
 *
 * Loop n = 1, 2, ... until a run in which it has not fired.
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

typedef struct FaultOs {
    TarnOs os;
    const TarnOs *inner;
    long fail_at; /* from 1; 0 = never */
    FaultOsWhen when;
    int errno_value;
    atomic_long calls;
    bool fired;
    const char *failed_call; /* "file_sync" */
} FaultOs;

void fault_os_init(FaultOs *fault, const TarnOs *inner, long fail_at, FaultOsWhen when,
                   int errno_value);

#endif
