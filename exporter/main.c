/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start, wait for signals, stop. The only file that knows every part; the order
 * of the declarations in run() is the order of the start, and its reverse is
 * the order of the stop.
 */

#include "base/clock.h"
#include "base/log.h"
#include "client/rpc.h"
#include "engine/catalog.h"
#include "engine/scheduler.h"
#include "engine/web.h"

#include <signal.h>
#include <string.h>

/* Signals are blocked before any library starts a thread, so that all threads
 * inherit it and only sigwait() ever sees them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool run(const sigset_t *signals, struct error *err)
{
    CLEANUP(board_freep) struct board *board = board_new();
    CLEANUP(scheduler_freep) struct scheduler *scheduler = scheduler_new(board, 4, err);
    CLEANUP(web_stopp) struct web *web = NULL;
    struct job_plan plan = {catalog_find("self"), "self", 0, NS_PER_SECOND};
    int signal_number;

    if (!scheduler)
        return false;
    scheduler_add(scheduler, &plan, NULL);
    web = web_start(19999, board, scheduler, err);
    if (!web)
        return false;
    while (sigwait(signals, &signal_number) == 0 && signal_number == SIGHUP)
        log_line(LOG_INFO, "main", "reload: here the new configuration is applied");
    log_line(LOG_INFO, "main", "%s, stopping", strsignal(signal_number));
    return true;
}

int main(void)
{
    struct error err;
    sigset_t signals;
    bool ok;

    block_signals(&signals);
    rpc_library_init();
    ok = run(&signals, &err);
    rpc_library_deinit();
    if (!ok)
        log_line(LOG_ERROR, "main", "%s", err.message);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
