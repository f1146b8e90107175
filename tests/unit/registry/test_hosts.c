/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asked for an image, as hosts.toml says it and as containerd reads it. */
#include "registry/hosts/hosts.h"

#include "base/buf.h"
#include "base/clock.h"
#include "engines/daemon/daemon_hosts.h"
#include "registry/hosts/hosts_toml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\n"
#define PRIVATE_KEY "-----BEGIN PRIVATE KEY-----\n"

static char root[] = "/tmp/test_hosts.XXXXXX";

struct fixture {
    struct arena arena;
    struct reference reference;
    struct host_options options;
    struct host_list list;
    struct error warning, err;
};

static void path_below(char path[256], const char *dir, const char *name)
{
    snprintf(path, 256, "%s/%s/%s", root, dir, name);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[256];
    path_below(path, dir, "");
    assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
    path_below(path, dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static int empty_root(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s/*", root);
    return system(command);
}

static void open_fixture(struct fixture *it, const char *image)
{
    *it = (struct fixture){.arena = ARENA_INIT((size_t)1 << 20), .options = {.roots = root}};
    assert_true(reference_parse(&it->reference, image, &it->arena, &it->err));
}

static void close_fixture(struct fixture *it)
{
    arena_deinit(&it->arena);
}

static void find(struct fixture *it)
{
    if (!hosts_find(&it->reference, &it->options, &it->arena, &it->list, &it->warning, &it->err))
        fail_msg("%s", it->err.message);
}

/* The list in short: "https://m.example/v2 prs ns=…; …" */
static const char *shown(const struct host_list *list)
{
    static char text[2048];
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        const struct host *host = &list->items[i];
        n += (size_t)snprintf(
            text + n, sizeof(text) - n, "%s%s://%s%s %s%s%s%s%s%s%s", i ? "; " : "",
            host->try_https_first ? "?" : host->scheme, host->authority, host->path,
            host->capabilities & HOST_PULL ? "p" : "", host->capabilities & HOST_RESOLVE ? "r" : "",
            host->capabilities & HOST_PUSH ? "P" : "", host->skip_verify ? " skip" : "",
            host->client_cert[0] ? " client" : "", host->name_space[0] ? " ns=" : "",
            host->name_space);
        if (host->repository)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " as %s", host->repository);
        for (const char *const *ca = host->more_ca_files; *ca; ca++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " ca");
        for (const char *const *header = host->headers; *header; header++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, " [%s]", *header);
    }
    return text;
}

struct row {
    const char *toml, *list;
};

#define REGISTRY "https://reg.example:5000/v2 prP"
#define NS       " ns=reg.example:5000"

static const struct row rows[] = {
    /* order, then the registry itself */
    {"[host.\"https://z.example\"]\n[host.\"https://a.example\"]\n[host.\"https://m.example\"]\n",
     "https://z.example/v2 prP" NS "; https://a.example/v2 prP" NS "; https://m.example/v2 prP" NS
     "; " REGISTRY},
    {"server = \"https://reg.example:5000\"\n[host.\"https://m.example\"]\n",
     "https://m.example/v2 prP" NS "; " REGISTRY},
    {"server = \"https://up.example\"\n[host.\"https://m.example\"]\n",
     "https://m.example/v2 prP" NS "; https://up.example/v2 prP" NS},
    {"server = \"https://up.example\"\n", "https://up.example/v2 prP" NS},
    {"# nothing\n", REGISTRY},
    {"[host]\n", REGISTRY},
    /* a table of a host's own before it, and after another */
    {"[host.\"https://b.example\".header]\nx = \"1\"\n[host.\"https://a.example\"]\n",
     "https://b.example/v2 prP" NS " [x: 1]; https://a.example/v2 prP" NS "; " REGISTRY},
    {"  [host.\"https://a.example\"]\r\n[host.\"https://b.example\"]\r\n",
     "https://a.example/v2 prP" NS "; https://b.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://b.example\".header]\nx = \"1\"\n[host.\"https://a.example\"]\n"
     "[host.\"https://b.example\"]\n",
     "https://b.example/v2 prP" NS " [x: 1]; https://a.example/v2 prP" NS "; " REGISTRY},
    {"server = \"https:///x\"\n", REGISTRY},
    {"server = \"\"\n", REGISTRY},
    /* schemes and paths */
    {"[host.\"m.example:81\"]\n", "https://m.example:81/v2 prP" NS "; " REGISTRY},
    {"[host.\"http://m.example:81\"]\n", "http://m.example:81/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/\"]\n", "https://m.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/v2\"]\n", "https://m.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/v2/\"]\n", "https://m.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/v2/hub\"]\n", "https://m.example/v2/hub/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/a//b/./c/../d/\"]\n",
     "https://m.example/a/b/d/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/../../a\"]\n", "https://m.example/a/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/myv2\"]\n", "https://m.example/myv2/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://u:p@m.example/p?q=/v2#f\"]\n", "https://m.example/p/v2 prP" NS "; " REGISTRY},
    {"[host.\"https://m.example/prefix/\"]\noverride_path = true\n",
     "https://m.example/prefix prP" NS "; " REGISTRY},
    {"[host.\"https://m.example\"]\noverride_path = true\n",
     "https://m.example prP" NS "; " REGISTRY},
    {"[host.\"http://[::1]:5000/x\"]\n", "http://[::1]:5000/x/v2 prP" NS "; " REGISTRY},
    /* capabilities */
    {"[host.\"https://m.example\"]\ncapabilities = [\"pull\", \"Resolve\"]\n",
     "https://m.example/v2 pr" NS "; " REGISTRY},
    {"[host.\"https://m.example\"]\ncapabilities = [\"push\"]\n",
     "https://m.example/v2 P" NS "; " REGISTRY},
    {"[host.\"https://m.example\"]\ncapabilities = []\n",
     "https://m.example/v2 prP" NS "; " REGISTRY},
    {"server = \"https://up.example\"\ncapabilities = [\"pull\"]\n", "https://up.example/v2 p" NS},
    {"capabilities = [\"pull\"]\n", REGISTRY},
    {"[host.\"https://m.example\"]\ncapabilities = [\"pull\", \"referrers\"]\n",
     "https://m.example/v2 p" NS "; " REGISTRY},
    /* root keys are the server's */
    {"server = \"https://up.example\"\nca = \"ca.crt\"\nskip_verify = true\n[header]\nx = \"1\"\n",
     "https://up.example/v2 prP skip" NS " ca [x: 1]"},
    {"ca = \"ca.crt\"\n[host.\"https://m.example\"]\n",
     "https://m.example/v2 prP" NS "; " REGISTRY " ca"},
    /* TLS */
    {"[host.\"https://m.example\"]\nca = [\"ca.crt\", \"ca.crt\"]\nclient = \"both.pem\"\n",
     "https://m.example/v2 prP client" NS " ca ca; " REGISTRY},
    {"[host.\"https://m.example\"]\nclient = [\"both.pem\"]\n",
     "https://m.example/v2 prP client" NS "; " REGISTRY},
    {"[host.\"https://m.example\"]\nclient = [[\"c.cert\", \"c.key\"]]\n",
     "https://m.example/v2 prP client" NS "; " REGISTRY},
    {"[host.\"https://m.example\"]\nclient = []\n", "https://m.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"http://m.example:5001\"]\nskip_verify = true\n",
     "?://m.example:5001/v2 prP skip" NS "; " REGISTRY},
    {"[host.\"http://m.example:5001\"]\nskip_verify = false\n",
     "?://m.example:5001/v2 prP" NS "; " REGISTRY},
    {"[host.\"http://m.example:80\"]\nskip_verify = true\n",
     "http://m.example:80/v2 prP skip" NS "; " REGISTRY},
    {"[host.\"http://m.example\"]\nskip_verify = false\n", "?://m.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"http://m.example\"]\nca = []\n", "?://m.example/v2 prP" NS "; " REGISTRY},
    {"[host.\"http://m.example\"]\nclient = []\n", "http://m.example/v2 prP" NS "; " REGISTRY},
    /* headers */
    {"[host.\"https://m.example\".header]\nx-a = [\"1\", \"2\"]\nX-B = \"3\"\n",
     "https://m.example/v2 prP" NS " [X-B: 3] [x-a: 1] [x-a: 2]; " REGISTRY},
    {"[host.\"https://m.example\".header]\nhost = \"a\"\nAccept = \"b\"\nX = \"c\"\n",
     "https://m.example/v2 prP" NS " [X: c]; " REGISTRY},
    /* hosts that no request can be sent to are passed over */
    {"[host.\"https://m.example\".header]\nx = \"1\\r\\ny: 2\"\n", REGISTRY},
    {"[host.\"https://m.example\".header]\n\"x y\" = \"1\"\n", REGISTRY},
    {"[host.\"\"]\n[host.\"https:///x\"]\n[host.\"httpmirror.example\"]\n", REGISTRY},
    {"[host.\"https://m.example/a b\"]\n", REGISTRY},
    /* unknown keys are ignored */
    {"colour = \"red\"\n[host.\"https://m.example\"]\nflavour = 1\n[other]\n",
     "https://m.example/v2 prP" NS "; " REGISTRY},
    {"Server = \"https://up.example\"\n[host.\"https://m.example\"]\nCapabilities = [\"pull\"]\n",
     "https://m.example/v2 p" NS "; https://up.example/v2 prP" NS},
    /* only headers of tables make hosts */
    {"host = {\"https://m.example\" = {}}\n", REGISTRY},
    {"host.\"https://m.example\".skip_verify = true\n", REGISTRY},
};

static void put_files(void)
{
    put("reg.example_5000_", "ca.crt", CERTIFICATE);
    put("reg.example_5000_", "both.pem", CERTIFICATE PRIVATE_KEY);
    put("reg.example_5000_", "c.cert", CERTIFICATE);
    put("reg.example_5000_", "c.key", PRIVATE_KEY);
}

static void reads_the_file_as_containerd_does(void **state)
{
    (void)state;
    put_files();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture it;
        open_fixture(&it, "reg.example:5000/a/b:t");
        put("reg.example_5000_", "hosts.toml", rows[i].toml);
        find(&it);
        assert_string_equal(shown(&it.list), rows[i].list);
        assert_non_null(strstr(it.list.file, "/reg.example_5000_/hosts.toml"));
        close_fixture(&it);
    }
}

/* With the certificates that lie beside the file. */
#define FALLBACK "https://reg.example:5000/v2 prP client ca"

static const char *const void_files[] = {
    "[host",
    "x = \xff\n",
    "[\x01host]\n",
    "# \x7f\n",
    "server = 5\n",
    "host = \"https://m.example\"\n",
    "[[host]]\n",
    "[host]\n\"https://m.example\" = 5\n",
    "[host.\"https://m.example\"]\ncapabilities = [\"pull\", \"fetch\"]\n",
    "[host.\"https://m.example\"]\ncapabilities = \"pull\"\n",
    "[host.\"https://m.example\"]\ncapabilities = [1]\n",
    "[host.\"https://m.example\"]\nca = 5\n",
    "[host.\"https://m.example\"]\nca = [5]\n",
    "[host.\"https://m.example\"]\nclient = [[\"a\", \"b\", \"c\"]]\n",
    "[host.\"https://m.example\"]\nclient = [5]\n",
    "[host.\"https://m.example\"]\nskip_verify = \"true\"\n",
    "[host.\"https://m.example\"]\ndial_timeout = \"3\"\n",
    "[host.\"https://m.example\"]\ndial_timeout = 3\n",
    "[host.\"https://m.example\".header]\nx = 5\n",
    "[host.\"https://m.example\".header]\nx = [5]\n",
    "[host.\"https://m.example\"]\nheader = \"x\"\n",
    "[host.\"https://m.example:port\"]\n",
    "[host.\"https://m example\"]\n",
    "[host.\"https://m.example/%zz\"]\n",
    "[host.\"https://m.example/\\u0000\"]\n",
    "server = \"https://m.example:port\"\n",
};

static void uses_the_certificates_if_the_file_is_invalid(void **state)
{
    (void)state;
    put_files();
    for (size_t i = 0; i < sizeof(void_files) / sizeof(void_files[0]); i++) {
        struct fixture it;
        open_fixture(&it, "reg.example:5000/a/b:t");
        put("reg.example_5000_", "hosts.toml", void_files[i]);
        find(&it);
        assert_string_equal(shown(&it.list), FALLBACK);
        assert_int_equal(it.warning.code, ERROR_INVALID);
        assert_non_null(strstr(it.warning.message, "/reg.example_5000_/hosts.toml"));
        assert_non_null(strstr(it.list.items[0].client_key, "/reg.example_5000_/c.key"));
        close_fixture(&it);
    }
}

static void uses_certificates_without_a_file(void **state)
{
    struct fixture it;
    (void)state;
    put("reg.example", "b.crt", CERTIFICATE);
    put("reg.example", "a.crt", CERTIFICATE);
    put("reg.example", "c.cert", CERTIFICATE PRIVATE_KEY);
    put("reg.example", "other.key", PRIVATE_KEY);
    open_fixture(&it, "reg.example/a/b:t");
    find(&it);
    assert_string_equal(shown(&it.list), "https://reg.example/v2 prP client ca ca");
    assert_non_null(strstr(it.list.items[0].more_ca_files[0], "/a.crt"));
    assert_string_equal(it.list.items[0].client_key, "");
    assert_int_equal(it.warning.code, ERROR_NONE);
    put("reg.example", "hosts.toml", "");
    find(&it);
    assert_string_equal(shown(&it.list), "https://reg.example/v2 prP client ca ca");
    put("reg.example", "d.cert", CERTIFICATE PRIVATE_KEY);
    find(&it);
    assert_int_equal(it.warning.code, ERROR_UNSUPPORTED);
    close_fixture(&it);
}

static void fails_where_containerd_fails(void **state)
{
    static const char *const files[] = {
        "ca = \"missing.crt\"\n",
        "ca = \"\"\n",
        "ca = \"c.key\"\n",
        "[host.\"https://m.example\"]\nclient = [[\"c.cert\", \"missing.key\"]]\n",
        "[host.\"https://m.example\"]\nclient = [[\"both.pem\", \"\"]]\n",
        "[host.\"https://m.example\"]\nclient = \"c.cert\"\n",
    };
    struct fixture it;
    char path[256];
    (void)state;
    put_files();
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        open_fixture(&it, "reg.example:5000/a/b:t");
        put("reg.example_5000_", "hosts.toml", files[i]);
        assert_false(
            hosts_find(&it.reference, &it.options, &it.arena, &it.list, &it.warning, &it.err));
        assert_int_equal(it.err.code, ERROR_INVALID);
        close_fixture(&it);
    }
    path_below(path, "reg.example_5000_", "hosts.toml");
    assert_int_equal(unlink(path) + mkdir(path, 0755), 0);
    open_fixture(&it, "reg.example:5000/a/b:t");
    assert_false(hosts_find(&it.reference, &it.options, &it.arena, &it.list, &it.warning, &it.err));
    assert_int_equal(it.list.count, 0);
    assert_non_null(strstr(it.list.file, "/reg.example_5000_"));
    close_fixture(&it);
}

