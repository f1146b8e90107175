/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP side: /metrics and /-/healthy. The only file that knows libmicrohttpd is web.c. */
#ifndef ENGINE_WEB_H
#define ENGINE_WEB_H

#include "engine/board.h"
#include "engine/scheduler.h"

#include <stdint.h>

struct web;

struct web *web_start(uint16_t port, struct board *board, struct scheduler *scheduler,
                      struct error *err);
void web_stop(struct web *web);
DEFINE_CLEANUP(struct web *, web_stop)

#endif
