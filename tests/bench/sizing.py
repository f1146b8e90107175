#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tables of docs/sizing.md, from the numbers of `make bench BENCH_ARGS=--json docs/sizing.json`: `make sizing`.

With --check it changes nothing and exits with 1 if the page has other tables.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE, NUMBERS = ROOT / "docs/sizing.md", ROOT / "docs/sizing.json"


def table(head, rows):
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in [head, ["---"] * len(head), *rows]) + "\n"


def seconds(value):
    return f"{value * 1000:.1f} ms" if value < 0.1 else f"{value:.2f} s"


def images(numbers):
    rows = [[f"{point['images']:,}", str(point["namespaces"]), f"{point['anonymous_mib']:.1f} MiB", f"{point['peak_mib']:.1f} MiB",
             *(seconds(point[f"{check}_{who}"]) for check in ("first", "listed", "later") for who in ("client", "containerd"))]
            for point in numbers["inventory_curve"]]
    return table(["images", "namespaces", "private memory", "RSS, highest", "first check: exporter", "containerd",
                  "list again: exporter", "containerd", "unchanged: exporter", "containerd"], rows) + comparison(numbers)


def comparison(numbers):
    ctr = numbers["inventory"]["ctr images check"]
    return (f"\nFor comparison: one `ctr images check` of 1,000 images took {ctr['wall']:.1f} s, with {ctr['client']:.1f} s of CPU "
            f"time in ctr and\n{ctr['containerd']:.1f} s in containerd.\n")


def idle(numbers):
    rows = [[text, *(f"{numbers[f'idle_{key}_{what}_mib']:.1f} MiB" for what in ("anonymous", "rss")),
             *(f"{numbers[f'idle_{key}_cpu_{who}']:.0f} ms" for who in ("exporter", "containerd"))]
            for key, text in (("empty", "no image"), ("full", "300 images"))]
    return table(["store", "private memory", "RSS", "CPU per minute: exporter", "containerd"], rows)


def transfers(numbers):
    rows = []
    for key, text in (("pull", "pull of 256 MiB"), ("pull_registry", "pull of 256 MiB"), ("push", "push of 256 MiB"),
                      ("push_registry", "push of 256 MiB")):
        for name, result in numbers[key].items():
            daemon = f"{result['containerd']:.2f} s" if result.get("containerd") is not None and "registry engine" not in name else "-"
            peak = f"{result['peak_mib']:.0f} MiB" if result.get("peak_mib") else "-"
            row = [text, name, f"{result['wall']:.1f} s", f"{result['client']:.2f} s", daemon, peak]
            if row not in rows and (name.startswith("exporter") or key in ("pull", "pull_registry", "push")):
                rows.append(row)
    return table(["what", "by", "duration", "CPU", "CPU of containerd", "RSS, highest"], rows)


def scrapes(numbers):
    rows = [["page", f"{numbers['page_bytes']:,} bytes"],
            ["scrape, median", f"{numbers['scrape_quiet_median_ms']:.2f} ms"],
            ["scrape during a pull, median", f"{numbers['scrape_pulling_median_ms']:.2f} ms"],
            ["start to the first scrape, median", f"{numbers['start_ms']:.0f} ms"]]
    return table(["what", "measured"], rows)


def main():
    numbers, page = json.loads(NUMBERS.read_text("utf-8")), PAGE.read_text("utf-8")
    for name, make in (("images", images), ("idle", idle), ("transfers", transfers), ("scrapes", scrapes)):
        page = re.sub(rf"(<!-- {name}:begin -->\n).*?(<!-- {name}:end -->)", lambda found, text=make(numbers): found[1] + text + found[2],
                      page, flags=re.DOTALL)
    if "--check" in sys.argv:
        return int(page != PAGE.read_text("utf-8"))
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
