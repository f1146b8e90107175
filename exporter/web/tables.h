/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of families of this floor: scheduler/metric_catalog.h cannot know them. */
#ifndef WEB_TABLES_H
#define WEB_TABLES_H

#include "metrics/family.h"

extern const struct metric_family *const web_tables[]; /* ends with NULL */

#endif
