/* SPDX-License-Identifier: Apache-2.0 */
/* The commands as a user runs them: output, errors and exit status, against servers in the test. */
#include "command/command.h"
#include "command/complete.h"
#include "support/engine_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#define OUTPUT_LIMIT_BYTES ((size_t)1 << 20)
#define ARGS_MAX           12

/* What the last command printed on standard output and standard error. */
static struct buf out = BUF_INIT(OUTPUT_LIMIT_BYTES), errors = BUF_INIT(OUTPUT_LIMIT_BYTES);

struct capture {
    int number, saved, file;
};

static struct capture capture_start(int number)
{
    struct capture capture = {number, dup(number), -1};
    char path[] = "/tmp/test_commands.XXXXXX";

    capture.file = mkstemp(path);
    assert_true(capture.saved >= 0 && capture.file >= 0);
    unlink(path);
    dup2(capture.file, number);
    return capture;
}

static void capture_end(const struct capture *capture, struct buf *text)
{
    char piece[4096];
    ssize_t n;

    dup2(capture->saved, capture->number);
    lseek(capture->file, 0, SEEK_SET);
    buf_clear(text);
    buf_append_str(text, "");
    while ((n = read(capture->file, piece, sizeof(piece))) > 0)
        buf_append(text, piece, (size_t)n);
    close(capture->file);
    close(capture->saved);
}

/* Runs the words of `line`; the first is the command. Returns its exit status. */
static int run(const char *line)
{
    char text[1000], *rest = text, *argv[ARGS_MAX + 1] = {NULL};
    struct capture stdout_capture, stderr_capture;
    int argc = 0, status;

    snprintf(text, sizeof(text), "%s", line);
    while (rest && argc < ARGS_MAX)
        argv[argc++] = strsep(&rest, " ");
    fflush(stdout);
    stdout_capture = capture_start(STDOUT_FILENO);
    stderr_capture = capture_start(STDERR_FILENO);
    status = command_find(strcmp(argv[0], "exporter") == 0 ? "" : argv[0])->run(argc, argv);
    fflush(stdout);
    capture_end(&stdout_capture, &out);
    capture_end(&stderr_capture, &errors);
    return status;
}

static void assert_has(const struct buf *text, const char *want)
{
    if (!strstr(text->data, want))
        fail_msg("no \"%s\" in: %s", want, text->data);
}

/* Writes a configuration whose probes use the registry of the test; returns "--config.file=PATH".
 */
static const char *config_flag(struct engine_world *w, const char *probes)
{
    static char flag[100] = "--config.file=/tmp/test_commands.yml.XXXXXX";
    static int file = -1;
    char text[2000];

    if (file < 0)
        file = mkstemp(flag + strlen("--config.file="));
    assert_true(file >= 0 && ftruncate(file, 0) == 0);
    snprintf(text, sizeof(text),
             "containerd: {address: %s}\nprobes:\n%s"
             "registries: {'%s': {plain_http: true}}\n",
             w->containerd->socket, probes, w->registry.http.address);
    assert_true(pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text));
    return flag;
}

/* Two probes that pull by the engine `registry`: "good", and "bad", whose tag does not exist. */
static const char *two_probes(struct engine_world *w)
{
    char probes[1000];

    snprintf(probes, sizeof(probes),
             "- {name: good, operation: pull, engine: registry, image: '%s/a/b:1'}\n"
             "- {name: bad, operation: pull, engine: registry, image: '%s/a/b:missing'}\n",
             w->registry.http.address, w->registry.http.address);
    return config_flag(w, probes);
}

/* Runs `line` with `value` in the place of "%s". */
static int run_with(const char *line, const char *value)
{
    const char *at = strstr(line, "%s");
    char text[1000];

    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - line), line, value, at + 2);
    return run(text);
}

/* ---- probe ---- */

static void probe_prints_results_and_fails_if_a_probe_failed(void **state)
{
    const char *flag = two_probes(*state);

    assert_int_equal(run_with("probe %s good", flag), 0);
    assert_has(&out, "good: ok in ");
    assert_has(&out, " by registry\n");
    assert_has(&errors, "good: started, run ");
    assert_int_equal(run_with("probe %s --all --json -q", flag), 1);
    assert_true(strncmp(out.data, "{\"probe\":\"good\",", 16) == 0);
    assert_has(&out, "\n{\"probe\":\"bad\",");
    assert_has(&out, "\"reason\":\"not_found\"");
    assert_string_equal(errors.data, "");
    assert_int_equal(run_with("probe %s bad good", flag), 1);
    assert_has(&out, "bad: FAILED after ");
    assert_true(strstr(out.data, "good: ok") > strstr(out.data, "bad: FAILED"));
}

