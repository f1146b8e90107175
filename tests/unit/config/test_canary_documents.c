/* SPDX-License-Identifier: Apache-2.0 */
/* canary-checker's documents: the resulting probes, and messages for invalid documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/canary_checker/canary_documents.h"
#include "config/config.h"
#include "support/failures.h"

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define LIMIT_BYTES  ((size_t)16 << 20)

#define CANARY "apiVersion: canaries.flanksource.com/v1\nkind: Canary\n"

/* A Canary with one check; `check` is added to its flow mapping. */
#define ONE(check) CANARY "spec: {containerd: [{name: c, image: r/x, " check "}]}\n"

/* The examples of canary-checker's documentation, verbatim. */
static const char pull_example[] =
    "apiVersion: canaries.flanksource.com/v1\n"
    "kind: Canary\n"
    "metadata:\n"
    "  name: containerd-pull-check\n"
    "spec:\n"
    "  interval: 30\n"
    "  containerd: # use docker if running outside kubernetes / docker\n"
    "    - image: docker.io/library/busybox:1.31.1\n"
    "      expectedDigest: "
    "sha256:95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209\n"
    "      expectedSize: 764556\n"
    "\n";
static const char push_example[] =
    "apiVersion: canaries.flanksource.com/v1\n"
    "kind: Canary\n"
    "metadata:\n"
    "  name: containerd-push-check\n"
    "spec:\n"
    "  interval: 30\n"
    "  containerdPush:  # use dockerPush if running outside kubernetes / docker\n"
    "    - name: ContainerdPush Check\n"
    "      image: docker.io/library/busybox:1.31.1\n"
    "      username: <insert-username>\n"
    "      password: <insert-password>\n";

/* ---- probes ---- */

struct tree {
    struct arena arena;
    struct problems problems;
    struct config config;
    struct config_reading reading;
    struct buf text;
};

static void tree_deinit(struct tree *tree)
{
    buf_deinit(&tree->text);
    arena_deinit(&tree->arena);
}

/* One line for each value: "KEY[.KEY]=VALUE"; an empty line after each probe. */
static void print_probes(struct tree *tree)
{
    const struct yaml_node *probes = yaml_member(tree->reading.root, "probes", 6), *inner;

    for (const struct yaml_node *probe = probes ? probes->children : NULL; probe;
         probe = probe->next) {
        for (const struct yaml_node *at = probe->children; at; at = at->next) {
            if (at->kind == YAML_SCALAR)
                buf_printf(&tree->text, "%s=%s\n", at->key->text, at->text);
            for (inner = at->children; inner; inner = inner->next)
                buf_printf(&tree->text, "%s.%s=%s\n", at->key->text, inner->key->text, inner->text);
        }
        buf_append_str(&tree->text, "\n");
    }
}

static void read_tree(struct tree *tree, const char *text)
{
    struct yaml_node *documents;

    *tree = (struct tree){.arena = ARENA_INIT(LIMIT_BYTES), .text = BUF_INIT(LIMIT_BYTES)};
    tree->problems = (struct problems)PROBLEMS_INIT(&tree->arena);
    documents = yaml_parse_all(&tree->arena, text, strlen(text), &tree->problems);
    tree->reading = (struct config_reading){
        .arena = &tree->arena, .problems = &tree->problems, .config = &tree->config};
    assert_non_null(documents);
    assert_true(canary_documents_read(&tree->reading, documents));
    print_probes(tree);
    problems_print(&tree->problems, "f", &tree->text);
}

static void assert_probes(const char *text, const char *want)
{
    CLEANUP(tree_deinit) struct tree tree;

    read_tree(&tree, text);
    assert_string_equal(tree.text.size ? tree.text.data : "", want);
}

static void the_examples_become_probes(void **state)
{
    (void)state;
    assert_probes(pull_example,
                  "operation=pull\nengine=client\nimage=docker.io/library/busybox:1.31.1\n"
                  "interval=30s\nexpected.digest="
                  "sha256:95cf004f559831017cdf4628aaf1bb30133677be8702a8c5f2994629f637a209\n"
                  "expected.size=764556\nlabels.canary_name=containerd-pull-check\n"
                  "name=containerd-pull-check\n\n");
    assert_probes(
        push_example,
        "operation=push\nengine=client\nimage=docker.io/library/busybox:1.31.1\n"
        "interval=30s\nauth.username=<insert-username>\nauth.password=<insert-password>\n"
        "content.image=docker.io/library/busybox:1.31.1\ncontent.namespace=default\n"
        "cold=no\nlabels.name=ContainerdPush Check\nlabels.canary_name=containerd-push-check\n"
        "name=ContainerdPush-Check\n\n");
}

