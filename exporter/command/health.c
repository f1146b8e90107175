/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a running exporter on this machine for /-/healthy, as a health check of a container does.
 *
 * Any answer that only a working web server gives is healthy: 200, and 401 or 429, because the
 * command has no password and no right of way.
 */
#include "command/command.h"

#include "base/clock.h"
#include "base/text.h"
#include "command/options.h"
#include "command/web_path.h"
#include "net/http/http.h"
#include "server/config/web_config.h"
#include "server/listen.h"

#include <stdio.h>
#include <string.h>

#define PROBLEMS_LIMIT_BYTES ((size_t)256 << 10)
#define BODY_LIMIT_BYTES     ((size_t)4 << 10)
#define URL_BYTES            (LISTEN_HOST_BYTES + PREFIX_BYTES + 64)

struct health_options {
    struct flag_list addresses;
    const char *web_config_file, *external_url, *route_prefix, *timeout;
    int64_t timeout_ns;
    char prefix[PREFIX_BYTES];
    bool help;
};

const char command_health_text[] =
    "Asks the exporter that runs on this machine whether it is healthy, prints one line, and exits "
    "with 0 or 1. The image of the exporter uses it as its health check.\n\n"
    "Pass the flags of the web server as the exporter has them. With several addresses each of "
    "them must answer. The answers 200, 401 and 429 are healthy: the command sends no password. "
    "The certificate of the exporter is not verified. A web configuration that requires client "
    "certificates needs health_without_auth: true.";

static void make_flags(struct health_options *options, struct flag flags[COMMAND_FLAGS_MAX])
{
    const struct flag table[] = {
        {"help", FLAG_ACTION, &options->help, NULL, "Show this help.", .letter = 'h'},
        {"web.listen-address", FLAG_LIST, &options->addresses, DEFAULT_ADDRESS,
         "Address on which the exporter listens: host:port, :port, [::1]:port, or unix:///path. "
         "Repeatable."},
        {"web.config.file", FLAG_STRING, &options->web_config_file, "FILE",
         "Web configuration file of the exporter: it tells whether to use TLS."},
        {"web.external-url", FLAG_STRING, &options->external_url, "URL",
         "External URL of the exporter."},
        {"web.route-prefix", FLAG_STRING, &options->route_prefix, "PATH",
         "Prefix of all paths. Default: the path of --web.external-url."},
        {"timeout", FLAG_STRING, &options->timeout, NULL, "How long to wait for each answer."},
        {0},
    };

    *options = (struct health_options){.external_url = "", .timeout = "5s"};
    memcpy(flags, table, sizeof(table));
}

void command_health_flags(void (*visit)(void *arg, const struct flag *flags), void *arg)
{
    struct health_options options;
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(&options, flags);
    visit(arg, flags);
}

static bool parse(struct health_options *options, int argc, char **argv, struct error *err)
{
    struct flag flags[COMMAND_FLAGS_MAX];

    make_flags(options, flags);
    if (!flags_parse(flags, argc, argv, err) ||
        !web_path_routes(options->external_url, options->route_prefix, options->prefix,
                         sizeof(options->prefix), err))
        return false;
    if (!text_duration_ns(options->timeout, &options->timeout_ns, err))
        return error_wrap(err, "--timeout");
    if (options->timeout_ns <= 0)
        return error_set(err, ERROR_INVALID, "--timeout must be positive");
    if (options->addresses.count == 0)
        options->addresses = (struct flag_list){{DEFAULT_ADDRESS}, 1};
    return true;
}

static bool uses_tls(const char *path, bool *tls, struct error *err)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(PROBLEMS_LIMIT_BYTES);
    CLEANUP(web_config_unrefp) struct web_config *config = NULL;

    *tls = false;
    if (!path)
        return true;
    config = web_config_load(path, &problems, err);
    if (!config)
        return false;
    if (web_config_requires_certificate(config) && !config->open_health)
        return error_set(err, ERROR_INVALID,
                         "%s: clients need a certificate, which this command does not have: "
                         "expected health_without_auth: true",
                         path);
    *tls = config->tls;
    return true;
}

/* An exporter that listens on all addresses is asked on loopback. */
static const char *host_to_ask(const char *host)
{
    if (!*host || strcmp(host, "0.0.0.0") == 0)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static void make_url(const struct listen_address *address, const char *prefix, bool tls,
                     char url[URL_BYTES])
{
    const char *scheme = tls ? "https" : "http", *host = host_to_ask(address->host);

    if (address->path)
        snprintf(url, URL_BYTES, "%s://localhost%s/-/healthy", scheme, prefix);
    else
        snprintf(url, URL_BYTES,
                 strchr(host, ':') ? "%s://[%s]:%s%s/-/healthy" : "%s://%s:%s%s/-/healthy", scheme,
                 host, address->port, prefix);
}

static bool ask(struct http *http, const char *url, int64_t timeout_ns, int *status,
                struct error *err)
{
    CLEANUP(http_response_deinit)
    struct http_response response = HTTP_RESPONSE_INIT(BODY_LIMIT_BYTES);
    struct cancel cancel;
    bool ok;

    cancel_init(&cancel, clock_now_ns() + timeout_ns);
    ok = http_exchange(http, &(struct http_request){.method = "GET", .url = url}, &response,
                       &cancel, err);
    cancel_deinit(&cancel);
    *status = response.status;
    return ok;
}

static bool check_address(const char *address, const struct health_options *options, bool tls,
                          struct error *err)
{
    CLEANUP(http_freep) struct http *http = NULL;
    struct listen_address parts;
    char url[URL_BYTES];
    int status;

    if (!listen_parse(address, &parts, err))
        return false;
    make_url(&parts, options->prefix, tls, url);
    http = http_new(&(struct http_options){.unix_socket = parts.path,
                                           .skip_verify = true,
                                           .user_agent = "containerd_exporter"},
                    err);
    if (!http)
        return false;
    if (!ask(http, url, options->timeout_ns, &status, err))
        return error_wrap(err, "%s", address);
    if (status != 200 && status != 401 && status != 429)
        return error_set(err, ERROR_PROTOCOL, "%s: %s: status %d: expected 200, 401 or 429",
                         address, url, status);
    printf("%s: %s: status %d\n", address, url, status);
    return true;
}

static bool check_all(const struct health_options *options, struct error *err)
{
    bool tls, ok = uses_tls(options->web_config_file, &tls, err);

    for (size_t i = 0; ok && i < options->addresses.count; i++)
        ok = check_address(options->addresses.items[i], options, tls, err);
    return ok;
}

int command_health(int argc, char **argv)
{
    const struct command *self = command_find("health");
    struct health_options options;
    struct error err;
    bool ok = parse(&options, argc, argv, &err);

    if (ok && options.help) {
        command_help(self);
        return EXIT_SUCCESS;
    }
    if (ok) {
        setenv("NO_PROXY", "*", 1); /* the exporter runs on this machine */
        http_library_init();
        ok = check_all(&options, &err);
        http_library_deinit();
    }
    if (!ok)
        command_print_error(self, &err);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
