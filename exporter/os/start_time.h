/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OS_START_TIME_H
#define OS_START_TIME_H

/* Unix seconds, from /proc; 0 if unknown. */
double process_start_time(void);

#endif
