/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents of one file: ours, and those that canary-checker's users have.
 *
 *     apiVersion: canaries.flanksource.com/v1
 *     kind: Canary
 *
 * Their image checks become entries of `probes:`, at the places of what they were made of, and are
 * read from there like any other. This knows the words of both kinds of file and nothing else.
 */
#ifndef CONFIG_CANARY_CHECKER_CANARY_DOCUMENTS_H
#define CONFIG_CANARY_CHECKER_CANARY_DOCUMENTS_H

#include "config/config_reading.h"

/* Sets reading->root: our document with all probes, or what stands for it where there is none.
 * Also reads the section `kubernetes:`. Mistakes are reported; false only without memory. */
bool canary_documents_read(struct config_reading *reading, struct yaml_node *documents);

#endif
