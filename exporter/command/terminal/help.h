/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a table of flags: as --help, as a section of the manual page, as shell completion. */
#pragma once

#include "command/terminal/flags.h"

/* Wraps each line of `text` to 80 columns. All lines but the first are indented by `indent`
 * spaces. */
void help_text(const char *text, size_t indent, struct buf *out);

void help_flags(const struct flag *flags, struct buf *out);

/* Format as mdoc(7): a table of flags as lists, and a text as paragraphs. */
void help_manual(const struct flag *flags, struct buf *out);
void help_manual_text(const char *text, struct buf *out);

/* Appends the candidates for `word`, one per line. `previous` is the word before it, or NULL. */
void help_complete(const struct flag *flags, const char *previous, const char *word,
                   struct buf *out);