static void each_list_has_its_operation_and_engine(void **state)
{
    static const char *const rows[][4] = {
        {"containerd", "pull", "client", ""},
        {"containerdPush", "push", "client",
         "content.image=r/x\ncontent.namespace=default\ncold=no\n"},
        {"docker", "pull", "docker", ""},
        {"dockerPush", "push", "docker", "content.image=r/x\ncold=no\n"}};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[300], want[300];

        snprintf(text, sizeof(text), CANARY "spec: {%s: [{name: a, image: r/x}]}\n", rows[i][0]);
        snprintf(want, sizeof(want),
                 "operation=%s\nengine=%s\nimage=r/x\n%slabels.name=a\nname=a\n\n", rows[i][1],
                 rows[i][2], rows[i][3]);
        assert_probes(text, want);
    }
}

static void schedules_are_converted(void **state)
{
    static const char *const rows[][2] = {
        {"interval: 90", "interval=90s\n"},
        {"interval: '5'", "interval=5s\n"},
        {"interval: 0", ""},
        {"interval: ", ""},
        {"icon: x", ""},
        {"schedule: '@every 1m30s'", "schedule=@every 1m30s\n"},
        {"schedule: '30 3-6,20-23 * * *', interval: 10", "schedule=30 3-6,20-23 * * *\n"},
        {"schedule: '', interval: 10", "interval=10s\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[300], want[300];

        snprintf(text, sizeof(text), CANARY "spec: {%s, containerd: [{name: a, image: x}]}\n",
                 rows[i][0]);
        snprintf(want, sizeof(want),
                 "operation=pull\nengine=client\nimage=x\n%slabels.name=a\nname=a\n\n", rows[i][1]);
        assert_probes(text, want);
    }
}

static void credentials_are_values_or_files(void **state)
{
    static const char *const rows[][2] = {
        {"auth: {username: {value: u}, password: {value: p, name: n}}",
         "auth.username=u\nauth.password=p\n"},
        {"auth: {username: {valueFrom: {secretKeyRef: {name: hub, key: user}}}, "
         "password: {valueFrom: {configMapKeyRef: {name: a.b-c_d, key: .e}}}}",
         "auth.username_file=/etc/containerd_exporter/secrets/hub/user\n"
         "auth.password_file=/etc/containerd_exporter/config_maps/a.b-c_d/.e\n"},
        {"auth: {}", ""},
        {"auth: ", ""},
        {"username: u, password: p", "auth.username=u\nauth.password=p\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[500], want[500];

        snprintf(text, sizeof(text), CANARY "spec: {docker: [{name: a, image: x, %s}]}\n",
                 rows[i][0]);
        snprintf(want, sizeof(want),
                 "operation=pull\nengine=docker\nimage=x\n%slabels.name=a\nname=a\n\n", rows[i][1]);
        assert_probes(text, want);
    }
}

static void the_folders_of_secrets_can_be_set(void **state)
{
    (void)state;
    assert_probes("kubernetes: {secrets_dir: /s, config_maps_dir: /c}\n---\n" CANARY
                  "spec: {docker: [{name: a, image: x, auth: {\n"
                  "  username: {valueFrom: {configMapKeyRef: {name: n, key: k}}},\n"
                  "  password: {valueFrom: {secretKeyRef: {name: n, key: k}}}}}]}\n",
                  "operation=pull\nengine=docker\nimage=x\nauth.username_file=/c/n/k\n"
                  "auth.password_file=/s/n/k\nlabels.name=a\nname=a\n\n");
}

static void labels_come_from_check_and_document(void **state)
{
    (void)state;
    assert_probes(
        CANARY "metadata:\n"
               "  name: m\n"
               "  namespace: ns\n"
               "  labels: {app.kubernetes.io/Name: x, team: of-the-document, '-a--b-': 5}\n"
               "spec:\n"
               "  owner: o\n"
               "  severity: critical\n"
               "  containerd:\n"
               "  - image: x\n"
               "    name: n\n"
               "    description: words, in a row\n"
               "    labels: {team: of-the-check, owner: mine, AZaz09@_x: y}\n"
               "  - image: y\n"
               "    namespace: elsewhere\n",
        "operation=pull\nengine=client\nimage=x\nlabels.team=of-the-check\n"
        "labels.owner=mine\nlabels.azaz09_x=y\nlabels.app_kubernetes_io_name=x\nlabels.a_b=5\n"
        "labels.name=n\nlabels.description=words, in a row\nlabels.canary_name=m\n"
        "labels.canary_namespace=ns\nlabels.severity=critical\nname=n\n\n"
        "operation=pull\nengine=client\nimage=y\nlabels.app_kubernetes_io_name=x\n"
        "labels.team=of-the-document\nlabels.a_b=5\nlabels.canary_name=m\n"
        "labels.canary_namespace=elsewhere\nlabels.owner=o\nlabels.severity=critical\n"
        "name=m\n\n");
}

/* ---- names ---- */

/* The names of all probes of a text. */
static void names_of(const char *text, struct buf *out)
{
    CLEANUP(tree_deinit) struct tree tree;
    const struct yaml_node *probes;

    read_tree(&tree, text);
    probes = yaml_member(tree.reading.root, "probes", 6);
    for (const struct yaml_node *at = probes->children; at; at = at->next)
        buf_printf(out, "%s ", yaml_member(at, "name", 4)->text);
    assert_int_equal(problems_total(&tree.problems), 0);
}

static void names_are_made_valid(void **state)
{
    static const char *const rows[][2] = {
        {"ContainerdPush Check", "ContainerdPush-Check "},
        {"  a  b ", "a-b "},
        {"a.b_c-d", "a.b_c-d "},
        {"a..b-_c", "a.b-c "},
        {"pull: hub (eu)", "pull-hub-eu "},
        {"-x-", "x "},
        {"\xd1\x84\xd1\x84", "m "},
        {"", "m "},
        {"0123456789012345678901234567890123456789012345678-x",
         "0123456789012345678901234567890123456789012345678 "},
        {"01234567890123456789012345678901234567890123456789x",
         "01234567890123456789012345678901234567890123456789 "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);
        char text[300];

        snprintf(text, sizeof(text),
                 CANARY "metadata: {name: m}\nspec: {docker: [{name: '%s', image: x}]}\n",
                 rows[i][0]);
        names_of(text, &got);
        assert_string_equal(got.data, rows[i][1]);
    }
}

static void names_are_made_unique(void **state)
{
    CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);

    (void)state;
    names_of(CANARY "metadata: {name: own}\n"
                    "spec: {docker: [{image: x}, {image: x}, {name: a-2, image: x}]}\n"
                    "---\n" CANARY "spec: {docker: [{name: a, image: x}, {name: a, image: x},\n"
                    "  {image: x}, {image: x}, {name: own 3, image: x},\n"
                    "  {name: 01234567890123456789012345678901234567890123456789, image: x},\n"
                    "  {name: 012345678901234567890123456789012345678901234567.89, image: x}]}\n"
                    "---\nprobes: [{name: own}, {name: a-3}]\n",
             &got);
    assert_string_equal(got.data, "own a-3 own-2 own-3 a-2 a a-4 canary canary-2 own-3-2 "
                                  "01234567890123456789012345678901234567890123456789 "
                                  "012345678901234567890123456789012345678901234567.8 ");
}

static void limits_the_number_of_probes(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(LIMIT_BYTES);
    CLEANUP(tree_deinit) struct tree tree;
    const struct yaml_node *probes;

    (void)state;
    for (int list = 0; list < 2; list++) {
        buf_append_str(&text, "---\n" CANARY "spec:\n  docker:\n");
        for (int i = 0; i < 501; i++)
            buf_append_str(&text, "  - {name: a, image: x}\n");
    }
    read_tree(&tree, text.data);
    probes = yaml_member(tree.reading.root, "probes", 6);
    assert_int_equal(probes->count, YAML_MEMBERS_MAX);
    assert_string_equal(yaml_member(probes->last_, "name", 4)->text, "a-1000");
    assert_int_equal(problems_total(&tree.problems), 2);
    assert_non_null(strstr(tree.text.data, "f:1011:5: too many probes: expected at most 1000\n"));
}

/* ---- documents ---- */

static void documents_are_combined_with_the_settings(void **state)
{
    static const struct {
        const char *text, *names;
        size_t documents, suspended, probes;
    } rows[] = {
        {"", "", 0, 0, 0},
        {"---\n---\n", "", 0, 0, 0},
        {"probes: [{name: own}]\n", "own ", 0, 0, 0},
        {"---\n" ONE("icon: i") "---\n---\n" ONE("icon: i"), "c c-2 ", 2, 0, 2},
        {"containerd: {}\n---\n" ONE("icon: i"), "c ", 1, 0, 1},
        {ONE("icon: i") "---\nprobes:\n  - {name: own}\n", "own c ", 1, 0, 1},
        {ONE("icon: i") "---\nprobes:\n", "c ", 1, 0, 1},
        {CANARY
         "metadata: {annotations: {suspend: 'true'}}\nspec: {docker: [{image: x}]}\n---\n" ONE(
             "icon: i"),
         "c ", 2, 1, 1},
        {CANARY "spec: {replicas: 0, docker: [{image: x}]}\n", "", 1, 1, 0},
        {CANARY "metadata: {annotations: {suspend: 'no', trace: 'true'}}\n"
                "spec: {replicas: 2, docker: [{name: x, image: x}]}\n",
         "x ", 1, 0, 1},
        {"apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n"
         "- {apiVersion: canaries.flanksource.com/v1, kind: Canary, status: {},\n"
         "   metadata: {name: m, uid: x}, spec: {docker: [{image: x}]}}\n"
         "- apiVersion: canaries.flanksource.com/v1\n  kind: Canary\n  metadata: {name: n}\n"
         "  spec:\n    dockerPush: [{image: x}]\n",
         "m n ", 2, 0, 2},
        {"apiVersion: v1\nkind: List\nitems: []\n", "", 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf got = BUF_INIT(1000);
        CLEANUP(tree_deinit) struct tree tree;
        const struct yaml_node *probes;

        read_tree(&tree, rows[i].text);
        probes = yaml_member(tree.reading.root, "probes", 6);
        for (const struct yaml_node *at = probes ? probes->children : NULL; at; at = at->next)
            buf_printf(&got, "%s ", yaml_member(at, "name", 4)->text);
        assert_string_equal(got.size ? got.data : "", rows[i].names);
        assert_int_equal(problems_total(&tree.problems), 0);
        assert_int_equal(tree.config.canaries.documents, rows[i].documents);
        assert_int_equal(tree.config.canaries.suspended, rows[i].suspended);
        assert_int_equal(tree.config.canaries.probes, rows[i].probes);
    }
}

/* ---- a configuration as a whole ---- */

struct probe {
    const char *content, *name_space, *cold;
    const char *image, *engine, *username, *username_file, *password, *password_file, *digest;
    uint64_t size;
    struct setting_map labels;
};

static const struct setting push_settings[] = {
    SETTING(SETTING_STRING, struct probe, content, "content.image", "", "What is sent."),
    SETTING(SETTING_STRING, struct probe, name_space, "content.namespace", "k8s.io", "Where."),
    SETTING(SETTING_STRING, struct probe, cold, "cold", "required", "From the network?"),
    SETTING(SETTING_STRING, struct probe, image, "image", NULL, "Reference of the image."),
    SETTING(SETTING_STRING, struct probe, engine, "engine", "client", "Who."),
    SETTING(SETTING_STRING, struct probe, username, "auth.username", "", "User."),
    SETTING(SETTING_STRING, struct probe, username_file, "auth.username_file", "", "User."),
    SETTING(SETTING_STRING, struct probe, password, "auth.password", "", "Password."),
    SETTING(SETTING_STRING, struct probe, password_file, "auth.password_file", "", "Password."),
    SETTING(SETTING_MAP, struct probe, labels, "labels", "", "Labels."),
    {0},
};
static const struct setting pull_settings[] = {
    SETTING(SETTING_STRING, struct probe, image, "image", NULL, "Reference of the image."),
    SETTING(SETTING_STRING, struct probe, engine, "engine", "client", "Who."),
    SETTING(SETTING_STRING, struct probe, username, "auth.username", "", "User."),
    SETTING(SETTING_STRING, struct probe, username_file, "auth.username_file", "", "User."),
    SETTING(SETTING_STRING, struct probe, password, "auth.password", "", "Password."),
    SETTING(SETTING_STRING, struct probe, password_file, "auth.password_file", "", "Password."),
    SETTING(SETTING_STRING, struct probe, digest, "expected.digest", "", "Digest."),
    SETTING(SETTING_BYTES, struct probe, size, "expected.size", "", "Size."),
    SETTING(SETTING_MAP, struct probe, labels, "labels", "", "Labels."),
    {0},
};

static bool probe_check(void *state, struct arena *arena, const char **key, struct error *err)
{
    const struct probe *probe = state;

    (void)arena;
    *key = "expected.digest";
    if (probe->digest && strcmp(probe->digest, "bad") == 0)
        return error_set(err, ERROR_INVALID, "no digest");
    *key = "engine";
    if (strcmp(probe->engine, "docker") == 0)
        return error_set(err, ERROR_INVALID, "there is no docker");
    *key = "auth.username";
    return !*probe->username || *probe->password || *probe->password_file ||
           error_set(err, ERROR_INVALID, "needs a password");
}

static const struct collector pull_collector = {.name = "pull",
                                                .lane = LANE_PROBE,
                                                .settings = SETTINGS(pull_settings),
                                                .state_size = sizeof(struct probe),
                                                .interval = "5m",
                                                .timeout = "2m",
                                                .check = probe_check};
static const struct collector push_collector = {.name = "push",
                                                .lane = LANE_PROBE,
                                                .settings = SETTINGS(push_settings),
                                                .state_size = sizeof(struct probe),
                                                .interval = "10m",
                                                .timeout = "2m",
                                                .check = probe_check};
static const struct collector *const test_catalog[] = {&pull_collector, &push_collector, NULL};
static const struct config_section sections[] = {{0}};
static const struct config_schema schema = {test_catalog, sections, 0};

static void canaries_become_jobs(void **state)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES), text = BUF_INIT(LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0};
    const struct probe *pull, *push;
    struct error err;

    (void)state;
    buf_printf(&text, "%s---\n%s", pull_example, push_example);
    if (!config_parse(&config, &schema, "f", text.data, text.size, &problems, &err))
        fail_msg("%s", problems.data);
    assert_int_equal(config.n_jobs, 2);
    pull = config.jobs[0].state;
    push = config.jobs[1].state;
    assert_string_equal(config.jobs[0].name, "containerd-pull-check");
    assert_int_equal(config.jobs[0].interval_ns, INT64_C(30000000000));
    assert_int_equal(config.jobs[0].timeout_ns, INT64_C(120000000000));
    assert_int_equal(pull->size, 764556);
    assert_string_equal(pull->engine, "client");
    assert_ptr_equal(config.jobs[1].collector, &push_collector);
    assert_string_equal(push->username, "<insert-username>");
    assert_string_equal(push->password, "<insert-password>");
    assert_int_equal(push->labels.count, 2);
    assert_string_equal(push->content, push->image);
    assert_string_equal(push->name_space, "default");
    assert_string_equal(push->cold, "no");
    assert_int_equal(config.canaries.probes, 2);
}

