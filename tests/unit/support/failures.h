/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes allocations and the creation of threads fail in the calling thread.
 *
 *     for (size_t n = 0; !done; n++) {
 *         fail_allocations_after(n);
 *         done = function_under_test();
 *         fail_nothing();
 *     }
 *
 * Sanitizers have allocators of their own: with them nothing fails, and the loop ends at once.
 */
#ifndef TESTS_FAILURES_H
#define TESTS_FAILURES_H

#include <stddef.h>

/* The next `n` calls succeed, all later ones fail. */
void fail_allocations_after(size_t n);
void fail_threads_after(size_t n);

void fail_nothing(void);

#endif