static void probe_shows_the_log_with_debug(void **state)
{
    assert_int_equal(run_with("probe %s --debug good", two_probes(*state)), 0);
    assert_has(&errors, " GET ");
    assert_has(&errors, "engine registry\n");
}

static void probe_lists_names_without_a_run(void **state)
{
    struct engine_world *w = *state;

    assert_int_equal(run_with("probe %s --list", two_probes(w)), 0);
    assert_string_equal(out.data, "good\nbad\n");
    assert_string_equal(w->log.text.data ? w->log.text.data : "", "");
}

static void probe_rejects_bad_command_lines(void **state)
{
    static const char *const rows[][2] = {
        {"probe %s", "no probe named: expected NAME, --all or --list\n"},
        {"probe %s --all good", "probe names and --all exclude each other\n"},
        {"probe %s --list good", "probe names and --list exclude each other\n"},
        {"probe %s goot", "no probe named \"goot\" (did you mean \"good\"?)\n"},
        {"probe %s good cri", "no probe named \"cri\" (known: good, bad)\n"},
        {"probe %s.missing --all", "No such file or directory\n"},
        {"probe %s --bogus", "unknown long flag '--bogus', try --help\n"},
    };
    struct engine_world *w = *state;
    const char *flag = two_probes(w);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(run_with(rows[i][0], flag), 2);
        assert_has(&errors, "containerd_exporter probe: error: ");
        assert_has(&errors, rows[i][1]);
        assert_string_equal(out.data, "");
    }
    assert_string_equal(w->log.text.data ? w->log.text.data : "", "");
}

static void probe_reports_mistakes_of_the_configuration(void **state)
{
    assert_int_equal(run_with("probe %s --all", config_flag(*state, "- {name: a}\n")), 2);
    assert_has(&errors, "\"operation\"");
}

/* ---- check ---- */

static void check_lists_images_and_judges_them(void **state)
{
    struct engine_world *w = *state;

    (void)fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", "k8s.io");
    (void)fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", "moby");
    fake_containerd_add_image(w->containerd, "k8s.io", "r.io/good:1", &w->image);
    fake_containerd_add_snapshots(w->containerd, "k8s.io", &w->image);
    assert_int_equal(run_with("check --address=%s", w->containerd->socket), 0);
    assert_has(&out, "NAMESPACE REF");
    assert_has(&out, "k8s.io    r.io/good:1 ");
    assert_has(&out, " complete (3/3) ");
    fake_containerd_add_image(w->containerd, "moby", "r.io/bad:1", &w->other);
    fake_containerd_find(w->containerd, FAKE_RECORD, "moby", "r.io/bad:1")->target[8] ^= 1;
    assert_int_equal(run_with("check --address=%s --json", w->containerd->socket), 1);
    assert_has(&out, "\"ref\":\"r.io/good:1\"");
    assert_has(&out, "\"namespace\":\"moby\",\"ref\":\"r.io/bad:1\"");
    assert_int_equal(run_with("check -n k8s.io --address=%s", w->containerd->socket), 0);
    assert_null(strstr(out.data, "moby"));
}

static void check_fails_with_another_status(void **state)
{
    static const char *const rows[][2] = {
        {"check --address=%s -n none", "no namespace named none\n"},
        {"check --address=%s.missing", "no such socket"},
        {"check --address=%s --timeout=soon", "--timeout: "},
        {"check --address=%s word", "unexpected argument \"word\", try --help\n"},
    };
    struct engine_world *w = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(run_with(rows[i][0], w->containerd->socket), 2);
        assert_has(&errors, "containerd_exporter check: error: ");
        assert_has(&errors, rows[i][1]);
        assert_string_equal(out.data, "");
    }
}

static void check_scrubs_if_asked(void **state)
{
    struct engine_world *w = *state;
    struct fake_item *blob;

    (void)fake_containerd_add(w->containerd, FAKE_NAMESPACE, "", "k8s.io");
    fake_containerd_add_image(w->containerd, "k8s.io", "r.io/good:1", &w->image);
    fake_containerd_add_snapshots(w->containerd, "k8s.io", &w->image);
    assert_int_equal(run_with("check --scrub --address=%s", w->containerd->socket), 0);
    assert_has(&out, "all blobs are intact\n");
    blob = fake_containerd_find(w->containerd, FAKE_CONTENT, "k8s.io", w->image.layers[0].digest);
    blob->data[5] ^= 1;
    assert_int_equal(run_with("check --scrub --address=%s", w->containerd->socket), 1);
    assert_has(&out, "damaged ");
    assert_has(&out, w->image.layers[0].digest);
    assert_has(&out, "by r.io/good:1 in k8s.io\n");
    assert_null(strstr(out.data, "intact"));
    assert_int_equal(run_with("check --scrub --json -n k8s.io --address=%s", w->containerd->socket),
                     1);
    assert_has(&out, "{\"namespace\":\"k8s.io\",\"image\":\"r.io/good:1\",\"digest\":\"");
}