static void probes_of_documents_take_the_defaults(void **state)
{
    static const char text[] =
        "defaults: {timeout: 7s, interval: 8m}\n---\n" CANARY
        "metadata: {name: m}\nspec: {interval: 30, containerd: [{image: r/x}]}\n---\n" CANARY
        "metadata: {name: n}\nspec: {containerd: [{image: r/x}]}\n";
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0};
    struct error err;

    (void)state;
    if (!config_parse(&config, &schema, "f", text, strlen(text), &problems, &err))
        fail_msg("%s", problems.data);
    assert_int_equal(config.jobs[0].interval_ns, INT64_C(30000000000));
    assert_int_equal(config.jobs[1].interval_ns, INT64_C(480000000000));
    for (size_t i = 0; i < config.n_jobs; i++)
        assert_int_equal(config.jobs[i].timeout_ns, INT64_C(7000000000));
}

/* A reload keeps a job whose document has the same meaning, and replaces it otherwise. */
static void the_fingerprint_follows_the_meaning_of_the_document(void **state)
{
    static const struct {
        const char *text;
        bool same;
    } rows[] = {
        {CANARY "metadata: {name: m}\nspec: {interval: 30, containerd: [{image: r/x}]}\n", true},
        {"# moved\n\nkind: Canary\napiVersion: canaries.flanksource.com/v1\nspec:\n  icon: i\n"
         "  containerd:\n  - image: 'r/x'\n  interval: \"30\"\nmetadata: {name: m, uid: u}\n",
         true},
        {CANARY "metadata: {name: m}\nspec: {interval: 31, containerd: [{image: r/x}]}\n", false},
        {CANARY "metadata: {name: m}\nspec: {interval: 30, containerd: [{image: r/y}]}\n", false},
        {CANARY "metadata: {name: m}\nspec: {owner: o, interval: 30, containerd: [{image: r/x}]}\n",
         false},
    };
    CLEANUP(config_deinit) struct config first = {0};
    struct error err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
        CLEANUP(config_deinit) struct config later = {0};
        struct config *config = i == 0 ? &first : &later;

        assert_true(config_parse(config, &schema, "f", rows[i].text, strlen(rows[i].text),
                                 &problems, &err));
        assert_int_equal(strcmp(config->jobs[0].fingerprint, first.jobs[0].fingerprint) == 0,
                         rows[i].same);
    }
}

