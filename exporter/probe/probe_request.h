/* SPDX-License-Identifier: Apache-2.0 */
/* The request of one run to its engine: references, hosts, credentials, settings. */
#pragma once

#include "probe/probe_state.h"

#define PROBE_NAME_BYTES 128 /* the probe's name and the suffix of a one-shot process */

struct probe_request {
    struct engine_request engine;
    char name[PROBE_NAME_BYTES]; /* names everything that the run creates */
    struct arena arena;
    struct host_list hosts;
    struct error hosts_failed; /* why the list is empty */
    struct credentials credentials;
    struct error warning; /* a hosts.toml that is not used; ERROR_NONE: no warning */
};

/* The authentication settings in force: the probe's, else its registry's. */
const struct credentials_settings *probe_auth(const struct probe *probe);

/* `progress` may be NULL. The caller must call probe_request_deinit(), also after a failure. */
bool probe_request_init(struct probe_request *request, const struct probe *probe,
                        struct progress *progress, struct cancel *cancel,
                        struct error *err) MUST_CHECK;
void probe_request_deinit(struct probe_request *request);
