/* SPDX-License-Identifier: Apache-2.0 */
/* A table of flags for people: as --help, in the manual, and as a shell completes it. */
#ifndef COMMAND_TERMINAL_HELP_H
#define COMMAND_TERMINAL_HELP_H

#include "command/terminal/flags.h"

/* Wraps each line of `text` to a terminal of 80 columns, from the second one on behind `indent`
 * spaces. */
void help_text(const char *text, size_t indent, struct buf *out);

void help_flags(const struct flag *flags, struct buf *out);

/* In mdoc(7): a list, and the paragraphs of a text. */
void help_manual(const struct flag *flags, struct buf *out);
void help_manual_text(const char *text, struct buf *out);

/* What `word` may become where `previous` (NULL: nothing) stands before it: one per line. */
void help_complete(const struct flag *flags, const char *previous, const char *word,
                   struct buf *out);

#endif
