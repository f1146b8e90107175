/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a docker config.json: an answer is a helper or credentials, never both, and a
 * failure leaves a reason. */
#include "credentials/docker_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void find(const uint8_t *data, size_t size, const struct reference *reference)
{
    CLEANUP(credentials_deinit) struct credentials credentials = {.source = NULL};
    char helper[CREDENTIAL_HELPER_BYTES];
    struct error err = {.code = ERROR_NONE};

    if (docker_config_find(data, size, reference, &credentials, helper, &err)) {
        require(strlen(helper) < CREDENTIAL_HELPER_BYTES);
        require(!helper[0] || !credentials_any(&credentials));
    } else {
        require(err.code == ERROR_INVALID || err.code == ERROR_LIMIT);
        require(err.message[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct reference hub = {"docker.io", "registry-1.docker.io", "library/x", "1",
                                  NULL,        "docker.io/library/x:1"};
    const struct reference other = {"r.example:5000",       "r.example:5000", "team/x", "1", NULL,
                                    "r.example:5000/team/x"};

    if (size > DOCKER_CONFIG_BYTES_MAX)
        return 0;
    find(data, size, &hub);
    find(data, size, &other);
    return 0;
}
