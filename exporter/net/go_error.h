/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derives reasons from the error messages of daemons written in Go.
 *
 * containerd (CRI, Transfer) and Docker report a failed pull or push only as text: messages of Go's
 * net, tls and http packages and of the daemons. Patterns are anchored: words and numbers in names
 * of images or URLs do not match.
 */
#pragma once

#include "base/error.h"

/* Returns the most specific reason of the text; `otherwise` if there is none. */
enum error_code go_error_code(const char *text, enum error_code otherwise);
