/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts canary-checker's documents in a file into entries of `probes:`.
 *
 *     apiVersion: canaries.flanksource.com/v1
 *     kind: Canary
 *
 * Each entry keeps the source positions of its check. config.c reads the entries like all others.
 */
#pragma once

#include "config/config_reading.h"

/* Whether the document is a Kubernetes object, not settings. */
bool canary_documents_is_object(const struct yaml_node *document);

/* Returns the settings document of one file; NULL: the file has only objects. An empty document
 * counts if there is no other. Reports a second one. */
struct yaml_node *canary_documents_find_settings(const struct config_reading *reading,
                                                 const struct yaml_node *documents);

extern const struct setting canary_folders_settings[]; /* the section `kubernetes:` */

/* Sets reading->root to the settings document, an empty one if the file has none, with all probes
 * added. Also reads the section `kubernetes:`. Mistakes are reported; returns false only without
 * memory. */
bool canary_documents_read(struct config_reading *reading, struct yaml_node *documents);