/* ---- metrics, help, completion ---- */

static void metrics_explains_families(void **state)
{
    (void)state;
    assert_int_equal(run("metrics"), 0);
    assert_has(&out, "image_canary_failure_reasons_total{P, reason}  (counter)\n");
    assert_has(&out, "P stands for the labels probe, operation, engine, registry.\n");
    assert_int_equal(run("metrics --markdown"), 0);
    assert_has(&out, "| metric | type | meaning |\n|---|---|---|\n");
    assert_has(&out, "\n\n### ");
    assert_true(strncmp(out.data, "### ", 4) == 0);
    assert_int_equal(run("metrics word"), 1);
    assert_has(&errors, "containerd_exporter metrics: error: unexpected argument");
}

static void every_command_has_help(void **state)
{
    (void)state;
    for (const struct command *command = commands; command->name; command++) {
        char usage[100];

        assert_int_equal(run_with("%s --help", *command->name ? command->name : "exporter"), 0);
        snprintf(usage, sizeof(usage), "usage: containerd_exporter %s", command->name);
        assert_true(strncmp(out.data, usage, strlen(usage)) == 0);
        assert_has(&out, "  -h, --help ");
        assert_int_equal(!!strstr(out.data, "\nCommands (each has its own --help):\n"),
                         !*command->name);
    }
    assert_null(command_find("bogus"));
}

static void exporter_prints_facts_and_checks_its_configuration(void **state)
{
    struct engine_world *w = *state;

    assert_int_equal(run("exporter --version"), 0);
    assert_true(strncmp(out.data, "containerd_exporter, version ", 29) == 0);
    assert_int_equal(run("exporter --help-man"), 0);
    assert_true(strncmp(out.data, ".Sh FLAGS\n", 10) == 0);
    assert_has(&out, ".Sh COMMAND check\n");
    assert_int_equal(run("exporter --completion-script-bash"), 0);
    assert_string_equal(out.data, complete_script_bash);
    assert_int_equal(run("exporter --completion-script-zsh"), 0);
    assert_string_equal(out.data, complete_script_zsh);
    assert_int_equal(run_with("exporter --config.check %s", two_probes(w)), 0);
    assert_has(&out, "is valid: ");
    assert_int_equal(run_with("exporter --config.check %s", config_flag(w, "- {name: a}\n")), 1);
    assert_has(&errors, "\"operation\"");
    assert_int_equal(run("exporter --config.check --web.config.file=/nonexistent"), 1);
    assert_has(&errors, "/nonexistent");
    assert_int_equal(run("exporter --bogus"), 1);
    assert_has(&errors, "containerd_exporter: error: unknown long flag '--bogus', try --help\n");
}

static const char *file_flag(const char *text)
{
    static char flag[100] = "--config.file=/tmp/test_commands.check.XXXXXX";
    static int file = -1;

    if (file < 0)
        file = mkstemp(flag + strlen("--config.file="));
    assert_true(file >= 0 && ftruncate(file, 0) == 0);
    assert_true(pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text));
    return flag;
}

