/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Web configuration files from any bytes. Problems are reported exactly if parsing fails, each on a
 * line that begins with the file name; an accepted configuration is complete.
 */
#include "server/config/web_config.h"

#include <string.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_problems(const struct buf *problems)
{
    require(problems->size > 0 && problems->data[problems->size - 1] == '\n');
    for (const char *line = problems->data; *line; line = strchr(line, '\n') + 1)
        require(strncmp(line, "f:", 2) == 0);
}

static void check_config(const struct web_config *config)
{
    require(config->tls ==
            (config->certificate && config->key && config->priorities && config->ready != NULL));
    require(config->client_auth <= CLIENT_AUTH_REQUIRE_AND_VERIFY);
    require(!config->client_allowed_sans ||
            (config->client_allowed_sans[0] && config->client_auth >= CLIENT_AUTH_VERIFY_IF_GIVEN));
    for (size_t i = 0; i < WEB_HEADERS_MAX && config->headers[i].name; i++)
        require(config->headers[i].value[0] && !strpbrk(config->headers[i].value, "\r\n"));
    require(!config->headers[WEB_HEADERS_MAX].name);
    for (size_t i = 0; i < config->n_users; i++)
        require(config->users[i].name[0] && !strchr(config->users[i].name, ':') &&
                strlen(config->users[i].hash) == 60);
    require(config->rate_interval_ns >= 0);
    require(config->rate_interval_ns == 0 || config->rate_burst > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(web_config_unrefp) struct web_config *config = NULL;
    struct error err;

    config = web_config_parse("f", (const char *)data, size, &problems, &err);
    if (!config) {
        check_problems(&problems);
        return 0;
    }
    require(problems.size == 0);
    check_config(config);
    return 0;
}
