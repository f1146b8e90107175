/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts failed TLS handshakes by cause, and logs the first one of each cause and at most one a
 * minute. Thread-safe.
 */
#pragma once

#include "collector/board.h"
#include "server/config/tls.h"

extern const struct metric_family handshake_families[];

struct handshakes;

/* The board must outlive the result; NULL: the counters are not shown. */
struct handshakes *handshakes_new(struct board *board, struct error *err);
void handshakes_free(struct handshakes *handshakes);
DEFINE_CLEANUP(struct handshakes *, handshakes_free)

/* Shows the counters, from when TLS is enabled. */
void handshakes_show(struct handshakes *handshakes);
/* For the thread on which the handshake has failed. */
void handshakes_failed(struct handshakes *handshakes, const struct tls_handshake *handshake);
