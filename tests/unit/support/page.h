/* SPDX-License-Identifier: Apache-2.0 */
/* The /metrics page of a board, as a scrape would receive it. All functions are thread-safe. */
#ifndef TESTS_PAGE_H
#define TESTS_PAGE_H

#include "collector/board.h"

/* Returns the page in the text format, malloc'ed. Aborts on failure. */
char *page_text(struct board *board);

/* Returns how often `text` occurs on the page. */
size_t page_count(struct board *board, const char *text);

#endif
