/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Unix seconds, from /proc; 0 if unknown. */
double process_start_time(void);
