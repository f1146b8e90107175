/* SPDX-License-Identifier: Apache-2.0 */
/* The filters of containerd that the exporter sends: name~="regular expression",name~="another". */
#ifndef TESTS_FAKE_FILTER_H
#define TESTS_FAKE_FILTER_H

#include <stdbool.h>

/* Aborts if the filter is not of that form. `field` is what it must be about. */
bool fake_filter_matches(const char *filter, const char *field, const char *name);

#endif
