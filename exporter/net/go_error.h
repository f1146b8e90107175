/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reasons from the texts of daemons written in Go.
 *
 * containerd (CRI, Transfer) and Docker pull for us and tell what went wrong in words: those of
 * Go's net, tls and http packages and of the daemons' own. Patterns are anchored: a word counts
 * where that text stands in the message, never a number that happens to be in it.
 */
#ifndef NET_GO_ERROR_H
#define NET_GO_ERROR_H

#include "base/error.h"

/* The most specific reason the text gives; `otherwise` where it gives none. */
enum error_code go_error_code(const char *text, enum error_code otherwise);

#endif
