/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a job on a worker thread while the main thread shows its progress and waits for signals. */
#include "command/terminal/probe_run.h"

#include "base/clock.h"
#include "command/terminal/probe_screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SNAPSHOT_LIMIT_BYTES ((size_t)8 << 20)

bool probe_signals_init(struct probe_signals *signals, struct error *err)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    *signals = (struct probe_signals){signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), 0};
    return signals->fd >= 0 || error_errno(err, errno, "cannot create a signalfd");
}

void probe_signals_deinit(struct probe_signals *signals)
{
    if (signals->fd >= 0)
        close(signals->fd);
}

/* State of the worker thread. `ended` is an eventfd that becomes readable when the run has ended.
 */
struct work {
    struct terminal_run *run;
    struct config_job *job;
    struct node *node;
    struct cancel cancel;
    int ended;
};

static bool measure(struct work *work, struct run *job_run, struct error *err)
{
    const struct collector *collector = work->job->collector;
    const struct job_context context = {.name = work->job->name, .node = work->node};
    bool ok;

    if (collector->open && !collector->open(work->job->state, &context, err))
        return false;
    ok = collector->run(work->job->state, job_run, err);
    if (collector->close)
        collector->close(work->job->state);
    return ok;
}

static void *work_thread(void *arg)
{
    struct work *work = arg;
    struct terminal_run *run = work->run;
    CLEANUP(snapshot_unrefp)
    struct snapshot *out = snapshot_new(work->job->collector->families, SNAPSHOT_LIMIT_BYTES);
    struct run job_run = {.node = work->node,
                          .out = out,
                          .cancel = &work->cancel,
                          .progress = &run->progress,
                          .record = &run->record};
    struct error err = {0};
    const uint64_t one = 1;

    if (!out)
        error_memory(&run->error);
    else if (!measure(work, &job_run, &err))
        run->error = err;
    run->warning = job_run.warning;
    run->skipped = job_run.skipped;
    (void)!write(work->ended, &one, sizeof(one));
    return NULL;
}

/* The first signal cancels the run. The second one ends the process without clean-up. */
static void handle_signal(struct probe_signals *signals, struct cancel *cancel)
{
    struct signalfd_siginfo info;

    if (read(signals->fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (signals->caught)
        _exit(128 + (int)info.ssi_signo);
    signals->caught = (int)info.ssi_signo;
    cancel_now(cancel);
}

static void watch(struct work *work, struct probe_screen *screen, struct probe_signals *signals)
{
    struct pollfd fds[] = {{work->ended, POLLIN, 0}, {signals->fd, POLLIN, 0}};

    for (;;) {
        int timeout_ms = probe_screen_show(screen);

        if (poll(fds, 2, timeout_ms) < 0)
            continue;
        if (fds[1].revents)
            handle_signal(signals, &work->cancel);
        if (fds[0].revents)
            return;
    }
}

static void start_record(struct terminal_run *run, const struct config_job *job)
{
    *run = (struct terminal_run){.record = {.probe = job->name,
                                            .operation = job->collector->name,
                                            .engine = "",
                                            .registry = "",
                                            .image = "",
                                            .host = "",
                                            .digest = "",
                                            .trigger = RUN_DEMAND,
                                            .start = clock_unix_seconds(),
                                            .timeout_seconds = ns_to_seconds(job->timeout_ns),
                                            .message = "",
                                            .warning = "",
                                            .log = ""}};
    progress_init(&run->progress);
}

static void end_record(struct terminal_run *run)
{
    memcpy(run->record.id, run->progress.id, sizeof(run->record.id));
    if (run->record.seconds <= 0)
        run->record.seconds = seconds_between(run->progress.start_ns, clock_now_ns());
    run->record.reason = run->error.code;
    run->record.message = run->error.message;
    run->record.warning = run->warning.message;
}

bool terminal_run(struct terminal_run *run, struct config_job *job,
                  const struct terminal_run_options *options, struct probe_signals *signals,
                  struct error *err)
{
    struct work work = {run, job, options->node, .ended = eventfd(0, EFD_CLOEXEC)};
    struct probe_screen screen;
    pthread_t thread;
    int r;

    start_record(run, job);
    if (work.ended < 0)
        return error_errno(err, errno, "cannot create an eventfd");
    cancel_init(&work.cancel, clock_now_ns() + job->timeout_ns);
    probe_screen_init(&screen, job->name, &run->progress, options->follows, options->quiet);
    r = pthread_create(&thread, NULL, work_thread, &work);
    if (r == 0) {
        watch(&work, &screen, signals);
        pthread_join(thread, NULL);
        end_record(run);
    }
    probe_screen_deinit(&screen);
    cancel_deinit(&work.cancel);
    close(work.ended);
    return r == 0 || error_errno(err, r, "cannot start a thread");
}

void terminal_run_deinit(struct terminal_run *run)
{
    progress_deinit(&run->progress);
}