/* ---- mistakes ---- */

static const struct {
    const char *text, *want;
} bad[] = {
    /* documents */
    {"a: 1\n---\nprobes: []\n",
     "f:1:1: unknown key \"a\" (known: collectors, registries, defaults, probes, "
     "kubernetes)\nf:3:1: second settings document (the first is at line "
     "1): expected kind Canary\n"},
    {ONE("icon: i") "---\nhello\n", "f:5:1: expected a mapping, found a string\n"},
    {ONE("icon: i") "---\n- probes\n", "f:5:1: expected a mapping, found a list\n"},
    {ONE("icon: i") "---\nprobes: {}\n", "f:5:9: \"probes\": expected a list, found a mapping\n"},
    {"apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n",
     "f:1:1: this is a Kubernetes ConfigMap: expected the file that its data holds\n"},
    {"apiVersion: v1\nkind: Secret\n",
     "f:1:1: this is a Kubernetes Secret: expected the file that its data holds\n"},
    {"apiVersion: apps/v1\nkind: Deployment\n",
     "f:1:13: \"apiVersion\": expected canaries.flanksource.com/v1, found \"apps/v1\"\n"
     "f:2:7: \"kind\": expected Canary, found \"Deployment\"\n"},
    {"apiVersion: canaries.flanksource.com/v1\nkind: Topology\n",
     "f:2:7: \"kind\": expected Canary, found \"Topology\"\n"},
    {"kind: Canary\n", "f:1:1: \"apiVersion\" is missing: expected canaries.flanksource.com/v1\n"},
    {"apiVersion: canaries.flanksource.com/v1\n", "f:1:1: \"kind\" is missing: expected Canary\n"},
    {"apiVersion: []\nkind: Canary\n",
     "f:1:13: \"apiVersion\": expected canaries.flanksource.com/v1, found a list\n"},
    {"apiVersion: v1\nkind: List\nitems:\n- x\n- {kind: List, apiVersion: v1, items: []}\n",
     "f:4:3: expected a mapping, found a string\n"
     "f:5:10: \"kind\": expected Canary, found \"List\"\nf:5:28: \"apiVersion\": expected "
     "canaries.flanksource.com/v1, found \"v1\"\n"},
    {"kind: List\nitems: {}\nx: 1\n", "f:2:8: \"items\": expected a list, found a mapping\n"
                                      "f:3:1: unknown field \"x\" (known: apiVersion, kind, "
                                      "items)\n"},
    {CANARY "metadata: []\nspec: x\n", "f:3:11: \"metadata\": expected a mapping, found a list\n"
                                       "f:4:7: \"spec\": expected a mapping, found a string\n"},
    {"kubernetes: {secret_dir: /x}\n",
     "f:1:14: unknown key \"secret_dir\" (did you mean \"secrets_dir\"?)\n"},
    {"kubernetes: x\n---\n" ONE("icon: i"),
     "f:1:13: \"kubernetes\": expected a mapping, found a string\n"},
    /* a document without checks is a mistake */
    {CANARY, "f:1:1: no image check found: expected a non-empty containerd, "},
    {CANARY "spec: *x\n", "f:3:7: unknown anchor \"x\": expected &x before this alias\n"},
    {CANARY "spec: {docker: *x}\n",
     "f:3:16: unknown anchor \"x\": expected &x before this alias\n"},
    {CANARY "spec: {interval: 30}\n",
     "f:1:1: no image check found: expected a non-empty containerd, "},
    {CANARY "spec: {docker: [], containerd: }\n",
     "f:1:1: no image check found: expected a non-empty containerd, "},
    {CANARY "spec:\n  http:\n  - url: x\n",
     "f:4:3: \"http\" is not supported: expected an image check (containerd, containerdPush, "
     "docker or dockerPush)\n"},
    {CANARY "spec:\n  containerd: [{name: a, image: r/x}]\n  dns: [{}]\n",
     "f:5:3: \"dns\" is not supported: expected an image check (containerd, containerdPush, docker "
     "or dockerPush)\n"},
    /* the document as a whole */
    {CANARY "spec: {containerD: [{image: x}]}\n",
     "f:3:8: unknown field \"containerD\" (did you mean \"containerd\"?)\n"},
    {CANARY "spec: {replicas: x, docker: []}\n",
     "f:3:18: \"replicas\": \"x\" is not a whole number such as 0 or 42\n"},
    {CANARY "spec: {retries: {maxRetries: 3}, containerd: [{name: a, image: r/x}]}\n",
     "f:3:8: \"retries\" is not supported: every attempt is a separate result; use retry_interval "
     "of "
     "a probe\n"},
    {CANARY "spec: {env: {a: {value: b}}, containerd: [{name: a, image: r/x}]}\n",
     "f:3:8: \"env\" is not supported: templates are not evaluated\n"},
    {CANARY "spec: {agentSelector: [x], containerd: [{name: a, image: r/x}]}\n",
     "f:3:8: \"agentSelector\" is not supported: checks run on the exporter's node, there are no "
     "agents\n"},
    {CANARY "spec: {interval: 30s, containerd: [{name: a, image: r/x}]}\n",
     "f:3:18: \"interval\": expected whole seconds, found \"30s\" (with a unit: use schedule: "},
    {CANARY "spec: {interval: 99999999999, containerd: [{name: a, image: r/x}]}\n", "f:3:18: "},
    {CANARY "metadata: {namee: x}\nspec: {containerd: [{name: a, image: r/x}]}\n",
     "f:3:12: unknown field \"namee\" (did you mean \"name\"?)\n"},
    /* a check */
    {CANARY "spec: {containerd: {image: x}}\n",
     "f:3:20: \"containerd\": expected a list, found a mapping\n"},
    {CANARY "spec: {containerd: [x]}\n", "f:3:21: expected a mapping, found a string\n"},
    {CANARY "spec:\n  containerd:\n    - name: a\n",
     "f:5:7: \"image\" is missing: Reference of the image.\n"},
    {CANARY "spec:\n  containerd:\n    - name: a\n      image:\n",
     "f:5:7: \"image\" is missing: Reference of the image.\n"},
    {CANARY "spec:\n  containerd:\n    - image: [x]\n",
     "f:5:14: \"image\": expected a string, found a list\n"},
    {ONE("name: b"), "f:3:43: duplicate key \"name\", first at line 3\n"},
    {ONE("expectedDigst: x"),
     "f:3:43: unknown field \"expectedDigst\" (did you mean \"expectedDigest\"?)\n"},
    {ONE("metrics: [{name: x}]"),
     "f:3:43: \"metrics\" is not supported: every probe has the same metrics\n"},
    {ONE("dependsOn: [x]"), "f:3:43: \"dependsOn\" is not supported: every probe runs on its own "},
    {ONE("test: {expr: 'true'}"),
     "f:3:43: \"test\" is not supported: templates are not evaluated\n"},
    {ONE("expectedDigest: bad"), "f:3:59: \"expected.digest\": no digest\n"},
    {ONE("expectedSize: -1"), "f:3:57: \"expected.size\": \"-1\" is not a size such as "},
    {ONE("expectedSize: [1]"), "f:3:57: \"expectedSize\": expected a string, found a list\n"},
    {CANARY "spec: {containerdPush: [{name: a, image: r/x, expectedSize: 5}]}\n",
     "f:3:47: \"expectedSize\" is not supported: a push uploads the node's image without checking "
     "it\n"},
    {CANARY "spec:\n  docker:\n  - image: r/x\n", "f:4:3: \"engine\": there is no docker\n"},
    /* labels */
    {ONE("labels: [x]"), "f:3:51: \"labels\": expected a mapping, found a list\n"},
    {ONE("labels: {a: {b: c}}"), "f:3:55: \"labels\": expected a string, found a mapping\n"},
    {ONE("labels: {a.b: x, a-b: y}"),
     "f:3:60: label \"a-b\" becomes \"a_b\", like the label at line 3: expected distinct names\n"},
    /* credentials */
    {ONE("username: u"), "f:3:53: \"auth.username\": needs a password\n"},
    {ONE("auth: {username: {value: u}}"), "f:3:68: \"auth.username\": needs a password\n"},
    {ONE("auth: {username: u, password: p}"),
     "f:3:60: \"username\": expected a mapping, found a string\nf:3:73: \"password\": expected a "
     "mapping, found a string\n"},
    {ONE("auth: {username: {value: u}}, password: p"),
     "f:3:73: both \"auth\" and \"password\" are set: expected only one\n"},
    {ONE("auth: {user: {value: u}}"),
     "f:3:50: unknown field \"user\" (did you mean \"username\"?)\n"},
    {ONE("auth: {username: {}}"),
     "f:3:50: \"username\" is empty: expected \"value\" or \"valueFrom\"\n"},
    {ONE("auth: {username: {value: u, valueFrom: {secretKeyRef: {name: n, key: k}}}}"),
     "f:3:71: both \"value\" and \"valueFrom\" are set: expected only one\n"},
    {ONE("auth: {username: {valueFrom: {}}}"),
     "f:3:61: \"valueFrom\" is empty: expected \"secretKeyRef\" or \"configMapKeyRef\"\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: n, key: k}, configMapKeyRef: {name: "
         "n, "
         "key: k}}}}"),
     "f:3:106: both \"secretKeyRef\" and \"configMapKeyRef\" are set: expected only one\n"},
    {ONE("auth: {username: {valueFrom: {helmRef: {name: n, key: k}}}}"),
     "f:3:73: \"helmRef\" is not supported: the Kubernetes API is not used; expected a mounted "
     "secretKeyRef or configMapKeyRef\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: n}}}}"),
     "f:3:73: \"secretKeyRef\": \"key\" is missing: expected a name\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: n, key: k, optional: true}}}}"),
     "f:3:105: unknown field \"optional\" (known: name, key)\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: ../x, key: k}}}}"),
     "f:3:94: \"name\": invalid name \"../x\": expected the name of a Kubernetes object or key\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: .., key: ..k}}}}"),
     "f:3:94: \"name\": invalid name \"..\": expected the name of a Kubernetes object or "
     "key\nf:3:103: \"key\": invalid name \"..k\": expected the name of a Kubernetes object or "
     "key\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: n, key: a/b}}}}"),
     "f:3:102: \"key\": invalid name \"a/b\": expected the name of a Kubernetes object or key\n"},
    {ONE("auth: {username: {valueFrom: {secretKeyRef: {name: '', key: .}}}}"),
     "f:3:94: \"name\": invalid name \"\": expected the name of a Kubernetes object or "
     "key\nf:3:103: \"key\": invalid name \".\": expected the name of a Kubernetes object or "
     "key\n"},
    /* suspended documents are checked */
    {CANARY "spec: {replicas: 0, http: [], docker: [{image: x, metrics: []}]}\n",
     "f:3:21: \"http\" is not supported: expected an image check (containerd, containerdPush, "
     "docker "
     "or dockerPush)\nf:3:51: \"metrics\" is not supported: every probe has the same metrics\n"},
};

