# SPDX-License-Identifier: Apache-2.0
"""The exporter at a terminal: help, flags, completion, manual, and `containerd_exporter probe`."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest
import yaml

from lab.exporter import run_exporter
from lab.fake.registry import FakeRegistry
from lab.probes import AT_ONCE, config_for, probe
from lab.programs import ROOT, exporter_binary
from lab.wait import wait_until

MANUAL = ROOT / "deploy/containerd_exporter.8"
COMMANDS = ("check", "probe", "health", "metrics", "config")


def flags_of(text):
    """The long flags that a --help names, without [no-]."""
    return set(re.findall(r"^ .{5}--(?:\[no-\])?([a-z][a-z0-9.-]*)", text, re.MULTILINE))


# ---- help

@pytest.mark.unprivileged
@pytest.mark.parametrize("args", [["--help"], ["-h"], ["help"], *(["help", c] for c in COMMANDS),
                                  *([c, "--help"] for c in COMMANDS)])
def test_prints_help_to_stdout_within_the_width(args):
    done = run_exporter(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: containerd_exporter")
    assert max(map(len, done.stdout.splitlines())) <= 80, max(done.stdout.splitlines(), key=len)
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


@pytest.mark.unprivileged
def test_help_command_equals_help_flag():
    for command in COMMANDS:
        assert run_exporter("help", command).stdout == run_exporter(command, "--help").stdout
        assert f"  {command} " in run_exporter("--help").stdout


@pytest.mark.unprivileged
@pytest.mark.parametrize("args, words", [
    (["chek"], 'unknown command "chek" (did you mean "check"?), try --help'),
    (["bogus"], 'unknown command "bogus" (known: check, probe, health, metrics, config), try --help'),
    (["help", "prob"], 'unknown command "prob" (did you mean "probe"?), try --help'),
    (["--colector.images"], '(did you mean "collector.images"'),
    (["--collector.pull"], "unknown long flag '--collector.pull'"),
    (["--web.external-url=host/x"], "--web.external-url"),
    (["--web.route-prefix=a?b"], "--web.route-prefix"),
    (["--history.limit=0"], "--history.limit must be 1 to"),
    (["--timeout-offset=1x"], "--timeout-offset"),
    (["--timeout-offset=."], "--timeout-offset"),
    (["--timeout-offset=61"], "--timeout-offset"),
    (["--config.auto-reload-interval=10ms"], "--config.auto-reload-interval must be at least 1s"),
    (["--log.prober=loud"], "--log.prober"),
    (["@/no/such/file"], "/no/such/file: No such file"),
])
def test_reports_errors_on_stderr(args, words):
    done = run_exporter(*args)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("containerd_exporter: error: ") and words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.unprivileged
def test_prints_the_version_like_other_exporters():
    done = run_exporter("--version")
    assert re.fullmatch(r"containerd_exporter, version \d+\.\d+\.\d+( \(branch: \S+, revision: \S+\))?\n"
                        r"(  build user:       \S+\n)?"
                        r"(  build date:       \d{8}-\d\d:\d\d:\d\d\n)?"
                        r"  compiler:         \S+ .*\n"
                        r"  platform:         linux/\S+\n"
                        r"(  tags:             .+\n)?", done.stdout), done.stdout
    assert "unknown" not in done.stdout


@pytest.mark.unprivileged
def test_reads_flags_from_a_file(tmp_path):
    flags = tmp_path / "flags"
    flags.write_text("# comment\n--config.check\n--web.listen-address=:1\n")
    done = run_exporter(f"@{flags}")
    assert done.returncode == 0 and "is valid" in done.stdout
    flags.write_text("help\nprobe\n")
    assert run_exporter(f"@{flags}").stdout == run_exporter("help", "probe").stdout


@pytest.mark.unprivileged
def test_collector_flags_override_the_file(lab):
    def enabled(*args, collectors=None):
        path = lab.temp / "flags.yml"
        path.write_text(yaml.dump({"collectors": collectors or {}}))
        done = run_exporter(f"--config.file={path}", "--config.check", *args)
        return int(re.search(r"0 probes, (\d+) collectors?", done.stdout)[1])

    usual = enabled()
    assert enabled("--no-collector.images") == usual - 1
    assert enabled("--collector.scrub") == usual + 1
    assert enabled(collectors={"images": {"enabled": False}}) == usual - 1
    assert enabled("--collector.images", collectors={"images": {"enabled": False}}) == usual
    assert enabled("--collector.disable-defaults") == 0
    assert enabled("--collector.disable-defaults", "--collector.self") == 1
    assert enabled("--collector.disable-defaults", collectors={"images": {"enabled": True}}) == 1


@pytest.mark.unprivileged
def test_reloads_a_changed_file(lab):
    """Also where it is behind the symbolic links of a ConfigMap."""
    volume = lab.temp / "volume"
    for number, interval in ((1, "1h"), (2, "2h")):
        (volume / f"..{number}").mkdir(parents=True)
        (volume / f"..{number}" / "config.yml").write_text(
            f"containerd: {{address: {lab.temp}/none.sock}}\ncollectors: {{images: {{interval: {interval}}}}}\n")
    (volume / "..data").symlink_to("..1")
    (volume / "config.yml").symlink_to("..data/config.yml")
    exporter = lab.exporter(None, args=[f"--config.file={volume}/config.yml", "--config.enable-auto-reload",
                                        "--config.auto-reload-interval=1s"])
    name = "containerd_exporter_config_last_reload_success_timestamp_seconds"
    first = exporter.value(name)
    (volume / "..new").symlink_to("..2")
    os.rename(volume / "..new", volume / "..data")
    exporter.wait_for(name, predicate=lambda at: at > first)
    (volume / "..2" / "config.yml").write_text("bad: [")
    exporter.wait_for("containerd_exporter_config_last_reload_successful", predicate=0)
    assert exporter.log.count("reload failed") == 1, "one edit is one complaint"


@pytest.mark.unprivileged
def test_notifies_systemd(lab):
    path = str(lab.temp / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(path)
        notified.settimeout(20)
        exporter = lab.exporter("", args=["--collector.disable-defaults"],
                                env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "100000"})
        assert notified.recv(100) == b"READY=1"
        assert notified.recv(100) == b"WATCHDOG=1"

        def until(word):
            seen = b""
            while word not in seen:
                seen = notified.recv(100)
        exporter.send(signal.SIGHUP)
        until(b"RELOADING=1")
        until(b"READY=1")
        exporter.send(signal.SIGTERM)
        until(b"STOPPING=1")
        assert exporter.stop()[0] == 0


@pytest.mark.unprivileged
def test_log_begins_like_that_of_other_exporters(lab):
    exporter = lab.exporter("", args=["--log.format=json", "--collector.disable-defaults"])
    wait_until(lambda: "Listening on" in exporter.log, what="the line of the address")
    lines = [json.loads(line) for line in exporter.log.splitlines()]
    assert lines[0]["msg"] == "Starting containerd_exporter" and lines[0]["version"]
    assert lines[1]["msg"] == "Build context" and lines[1]["compiler"]
    assert "unknown" not in [*lines[0].values(), *lines[1].values()], "what is not known is left out"
    listening, = (line for line in lines if line["msg"] == "Listening on")
    assert listening["address"] == exporter.address
    assert all(set(line) >= {"time", "level", "source", "msg"} for line in lines)


# ---- manual and completion

@pytest.mark.unprivileged
def test_manual_lists_the_flags_of_this_build():
    """deploy/containerd_exporter.8 ends with what --help-man writes: `make man` renews it."""
    text = MANUAL.read_text()
    start = text.index('.\\" The rest is written by make man.\n')
    assert text[start:].partition("\n")[2] == run_exporter("--help-man").stdout, "make man"


@pytest.mark.unprivileged
def test_manual_is_well_formed():
    for command in (["mandoc", "-Tlint", "-Wwarning", str(MANUAL)],
                    ["groff", "-mandoc", "-Tutf8", "-ww", "-z", str(MANUAL)]):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), command


@pytest.mark.unprivileged
def test_docs_list_the_flags_of_this_build():
    """All but those of single collectors, which are one row; and none that there is not."""
    page = (ROOT / "docs/command-line.md").read_text()
    rows = "".join(re.findall(r"^\| (`--.*?) \|", page, re.MULTILINE))
    written = {re.sub(r"\[?no-\]?", "", name) for name in re.findall(r"`--([^`= ]+)", rows)}
    known = {"collector.NAME" if re.match(r"collector\.(?!disable)", name) else name
             for name in flags_of(run_exporter("--help").stdout)}
    assert known - written == set(), "not in docs/command-line.md"
    assert written - known == set(), "only in docs/command-line.md"


def complete(*words, config=None):
    """What bash would offer after these words, of which the last is being written."""
    script = f"""
{run_exporter("--completion-script-bash").stdout}
COMP_WORDS=({' '.join("'" + w + "'" for w in (exporter_binary(), *words))})
COMP_CWORD={len(words)}
_containerd_exporter
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.unprivileged
def test_completes_in_bash(lab):
    assert set(complete("--web.")) == {f"--{name}" for name in flags_of(run_exporter("--help").stdout) if name.startswith("web.")}
    assert complete("--log.lev") == ["--log.level"]
    assert complete("--log.level", "=", "d") == ["debug"]
    assert complete("--log.level", "=") == ["debug", "info", "warn", "error"]
    assert complete("--log.level", "") == ["debug", "info", "warn", "error"]
    assert complete("--no-collector.im") == ["--no-collector.images"]
    assert complete("ch") == ["check"]
    assert set(complete("")) == {*COMMANDS, "help"}
    assert complete("help", "pr") == ["probe"]
    assert complete("check", "--scr") == ["--scrub"]
    assert complete("--config.file", "") == [], "files are the shell's business"
    path = lab.temp / "probes.yml"
    path.write_text(yaml.dump({"probes": [{"name": name, "operation": "pull", "image": "r.example/x:1"}
                                          for name in ("north", "nord", "south")]}))
    assert complete("probe", "--config.file", "=", str(path), "no") == ["north", "nord"]
    assert complete("probe", "--config.file", str(path), "south", "nor") == ["north", "nord"]
    assert complete("probe", f"--config.file={path}", "") == ["north", "nord", "south"]


