/* Fault points: named places where a test makes the program fail, wait or die.
 *
 *   if (TARN_FAULT("table.commit.after_manifest_put", error)) return false;
 *
 * The environment variable TARN_FAULT_PLAN names what happens: "name=error", "name=kill",
 * "name=sleep:MS", with "@N" for the N-th hit only ("name=kill@3"); several separated by ';'.
 * Read once at start. Without the variable a point costs one predictable branch. The names in
 * the sources are collected by tools/check_faults.py, and the fault tests hit each of them.
 */
#ifndef TARN_BASE_FAULT_H
#define TARN_BASE_FAULT_H

#include <stdbool.h>

#include "base/error.h"

extern bool tarn_base_fault_armed;

void tarn_base_fault_init(const char *plan); /* NULL or "" = none; a bad plan aborts with a text */
bool tarn_base_fault_hit(const char *name, TarnError *error);

#define TARN_FAULT(name, error)                                                                    \
    (__builtin_expect(tarn_base_fault_armed, 0) && tarn_base_fault_hit((name), (error)))

#endif