static void check_finds_what_a_start_refuses(void **state)
{
    static const struct {
        const char *text, *flags, *environment;
        const char *words; /* NULL: valid */
    } rows[] = {
        {"containerd: {address: /a.sock}\ndocker: {address: 'unix:/b.sock'}", "", "", NULL},
        {"containerd: {address: 'unix:///a.sock'}", "", "", NULL},
        {"docker: {address: ''}", "", "unix:///c.sock", NULL},
        {"docker:\n  address: 'tcp://127.0.0.1:2375'", "", "",
         ":2:12: \"address\": invalid socket"},
        {"docker: {address: docker.sock}", "", "", ":1:19: \"address\": invalid socket"},
        {"containerd: {address: 'tcp://h:1'}", "", "", ":1:23: \"address\": invalid socket"},
        {"containerd: {address: run/a.sock}", "", "", ":1:23: \"address\": invalid socket"},
        {"containerd: {address: /a.sock}", "", "tcp://unused", NULL},
        {"{}", "", "tcp://h:1", ":1:1: $CONTAINERD_ADDRESS: invalid socket"},
        {"{}", " --web.listen-address=x", "", "error: invalid listen address \"x\""},
        {"{}", " --web.listen-address=:1 --web.listen-address=:1", "", "is given twice"},
        {"{}", " --web.systemd-socket --web.listen-address=x", "", NULL},
        {"{}", " --web.config.file=/nonexistent", "", "/nonexistent"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[300];

        snprintf(line, sizeof(line), "exporter --config.check %s%s", file_flag(rows[i].text),
                 rows[i].flags);
        setenv("CONTAINERD_ADDRESS", rows[i].environment, 1);
        assert_int_equal(run(line), rows[i].words != NULL);
        if (rows[i].words)
            assert_has(&errors, rows[i].words);
        else
            assert_string_equal(errors.data, "");
    }
    unsetenv("CONTAINERD_ADDRESS");
}

static void check_reports_mistakes_of_all_files(void **state)
{
    const char *flag = file_flag("docker: {address: x}\ncontainerd: {address: y}");

    (void)state;
    assert_int_equal(
        run_with("exporter --config.check --web.listen-address=z --web.config.file=/nonexistent %s",
                 flag),
        1);
    assert_has(&errors, ":1:19: \"address\"");
    assert_has(&errors, ":2:23: \"address\"");
    assert_has(&errors, "error: 2 mistakes in ");
    assert_has(&errors, "/nonexistent");
    assert_has(&errors, "invalid listen address \"z\"");
}

/* The exporter keeps a record of each registry; the limit shows when the jobs are opened. */
static void check_opens_the_jobs(void **state)
{
    CLEANUP(buf_deinit) struct buf text = BUF_INIT(OUTPUT_LIMIT_BYTES);

    (void)state;
    buf_append_str(&text, "probes:\n");
    for (int i = 0; i < 257; i++)
        buf_printf(&text, "- {name: p%d, operation: pull, engine: registry, image: r%d.test/a:1}\n",
                   i, i);
    assert_int_equal(run_with("exporter --config.check %s", file_flag(text.data)), 1);
    assert_has(&errors, ":258:3: p256: too many registries");
    assert_has(&errors, "error: 1 mistake in /tmp/");
    assert_null(strstr(out.data, "is valid"));
}

/* Completes the last word of `line`. */
static const char *complete(const char *line)
{
    char text[1000], *rest = text, *argv[ARGS_MAX];
    struct capture capture;
    int argc = 0;

    snprintf(text, sizeof(text), "%s", line);
    while (rest && argc < ARGS_MAX)
        argv[argc++] = strsep(&rest, " ");
    fflush(stdout);
    capture = capture_start(STDOUT_FILENO);
    complete_print(argc, argv);
    fflush(stdout);
    capture_end(&capture, &out);
    return out.data;
}

static void completes_commands_flags_and_probes(void **state)
{
    const char *flag = two_probes(*state);
    char line[300];

    assert_string_equal(complete(""), "check\nprobe\nhealth\nmetrics\nconfig\nhelp\n");
    assert_string_equal(complete("ch"), "check\n");
    assert_string_equal(complete("help pr"), "probe\n");
    assert_string_equal(complete("help pr x"), "");
    assert_string_equal(complete("--history"), "--history.limit\n");
    assert_string_equal(complete("check --scr"), "--scrub\n");
    assert_string_equal(complete("--log.level ="), "debug\ninfo\nwarn\nerror\n");
    assert_string_equal(complete("--log.level = d"), "debug\n");
    snprintf(line, sizeof(line), "probe %s g", flag);
    assert_string_equal(complete(line), "good\n");
    snprintf(line, sizeof(line), "probe --config.file = %s good ", flag + strlen("--config.file="));
    assert_string_equal(complete(line), "good\nbad\n");
    snprintf(line, sizeof(line), "check %s g", flag);
    assert_string_equal(complete(line), "");
    assert_string_equal(complete("probe --config.file "), "");
    assert_string_equal(complete("probe --config.file=/nonexistent "), "");
}

#define TEST(name) cmocka_unit_test_setup(name, engine_world_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(probe_prints_results_and_fails_if_a_probe_failed),
        TEST(probe_shows_the_log_with_debug),
        TEST(probe_lists_names_without_a_run),
        TEST(probe_rejects_bad_command_lines),
        TEST(probe_reports_mistakes_of_the_configuration),
        TEST(check_lists_images_and_judges_them),
        TEST(check_fails_with_another_status),
        TEST(check_scrubs_if_asked),
        TEST(metrics_explains_families),
        TEST(every_command_has_help),
        TEST(exporter_prints_facts_and_checks_its_configuration),
        TEST(check_finds_what_a_start_refuses),
        TEST(check_reports_mistakes_of_all_files),
        TEST(check_opens_the_jobs),
        TEST(completes_commands_flags_and_probes),
    };

    return cmocka_run_group_tests(tests, engine_world_start, engine_world_stop);
}
