# SPDX-License-Identifier: Apache-2.0
"""The demo as a new user runs it: it shows real results, and leaves nothing behind."""
import os
import pathlib
import signal
import subprocess
import tempfile
import time

import pytest

from lab.disks import mounts_below
from lab.programs import ROOT

DEMO = ROOT / "deploy/demo.sh"


def leftovers(temp):
    """Processes that name this folder, mounts below it, files in it."""
    processes = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(temp) in words and int(entry.parent.name) != os.getpid():
            processes.append(words)
    return processes, mounts_below(temp), os.listdir(temp)


@pytest.fixture(name="temp")
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="demo-test-") as temp:
        yield temp


def environment(temp):
    binary = os.environ.get("EXPORTER_BIN") or str(ROOT / "build/containerd_exporter")
    return {**os.environ, "TMPDIR": temp, "EXPORTER_BIN": binary}


def test_once_shows_results_and_leaves_nothing(temp):
    done = subprocess.run([DEMO, "--once"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          env=environment(temp), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("pull-single", "pull-multi", "push", "not_found", "demo", "plugins:", "up = 1", "The page for people"):
        assert word in done.stdout, word
    assert leftovers(temp) == ([], [], [])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_until_it_gets_a_signal(temp, number):
    with subprocess.Popen([DEMO], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment(temp), start_new_session=True) as demo:
        seen = []
        for line in demo.stdout:
            seen.append(line)
            if line.startswith("Ctrl-C"):
                break
        time.sleep(1)
        assert demo.poll() is None, "".join(seen)
        demo.send_signal(number)
        seen += demo.stdout.readlines()
        assert demo.wait(60) == 0, "".join(seen)
    assert leftovers(temp) == ([], [], [])


def test_wrong_binary_exits_with_1_and_leaves_nothing(temp):
    done = subprocess.run([DEMO, "--once"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          env={**environment(temp), "EXPORTER_BIN": "/bin/false"}, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert leftovers(temp) == ([], [], [])
