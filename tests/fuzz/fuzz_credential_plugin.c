/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the answer of a credential provider, and as the kubelet's list of providers: what is
 * accepted is complete, and a failure leaves a reason. */
#include "credentials/credential_plugin.h"
#include "credentials/credential_providers.h"
#include "credentials/image_pattern.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void read_answer(const uint8_t *data, size_t size, const char *image)
{
    CLEANUP(credentials_deinit) struct credentials credentials = {.source = NULL};
    struct credential_answer answer;
    struct error err = {.code = ERROR_NONE};

    if (credential_answer_read(data, size, "credentialprovider.kubelet.k8s.io/v1", image, &answer,
                               &credentials, &err)) {
        require(answer.scope < CREDENTIAL_SCOPES);
        require(answer.has_duration || answer.cache_ns == 0);
        require(!credentials.identity_token.text && !credentials.registry_token.text);
    } else {
        require(err.code == ERROR_INVALID || err.code == ERROR_LIMIT);
        require(err.message[0] != '\0');
    }
}

static void check_provider(const struct credential_provider *provider)
{
    require(provider->name[0] != '\0' && !strchr(provider->name, '/'));
    require(provider->api_version && provider->cache_ns >= 0 && provider->match_images[0]);
    for (const char *const *at = provider->match_images; *at; at++)
        (void)image_pattern_matches(*at, "r.example:5000/team/x"); /* must only come back */
    for (const char *const *at = provider->env; *at; at++)
        require(strchr(*at, '='));
}

static void read_config(const char *text, size_t size)
{
    CLEANUP(arena_deinit) struct arena arena = ARENA_INIT((size_t)16 << 20);
    CLEANUP(freep) struct credential_providers *providers = calloc(1, sizeof(*providers));
    struct error err = {.code = ERROR_NONE};

    require(providers);
    if (credential_providers_parse(providers, text, size, &arena, &err)) {
        require(providers->count > 0);
        for (size_t i = 0; i < providers->count; i++)
            check_provider(&providers->items[i]);
    } else {
        require(err.code == ERROR_INVALID || err.code == ERROR_LIMIT);
        require(err.message[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(freep) char *text = malloc(size + 1);

    require(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    read_answer(data, size, "docker.io/library/x");
    read_answer(data, size, "r.example:5000/team/x");
    read_config(text, size);
    if (!memchr(text, '\0', size) && size > 0 && !strpbrk(text, "*?#"))
        require(image_pattern_matches(text, text)); /* without a star it is itself */
    return 0;
}
