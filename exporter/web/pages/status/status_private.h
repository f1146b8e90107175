/* SPDX-License-Identifier: Apache-2.0 */
/* The sections of the status page: for the files status_*.c and page_status.c only. */
#pragma once

#include "web/pages/status/status.h"

/* Each appends to status->body, and reports problems with status_problem(). */
void status_print_config(struct status *status);
void status_print_probes(struct status *status, uint64_t number);
void status_print_daemons(struct status *status);
void status_print_images(struct status *status);
void status_print_plugins(struct status *status);
void status_print_disk(struct status *status);
void status_print_registries(struct status *status);
void status_print_collectors(struct status *status);