/* containerd 1.6 and 1.7 */
static void is_as_strict_as_containerd_1(void **state)
{
    static const struct row old[] = {
        {"server = \"https://up.example\"\n", NULL},
        {"[host.\"https://m.example\"]\ncapabilities = [\"referrers\"]\n", NULL},
        {"[host.\"https://m.example\"]\ndial_timeout = \"never\"\n",
         "https://m.example/v2 prP" NS "; " REGISTRY},
        {"host = {\"https://m.example\" = {}}\n", "https://m.example/v2 prP" NS "; " REGISTRY},
        {"host.\"https://m.example\".skip_verify = true\n",
         "https://m.example/v2 prP skip" NS "; " REGISTRY},
        {"Server = \"https://up.example\"\n[host.\"https://m.example\"]\n",
         "https://m.example/v2 prP" NS "; " REGISTRY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++) {
        struct fixture it;
        open_fixture(&it, "reg.example:5000/a/b:t");
        it.options.rules = daemon_hosts_rules("v1.7.24");
        put("reg.example_5000_", "hosts.toml", old[i].toml);
        find(&it);
        assert_string_equal(shown(&it.list), old[i].list ? old[i].list : REGISTRY);
        assert_int_equal(it.warning.code, old[i].list ? ERROR_NONE : ERROR_INVALID);
        close_fixture(&it);
    }
}

/* As the forks of k3s and RKE2 do. */
static void rewrites_repositories(void **state)
{
#define HUB    "[host.\"https://m.example\".rewrite]\n"
#define MIRROR "https://m.example/v2 prP" NS
    static const struct {
        const char *version, *toml, *list, *warning;
    } files[] = {
        {"v1.7.23-k3s2", HUB "\"^a/(.*)\" = \"hub/$1\"\n", MIRROR " as hub/b; " REGISTRY, NULL},
        {"v2.0.5-k3s1", HUB "'^a/(.*)' = '${1}'\n", MIRROR " as b; " REGISTRY, NULL},
        {"v1.30.5+k3s1", "[host.\"https://m.example\"]\nrewrite = {\"a\" = \"c\"}\n",
         MIRROR " as c/b; " REGISTRY, NULL},
        {"v2.0.5-k3s1", HUB "\"x\" = \"y\"\n", MIRROR "; " REGISTRY, NULL},
        {"v2.0.5-k3s1", HUB, MIRROR "; " REGISTRY, NULL},
        {"v2.0.5-k3s1", HUB "\"^\" = \"/c//./d/\"\n", MIRROR " as c/d/a/b; " REGISTRY, NULL},
        {"v2.0.5-k3s1", HUB "\".*\" = \"\"\n", REGISTRY, "host 1"},
        {"v2.0.5-k3s1", HUB "\".*\" = \"a?b\"\n", REGISTRY, "host 1"},
        {"v2.0.5-k3s1", HUB "\"^(?!x)\" = \"c\"\n", MIRROR "; " REGISTRY, "line 1: a pattern of"},
        {"v2.0.5-k3s1", HUB "\"^a\" = \"c\"\n\"b$\" = \"d\"\n", MIRROR " as c/b; " REGISTRY,
         "line 1: several patterns"},
        {"v2.0.5-k3s1", HUB "\"a\" = 1\n", REGISTRY, "line 2: rewrite"},
        {"v2.0.5-k3s1", "[host.\"https://m.example\"]\nrewrite = 1\n", REGISTRY, "line 2: rewrite"},
        {"v2.0.5-k3s1", "[rewrite]\n\"a\" = \"c\"\n", REGISTRY " as c/b", NULL},
        {"v2.1.4", HUB "\"a\" = \"c\"\n", MIRROR "; " REGISTRY,
         "line 1: the key \"rewrite\" is ignored"},
        {"1.7.24", HUB "\"a\" = 1\n", MIRROR "; " REGISTRY,
         "line 1: the key \"rewrite\" is ignored"},
        {"", "[host.\"https://m.example\"]\n\nrewrite = 1\n", MIRROR "; " REGISTRY,
         "line 3: the key \"rewrite\" is ignored"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct fixture it;
        open_fixture(&it, "reg.example:5000/a/b:t");
        it.options.rules = daemon_hosts_rules(files[i].version);
        put("reg.example_5000_", "hosts.toml", files[i].toml);
        find(&it);
        assert_string_equal(shown(&it.list), files[i].list);
        assert_int_equal(it.warning.code != ERROR_NONE, files[i].warning != NULL);
        if (files[i].warning && !strstr(it.warning.message, files[i].warning))
            fail_msg("%s: expected %s", it.warning.message, files[i].warning);
        close_fixture(&it);
    }
}

static void knows_what_each_version_knows(void **state)
{
    static const struct {
        const char *version, *toml;
        enum error_code warning;
        bool used;
    } files[] = {
        {"v2.1.9", "[host.\"https://m.example\"]\ncapabilities = [\"referrers\"]\n", ERROR_INVALID},
        {"v2.2.0", "[host.\"https://m.example\"]\ncapabilities = [\"referrers\"]\n", ERROR_NONE,
         true},
        {"v2.3.0", "[host.\"https://m.example\"]\nheader = {x = \"1\",}\n", ERROR_INVALID},
        {"v2.4.0", "[host.\"https://m.example\"]\nheader = {x = \"1\",}\n", ERROR_NONE, true},
        {"2.1.9", "[host.\"https://m.example\"]\nheader = {x = \"1\",}\n", ERROR_UNSUPPORTED, true},
        {"2.1.9", "\xef\xbb\xbf[host.\"https://m.example\"]\n", ERROR_INVALID},
        {"1.7.24", "\xef\xbb\xbf[host.\"https://m.example\"]\n", ERROR_NONE, true},
    };
    (void)state;
    assert_true(daemon_hosts_rules("1.7.24").push_without_ns);
    assert_true(daemon_hosts_rules("v2.2.7").push_without_ns);
    assert_false(daemon_hosts_rules("v2.3.0").push_without_ns);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct fixture it;
        open_fixture(&it, "reg.example:5000/a/b:t");
        it.options.rules = daemon_hosts_rules(files[i].version);
        put("reg.example_5000_", "hosts.toml", files[i].toml);
        find(&it);
        assert_int_equal(it.list.count, files[i].used ? 2 : 1);
        assert_int_equal(it.list.push_without_ns, it.options.rules.push_without_ns);
        assert_int_equal(it.warning.code, files[i].warning);
        if (it.warning.code != ERROR_NONE)
            assert_non_null(strstr(it.warning.message, "hosts.toml: line "));
        close_fixture(&it);
    }
}

static const char *served_from(const char *image, const char *roots)
{
    static char authority[64];
    struct fixture it;

    open_fixture(&it, image);
    it.options.roots = roots;
    find(&it);
    snprintf(authority, sizeof(authority), "%s", it.list.items[0].authority);
    close_fixture(&it);
    return authority;
}

static void finds_the_directory(void **state)
{
    char roots[256], other[64];
    struct fixture it;
    (void)state;
    snprintf(other, sizeof(other), "%s/second", root);
    snprintf(roots, sizeof(roots), "/nowhere:%s/first/::%s", root, other);
    assert_int_equal(mkdir(other, 0755), 0);
    snprintf(other, sizeof(other), "%s/first", root);
    assert_int_equal(mkdir(other, 0755), 0);
    put("second/_default", "hosts.toml", "[host.\"https://default.example\"]\n");
    assert_string_equal(served_from("reg.example:5000/a:t", roots), "default.example");
    open_fixture(&it, "reg.example:5000/a:t");
    assert_string_equal(strrchr(hosts_root(&it.reference, roots, &it.arena), '/'), "/second");
    put("first/reg.example:5000", "hosts.toml", "[host.\"https://colon.example\"]\n");
    assert_string_equal(served_from("reg.example:5000/a:t", roots), "colon.example");
    assert_string_equal(strrchr(hosts_root(&it.reference, roots, &it.arena), '/'), "/first");
    put("first/reg.example_5000_", "hosts.toml", "[host.\"https://line.example\"]\n");
    assert_string_equal(served_from("reg.example:5000/a:t", roots), "line.example");
    assert_string_equal(served_from("reg.example/a:t", roots), "default.example");
    assert_string_equal(served_from("[::1]:5000/a:t", roots), "default.example");
    put("first/[::1]_5000_", "hosts.toml", "[host.\"https://six.example\"]\n");
    assert_string_equal(served_from("[::1]:5000/a:t", roots), "six.example");
    assert_string_equal(hosts_root(&it.reference, "/a:/b", &it.arena), "/a");
    assert_string_equal(hosts_root(&it.reference, "/a:/dev/null:/b", &it.arena), "/dev/null");
    assert_string_equal(hosts_root(&it.reference, "", &it.arena), "");
    assert_string_equal(hosts_root(&it.reference, NULL, &it.arena), "");
    close_fixture(&it);
}

static void reaches_docker_io_by_its_endpoint(void **state)
{
    struct fixture it;
    (void)state;
    open_fixture(&it, "busybox");
    find(&it);
    assert_string_equal(shown(&it.list), "https://registry-1.docker.io/v2 prP");
    assert_string_equal(it.list.file, "");
    put("docker.io", "hosts.toml",
        "server = \"https://registry-1.docker.io\"\n[host.\"https://m.example\"]\n");
    find(&it);
    assert_string_equal(
        shown(&it.list),
        "https://m.example/v2 prP ns=docker.io; https://registry-1.docker.io/v2 prP");
    put("docker.io", "hosts.toml", "[host.\"https://m.example\"]\n");
    find(&it);
    assert_string_equal(
        shown(&it.list),
        "https://m.example/v2 prP ns=docker.io; https://registry-1.docker.io/v2 prP");
    close_fixture(&it);
}

static void applies_options_if_no_file_names_the_registry(void **state)
{
    struct fixture it;
    (void)state;
    open_fixture(&it, "reg.example:5000/a:t");
    it.options.plain_http = true;
    find(&it);
    assert_string_equal(shown(&it.list), "http://reg.example:5000/v2 prP");
    it.options = (struct host_options){.roots = root, .ca_file = "/ca", .client_cert = "/cert"};
    put("reg.example:5000", "hosts.toml", "[host.\"https://m.example\"]\n");
    find(&it);
    assert_string_equal(shown(&it.list), "https://m.example/v2 prP" NS "; " REGISTRY " client");
    assert_string_equal(it.list.items[0].ca_file, "");
    assert_string_equal(it.list.items[1].ca_file, "/ca");
    put("reg.example:5000", "hosts.toml", "server = \"https://reg.example:5000\"\n");
    find(&it);
    assert_string_equal(shown(&it.list), REGISTRY);
    assert_string_equal(it.list.items[0].ca_file, "");
    close_fixture(&it);
}

static void recognizes_loopback_hosts(void **state)
{
    static const struct {
        const char *image, *list;
        bool plain_http;
        const char *ca_file;
    } here[] = {
        {"localhost:5000/a:t", "?://localhost:5000/v2 prP skip"},
        {"127.0.0.9:5000/a:t", "?://127.0.0.9:5000/v2 prP skip"},
        {"[::1]:5000/a:t", "?://[::1]:5000/v2 prP skip"},
        {"localhost:443/a:t", "https://localhost:443/v2 prP skip"},
        {"localhost:80/a:t", "http://localhost:80/v2 prP"},
        {"localhost/a:t", "https://localhost/v2 prP skip"},
        {"localhost:5000/a:t", "http://localhost:5000/v2 prP", true},
        {"localhost:5000/a:t", "https://localhost:5000/v2 prP", false, "/ca"},
        {"127.0.0.9:5000/a:t", "https://127.0.0.9:5000/v2 prP", false, "/ca"},
        {"128.0.0.1:5000/a:t", "https://128.0.0.1:5000/v2 prP"},
        {"127.0.0.1.example:5000/a:t", "https://127.0.0.1.example:5000/v2 prP"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
        struct fixture it;
        open_fixture(&it, here[i].image);
        it.options.plain_http = here[i].plain_http;
        it.options.ca_file = here[i].ca_file;
        find(&it);
        assert_string_equal(shown(&it.list), here[i].list);
        close_fixture(&it);
    }
}

static void reads_the_dial_timeout(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } times[] = {
        {"3s", 3 * NS_PER_SECOND}, {"", 0}, {"-1s", NS_PER_MS}, {"0s", 24 * 3600 * NS_PER_SECOND}};
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        char text[64];
        struct fixture it;
        open_fixture(&it, "reg.example/a:t");
        snprintf(text, sizeof(text), "dial_timeout = \"%s\"\n", times[i].text);
        put("reg.example", "hosts.toml", text);
        find(&it);
        assert_int_equal(it.list.items[0].dial_timeout_ns, times[i].ns);
        close_fixture(&it);
    }
}

