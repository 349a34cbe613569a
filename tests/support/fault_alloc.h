/* Memory that runs out at the n-th call of malloc, calloc, realloc, strdup or strndup by tarn's own
 * code (the linker sends them here: --wrap), and at the n-th of SQLite.
 *
 *   fault_alloc_arm(n, false);
 *   ... run ...
 *   fault_alloc_disarm(), then fault_alloc_fired()
 *
 * Not failed are shared libraries other than SQLite, among them the engine, and the tests' own
 * objects, which are compiled with the real names (tests/fault/meson.build).
 */
#ifndef TARN_TESTS_FAULT_ALLOC_H
#define TARN_TESTS_FAULT_ALLOC_H

#include <stdbool.h>

/* Before SQLite's first use: its calls count too from now on, while `sqlite` says so. */
void fault_alloc_register_sqlite(void);
void fault_alloc_sqlite(bool counts);

/* Fails the n-th call from now on, counted from 1; with `from_then_on` all after it too. 0: only
 * counts. */
void fault_alloc_arm(long n, bool from_then_on);
void fault_alloc_disarm(void);
bool fault_alloc_fired(void);
long fault_alloc_calls(void); /* since it was armed */

#endif