static void mistakes_are_reported_at_their_place(void **state)
{
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
        struct config config;
        struct error err;
        size_t size = strlen(bad[i].want);

        assert_false(
            config_parse(&config, &schema, "f", bad[i].text, strlen(bad[i].text), &problems, &err));
        if (strncmp(problems.data, bad[i].want, size) == 0 &&
            (bad[i].want[size - 1] != '\n' || !problems.data[size]))
            continue;
        print_error("%s\ngives\n%sinstead of\n%s\n", bad[i].text, problems.data, bad[i].want);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void fields_without_effect_are_accepted(void **state)
{
    (void)state;
    assert_probes(CANARY "spec: {http: , docker: [{name: c, image: r/x}]}\n",
                  "operation=pull\nengine=docker\nimage=r/x\nlabels.name=c\nname=c\n\n");
    assert_probes(ONE("retries: {disabled: true}, metrics: "),
                  "operation=pull\nengine=client\nimage=r/x\nlabels.name=c\nname=c\n\n");
}

static void variables_are_replaced(void **state)
{
    CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
    CLEANUP(config_deinit) struct config config = {0};
    static const char text[] = ONE("username: '${CANARY_TEST}', password: '$${x}'");
    const struct probe *probe;
    struct error err;

    (void)state;
    setenv("CANARY_TEST", "someuser", 1);
    assert_true(config_parse(&config, &schema, "f", text, strlen(text), &problems, &err));
    probe = config.jobs[0].state;
    assert_string_equal(probe->username, "someuser");
    assert_string_equal(probe->password, "${x}");
}

static void reports_when_memory_runs_out(void **state)
{
    bool ok = false;

    (void)state;
    for (size_t n = 0; !ok; n++) {
        CLEANUP(buf_deinit) struct buf problems = BUF_INIT(LIMIT_BYTES);
        struct config config;
        struct error err = {0};

        assert_true(n < 10000);
        fail_allocations_after(n);
        ok = config_parse(&config, &schema, "f", push_example, strlen(push_example), &problems,
                          &err);
        fail_nothing();
        assert_true(ok || err.code == ERROR_INVALID);
        if (ok) {
            assert_int_equal(config.n_jobs, 1);
            config_deinit(&config);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_become_probes),
        cmocka_unit_test(each_list_has_its_operation_and_engine),
        cmocka_unit_test(schedules_are_converted),
        cmocka_unit_test(credentials_are_values_or_files),
        cmocka_unit_test(the_folders_of_secrets_can_be_set),
        cmocka_unit_test(labels_come_from_check_and_document),
        cmocka_unit_test(names_are_made_valid),
        cmocka_unit_test(names_are_made_unique),
        cmocka_unit_test(limits_the_number_of_probes),
        cmocka_unit_test(documents_are_combined_with_the_settings),
        cmocka_unit_test(canaries_become_jobs),
        cmocka_unit_test(probes_of_documents_take_the_defaults),
        cmocka_unit_test(the_fingerprint_follows_the_meaning_of_the_document),
        cmocka_unit_test(mistakes_are_reported_at_their_place),
        cmocka_unit_test(fields_without_effect_are_accepted),
        cmocka_unit_test(variables_are_replaced),
        cmocka_unit_test(reports_when_memory_runs_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
