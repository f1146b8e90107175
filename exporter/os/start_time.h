/* SPDX-License-Identifier: Apache-2.0 */
/* When this process was started: unix seconds, as the kernel tells it; 0: it does not. */
#ifndef OS_START_TIME_H
#define OS_START_TIME_H

double process_start_time(void);

#endif
