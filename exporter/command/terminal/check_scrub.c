/* SPDX-License-Identifier: Apache-2.0 */
#include "command/terminal/check_scrub.h"

#include "base/clock.h"
#include "base/text.h"
#include "command/command.h"
#include "encoding/json.h"
#include "inventory/scrub/scrub.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LONGEST_NS         (24 * 3600 * NS_PER_SECOND)
#define REDRAW_NS          (100 * NS_PER_MS)
#define BAR_CELLS          24
#define OUTPUT_LIMIT_BYTES ((size_t)64 << 20)

struct scrubbing {
    bool json, terminal;
    int64_t start_ns, drawn_ns;
    size_t bad, unverified;
    struct buf out; /* printed when the bar has been removed */
};

/* "[########    ]  57%  120/400 blobs  1.2 GiB of 3.4 GiB  350.0 MiB/s" */
static void draw(const struct scrubbing *scrubbing, const struct scrub_progress *progress)
{
    char done[32], total[32], rate[32], bar[BAR_CELLS + 1];
    double seconds = ns_to_seconds(clock_now_ns() - scrubbing->start_ns);
    double part =
        progress->bytes_total > 0 ? (double)progress->bytes / (double)progress->bytes_total : 1;

    for (size_t i = 0; i < BAR_CELLS; i++)
        bar[i] = (double)i < part * BAR_CELLS ? '#' : ' ';
    bar[BAR_CELLS] = '\0';
    text_format_bytes(progress->bytes, done, sizeof(done));
    text_format_bytes(progress->bytes_total, total, sizeof(total));
    text_format_bytes(seconds > 0 ? (uint64_t)((double)progress->bytes / seconds) : 0, rate,
                      sizeof(rate));
    fprintf(stderr, "\r[%s] %3.0f%%  %" PRIu64 "/%" PRIu64 " blobs  %s of %s  %s/s\x1b[K", bar,
            part * 100, progress->blobs, progress->blobs_total, done, total, rate);
}

static void show_progress(void *arg, const struct scrub_progress *progress)
{
    struct scrubbing *scrubbing = arg;
    int64_t now_ns = clock_now_ns();

    if (!scrubbing->terminal || now_ns - scrubbing->drawn_ns < REDRAW_NS)
        return;
    scrubbing->drawn_ns = now_ns;
    draw(scrubbing, progress);
}

static void member(struct buf *out, const char *separator, const char *name, const char *value)
{
    buf_printf(out, "%s\"%s\":", separator, name);
    json_quote(out, value);
}

static void add_bad(void *arg, const struct scrub_bad *bad)
{
    struct scrubbing *scrubbing = arg;
    const char *kind = scrub_kind_name(bad->kind);

    scrubbing->bad++;
    if (!scrubbing->json) {
        buf_printf(&scrubbing->out, "damaged %s  %s\n", bad->digest, kind);
        return;
    }
    member(&scrubbing->out, "{", "digest", bad->digest);
    member(&scrubbing->out, ",", "kind", kind);
    buf_append_str(&scrubbing->out, "}\n");
}

static void add_hit(void *arg, const struct scrub_hit *hit)
{
    struct scrubbing *scrubbing = arg;

    if (!scrubbing->json) {
        buf_printf(&scrubbing->out, "needed  %s  by %s in %s\n", hit->digest, hit->image,
                   hit->name_space);
        return;
    }
    member(&scrubbing->out, "{", "namespace", hit->name_space);
    member(&scrubbing->out, ",", "image", hit->image);
    member(&scrubbing->out, ",", "digest", hit->digest);
    member(&scrubbing->out, ",", "kind", scrub_kind_name(hit->kind));
    buf_append_str(&scrubbing->out, "}\n");
}

static void add_unverified(void *arg, size_t count, const char *example)
{
    struct scrubbing *scrubbing = arg;

    scrubbing->unverified = count;
    if (scrubbing->json) {
        member(&scrubbing->out, "{", "example", example);
        buf_printf(&scrubbing->out, ",\"unverified\":%zu}\n", count);
        return;
    }
    buf_printf(&scrubbing->out,
               "unverified %zu blobs: the algorithm of the digest is unknown, for example %s\n",
               count, example);
}

bool check_scrub(struct containerd *daemon, const char *const *namespaces, bool json, bool *intact,
                 struct error *err)
{
    struct scrubbing scrubbing = {
        .json = json,
        .terminal = isatty(STDERR_FILENO),
        .start_ns = clock_now_ns(),
        .out = BUF_INIT(OUTPUT_LIMIT_BYTES),
    };
    const struct scrub_observer observer = {.progress = show_progress,
                                            .bad = add_bad,
                                            .unverified = add_unverified,
                                            .hit = add_hit,
                                            .arg = &scrubbing};
    struct cancel cancel;
    bool ok;

    cancel_init(&cancel, scrubbing.start_ns + LONGEST_NS);
    ok = scrub_everything(daemon, namespaces, &observer, &cancel, err);
    cancel_deinit(&cancel);
    if (scrubbing.terminal)
        fputs("\r\x1b[K", stderr);
    *intact = scrubbing.bad == 0 && scrubbing.unverified == 0;
    if (ok && !scrubbing.json && *intact)
        buf_append_str(&scrubbing.out, "all blobs are intact\n");
    ok = ok && command_print(&scrubbing.out, err);
    buf_deinit(&scrubbing.out);
    return ok;
}