@pytest.mark.unprivileged
def test_completes_in_zsh():
    script = run_exporter("--completion-script-zsh").stdout
    assert script.startswith("#compdef containerd_exporter\n")
    if shutil.which("zsh"):
        done = subprocess.run(["zsh", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


# ---- probe

def config_file(lab, daemon, registry, probes):
    path = lab.temp / "probe.yml"
    config = {"containerd": {"address": "/none.sock"}, **config_for(daemon, *probes, plain=registry or ())}
    path.write_text(yaml.dump(config))
    return f"--config.file={path}"


def pull(name, image, **more):
    return probe(image, name, **{"timeout": "30s", **more})


class Terminal:
    """The command on a pseudo terminal: standard error there, standard output in a pipe."""

    def __init__(self, *args, columns=80, term="xterm"):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen([exporter_binary(), *map(str, args)], stdin=slave, stderr=slave,
                                        stdout=subprocess.PIPE, env={**os.environ, "TERM": term},
                                        start_new_session=True)
        os.close(slave)
        self.seen = ""

    def read(self, timeout=0.1):
        if select.select([self.master], [], [], timeout)[0]:
            try:
                self.seen += os.read(self.master, 65536).decode()
            except OSError:  # the other end is closed
                pass
        return self.seen

    def end(self):
        """(status, standard output, all that the terminal saw)"""
        while self.process.poll() is None:
            self.read()
        while select.select([self.master], [], [], 0)[0]:
            before = len(self.seen)
            if len(self.read(0)) == before:
                break
        os.close(self.master)
        return self.process.returncode, self.process.stdout.read().decode(), self.seen

    def drawings(self):
        return [part.removeprefix("\033[K") for part in self.seen.replace("\r\n", "\n").split("\r")]


@pytest.mark.unprivileged
def test_probe_rejects_unknown_names(lab):
    config = config_file(lab, None, None, [pull("north", "r.example/x:1"), pull("south", "r.example/x:1")])
    for args, words in ((["nort"], 'no probe named "nort" (did you mean "north"?)'),
                        (["x"], 'no probe named "x" (known: north, south)'),
                        ([], "no probe named: expected NAME, --all or --list"), (["--all", "north"], "probe names and --all exclude each other"),
                        (["north", "x"], 'no probe named "x"'), (["--bogus"], "unknown long flag")):
        done = run_exporter("probe", config, *args)
        assert done.returncode == 2 and not done.stdout, done
        assert done.stderr.startswith("containerd_exporter probe: error: ") and words in done.stderr
    done = run_exporter("probe", config, "--list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "north\nsouth\n", "")


@pytest.mark.unprivileged
def test_probe_reports_errors_of_the_file(lab):
    path = lab.temp / "bad.yml"
    path.write_text("probes: [{name: a, operation: pul, image: x/y}]\n")
    done = run_exporter("probe", f"--config.file={path}", "--all")
    assert done.returncode == 2 and not done.stdout
    assert re.search(r"bad\.yml:1:\d+: ", done.stderr)
    assert "1 mistake" in done.stderr.splitlines()[-1]


def test_probe_pulls_and_prints_the_result(lab, containerd, registry, maker):
    before = containerd.census()
    image = maker.image(layers=2)
    reference = image.push(registry, "terminal/pull", "1")
    config = config_file(lab, containerd, registry.host, [pull("north", reference)])
    done = run_exporter("probe", config, "north")
    assert done.returncode == 0, done
    assert re.match(r"north: ok in \d+\.\d{3} s\n", done.stdout)
    for words in (f"pull {reference} by client", image.digest, registry.host, "resolve", "fetch", "unpack", "fetched"):
        assert words in done.stdout, done.stdout
    run_id, = re.findall(r"^  run +([0-9a-f]{16})$", done.stdout, re.MULTILINE)
    assert done.stderr == f"north: started, run {run_id}\n"
    done = run_exporter("probe", config, "north", "--json", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["success"] is True and told["reason"] == "" and told["digest"] == image.digest
    assert told["bytes"]["fetched"] == image.size + len(image.data)
    assert {"resolve", "fetch", "unpack"} <= set(told["phases"])
    assert containerd.census() == before


def test_probe_pushes(lab, containerd, registry):
    before = containerd.census()
    config = config_file(lab, containerd, registry.host,
                         [probe(f"{registry.host}/terminal/push:1", "up", "push", content={"layers": 1, "size": "64KiB"})])
    told = json.loads(run_exporter("probe", config, "up", "--json").stdout)
    assert told["success"] is True, told
    assert told["bytes"]["uploaded"] > 64 * 1024 and "upload" in told["phases"]
    assert containerd.census() == before


def test_probe_all_exits_with_1_if_one_fails(lab, containerd, registry, maker):
    reference = maker.image().push(registry, "terminal/all", "1")
    config = config_file(lab, containerd, registry.host,
                         [pull("good", reference), pull("bad", f"{registry.host}/terminal/all:none"),
                          pull("good-too", reference, engine="registry")])
    done = run_exporter("probe", config, "--all")
    assert done.returncode == 1
    assert re.findall(r"^(\S+): (ok|FAILED)", done.stdout, re.MULTILINE) == [
        ("good", "ok"), ("bad", "FAILED"), ("good-too", "ok")]
    assert "reason not_found" in done.stdout and "to do" in done.stdout
    rows = [json.loads(line) for line in run_exporter("probe", config, "--all", "--json", "-q").stdout.splitlines()]
    assert [(row["probe"], row["reason"]) for row in rows] == [("good", ""), ("bad", "not_found"), ("good-too", "")]


def test_probe_debug_shows_the_log_of_the_run(lab, containerd, registry, maker):
    reference = maker.image().push(registry, "terminal/debug", "1")
    config = config_file(lab, containerd, registry.host, [pull("north", reference)])
    done = run_exporter("probe", config, "north", "--debug")
    assert done.returncode == 0
    assert re.search(r"^\+\d+\.\d{3}s HEAD .*manifests/1: 200", done.stderr, re.MULTILINE), done.stderr
    assert len(re.findall(r"^\+\d+\.\d{3}s ", done.stderr, re.MULTILINE)) >= 5, done.stderr
    assert "+0." not in done.stdout


def test_probe_draws_progress_on_a_terminal(lab, containerd, maker):
    with FakeRegistry() as fake:
        fake.add_image("terminal/bar", "1", layers=[{"random": os.urandom(1 << 20)}])
        fake.fault("hang_middle", path="/blobs/", method="GET")
        config = config_file(lab, containerd, fake.address, [pull("north", f"{fake.address}/terminal/bar:1",
                                                                  timeout="60s")])
        terminal = Terminal("probe", config, "north", columns=60)
        wait_until(lambda: re.search(r"\r\033\[Knorth  fetch .*s", terminal.read()), what="a line about the fetch")
        terminal.process.send_signal(signal.SIGINT)
        status, out, seen = terminal.end()
    assert status == 130, (out, seen)
    assert "FAILED" in out and "reason canceled" in out
    assert seen.endswith("\r\033[K"), "the line is gone at the end"
    assert "\n" not in seen
    assert all(len(text) < 60 for text in terminal.drawings())
    assert len(set(terminal.drawings())) > 1


@pytest.mark.unprivileged
def test_progress_fits_a_narrow_terminal(lab):
    with FakeRegistry() as fake:
        fake.add_image("terminal/narrow", "1", layers=[{"random": os.urandom(1 << 18)}])
        fake.fault("hang", path="/blobs/")
        config = config_file(lab, None, fake.address, [pull("north", f"{fake.address}/terminal/narrow:1",
                                                            engine="registry")])
        terminal = Terminal("probe", config, "north", columns=24)
        wait_until(lambda: "north  fetch" in terminal.read(), what="the fetch")
        terminal.process.send_signal(signal.SIGTERM)
        status, _, _ = terminal.end()
    assert status == 143
    assert all(len(text) < 24 for text in terminal.drawings()), terminal.drawings()


@pytest.mark.unprivileged
def test_draws_no_progress_on_a_dumb_terminal(lab):
    config = config_file(lab, None, None, [pull("north", "127.0.0.1:1/x:1", engine="registry")])
    terminal = Terminal("probe", config, "north", term="dumb")
    status, out, seen = terminal.end()
    assert status == 1 and "reason connect" in out
    assert "\033" not in seen and seen.startswith("north: started, run ")


def test_interrupted_probe_leaves_nothing(lab, containerd):
    before = containerd.census()
    with FakeRegistry() as fake:
        fake.add_image("terminal/gone", "1", layers=[{"random": os.urandom(1 << 20)}])
        fake.fault("hang_middle", path="/blobs/")
        config = config_file(lab, containerd, fake.address, [pull("north", f"{fake.address}/terminal/gone:1"),
                                                             pull("south", f"{fake.address}/terminal/gone:1")])
        with subprocess.Popen([exporter_binary(), "probe", config, "--all"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            wait_until(lambda: fake.requests("GET", "/blobs/"), what="a layer")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "north: FAILED" in out and "south" not in out
    assert containerd.census() == before


def test_probe_runs_beside_the_exporter(lab, containerd, maker):
    """The same probe in both at once: each has a namespace of its own, and both succeed."""
    before = containerd.census()
    with FakeRegistry() as fake:
        fake.add_image("terminal/both", "1", layers=[{"random": os.urandom(1 << 18)}])
        slow = fake.fault("hang", path="/blobs/", method="GET")
        one = pull("north", f"{fake.address}/terminal/both:1", cold="no", timeout="60s", interval="1h")
        config = config_file(lab, containerd, fake.address, [one])
        exporter = lab.exporter(config_for(containerd, one, plain=fake.address), args=[AT_ONCE])

        def spaces():
            return [name for name in containerd.namespaces() if name.startswith("containerd-exporter.north")]
        wait_until(lambda: len(spaces()) == 1, what="the exporter's namespace")
        with subprocess.Popen([exporter_binary(), "probe", config, "north", "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) as process:
            wait_until(lambda: len(spaces()) == 2, what="the command's namespace")
            assert "containerd-exporter.north" in spaces()
            time.sleep(0.2)
            fake.unfault(slow)
            fake.stopping.set()  # those that hang are let go
            out, _ = process.communicate(timeout=90)
        told = json.loads(out)
        exporter.wait_for("image_canary_attempts_total", {"probe": "north"}, lambda n: n >= 1, timeout=90)
    assert told["reason"] in ("", "connect"), told
    assert exporter.value("image_canary_failures_total", 0, probe="north") in (0, 1)
    exporter.stop()
    assert containerd.census() == before