static void repeat(struct buf *text, const char *what, size_t times)
{
    while (times-- > 0)
        buf_append_str(text, what);
}

static void respects_limits(void **state)
{
    static const struct {
        const char *before, *what, *after;
        size_t times;
    } big[] = {
        {"", "# 16 characters\n", "", HOSTS_TOML_BYTES_MAX / 16 + 1},
        {"a", ".a", " = 1\n", 50000},
        {"[a", ".a", "]\n", 50000},
        {"ca = [", "\"a\",", "]\n", HOSTS_TOML_FILES_MAX + 1},
        {"client = [", "\"a\",", "]\n", HOSTS_TOML_FILES_MAX + 1},
        {"header.x = [", "\"a\",", "]\n", HOSTS_TOML_HEADERS_MAX + 1},
        {"x = 1", "[", "\n", 1000},
        {"x = ", "[", "\n", HOSTS_DIALECT_DEPTH_MAX + 1},
        {"x = ", "{a=", "\n", HOSTS_DIALECT_DEPTH_MAX + 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(big) / sizeof(big[0]); i++) {
        CLEANUP(buf_deinit) struct buf text = BUF_INIT((size_t)1 << 20);
        struct fixture it;
        buf_append_str(&text, big[i].before);
        repeat(&text, big[i].what, big[i].times);
        buf_append_str(&text, big[i].after);
        open_fixture(&it, "reg.example/a:t");
        put("reg.example", "hosts.toml", text.data);
        assert_false(
            hosts_find(&it.reference, &it.options, &it.arena, &it.list, &it.warning, &it.err));
        assert_int_equal(it.err.code, ERROR_LIMIT);
        close_fixture(&it);
    }
}

static void limits_the_number_of_hosts(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT((size_t)1 << 16);
    struct fixture it;
    (void)state;
    open_fixture(&it, "reg.example/a:t");
    for (size_t i = 0; i < HOSTS_TOML_HOSTS_MAX; i++)
        buf_printf(&text, "[host.\"https://m%zu.example\"]\n", i);
    put("reg.example", "hosts.toml", text.data);
    find(&it);
    assert_int_equal(it.list.count, HOSTS_TOML_HOSTS_MAX + 1);
    buf_append_str(&text, "[host.\"https://one.more\"]\n");
    put("reg.example", "hosts.toml", text.data);
    assert_false(hosts_find(&it.reference, &it.options, &it.arena, &it.list, &it.warning, &it.err));
    assert_int_equal(it.err.code, ERROR_LIMIT);
    close_fixture(&it);
}

/* Headers may hold credentials, so messages do not quote the file. */
static void messages_do_not_quote_the_file(void **state)
{
    static const char *const files[] = {
        "[host.\"https://u:hunter2@m.example:x\".header]\nauthorization = \"hunter2\"\n",
        "[host.\"https://m.example\".header]\nauthorization = hunter2\n",
        "[host.\"https://m.example\".header]\nauthorization = \"hunter2\n",
        "[host.\"https://m.example\".header]\nauthorization = [\"hunter2\", 2]\n",
        "[host.\"https://m.example\".header]\nauthorization = \"hunter2\\n\"\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct fixture it;
        open_fixture(&it, "reg.example:5000/a:t");
        put("reg.example:5000", "hosts.toml", files[i]);
        find(&it);
        assert_string_equal(shown(&it.list), REGISTRY);
        assert_int_equal(it.warning.code, ERROR_INVALID);
        assert_null(strstr(it.warning.message, "hunter2"));
        close_fixture(&it);
    }
}

/* containerd takes them as absent, unless it sees another file system than the exporter. */
static void warns_of_links_that_lead_nowhere(void **state)
{
    static const char *const names[] = {"reg.example/hosts.toml", "reg.example", "lost"};
    char path[256], want[400];

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fixture it;

        empty_root(NULL);
        snprintf(path, sizeof(path), "%s/%s", root, names[i]);
        snprintf(want, sizeof(want), "taken as absent: %s: a link that leads nowhere: /none/x",
                 path);
        if (strchr(names[i], '/'))
            put("reg.example", "readme", "");
        assert_int_equal(symlink("/none/x", path), 0);
        open_fixture(&it, "reg.example/a:b");
        if (strcmp(names[i], "lost") == 0)
            it.options.roots = path;
        find(&it);
        assert_string_equal(shown(&it.list), "https://reg.example/v2 prP");
        assert_string_equal(it.warning.message, want);
        close_fixture(&it);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, empty_root)
    static const struct CMUnitTest tests[] = {
        TEST(warns_of_links_that_lead_nowhere),
        TEST(reads_the_file_as_containerd_does),
        TEST(uses_the_certificates_if_the_file_is_invalid),
        TEST(uses_certificates_without_a_file),
        TEST(fails_where_containerd_fails),
        TEST(is_as_strict_as_containerd_1),
        TEST(knows_what_each_version_knows),
        TEST(rewrites_repositories),
        TEST(finds_the_directory),
        TEST(reaches_docker_io_by_its_endpoint),
        TEST(applies_options_if_no_file_names_the_registry),
        TEST(recognizes_loopback_hosts),
        TEST(reads_the_dial_timeout),
        TEST(respects_limits),
        TEST(limits_the_number_of_hosts),
        TEST(messages_do_not_quote_the_file),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
