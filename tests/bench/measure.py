# SPDX-License-Identifier: Apache-2.0
"""Looks at processes from outside: CPU, memory, time. Nothing here knows what is measured.

CPU of a living process comes from /proc/PID/stat in steps of 10 ms, that of an ended child from
its rusage. The peak of a child's memory is its VmHWM, looked at while it runs: ru_maxrss would
start at what this Python had at the time of the fork.
"""
import http.client
import os
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
LOOK_SECONDS = 0.002


def cpu_seconds(pid):
    """User and system time of a process and its ended threads."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def threads_seconds(pid):
    """CPU of the threads that live, to the nanosecond: for a process that starts and ends none."""
    total_ns = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="utf-8") as stat:
            total_ns += int(stat.read().split()[0])
    return total_ns / 1e9


def status_number(pid, key):
    """A number of /proc/PID/status (memory in KiB); 0 for a process that has ended."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return next((int(line.split()[1]) for line in lines if line.startswith(key + ":")), 0)


def rollup_kb(pid, key):
    with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def forget_peak(pid):
    """From here on VmHWM is the peak of what comes."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="utf-8") as refs:
        refs.write("5")


class Cpu:
    """CPU that named processes take from here on; look: cpu_seconds, or threads_seconds for little."""

    def __init__(self, look=cpu_seconds, **processes):
        self.look = look
        self.pids = {name: process.pid for name, process in processes.items()}
        self.before = {name: look(pid) for name, pid in self.pids.items()}

    def taken(self):
        return {name: self.look(pid) - self.before[name] for name, pid in self.pids.items()}


class CpuTrace(threading.Thread):
    """CPU of a living process over time, for what it took in a part of it that is known only later."""

    def __init__(self, pid, every=0.01):
        super().__init__()
        self.pid, self.every, self.ending, self.seen = pid, every, threading.Event(), []

    def run(self):
        while True:
            self.seen.append((time.time(), cpu_seconds(self.pid)))
            if self.ending.wait(self.every):
                return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.ending.set()
        self.join()

    def _at(self, when):
        """As if it were spent evenly between two looks."""
        for (before, less), (after, more) in zip(self.seen, self.seen[1:]):
            if when <= after:
                return less + (more - less) * max(0, when - before) / (after - before)
        return self.seen[-1][1]

    def between(self, first, last):
        return self._at(last) - self._at(first)


def run(argv):
    """Runs a program to its end: {"wall", "client", "peak_mib"}; an error if it fails."""
    began, peak_kb = time.monotonic(), 0
    with tempfile.TemporaryFile() as words:
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=words)
        try:
            while not (ended := os.wait4(child.pid, os.WNOHANG))[0]:
                peak_kb = max(peak_kb, status_number(child.pid, "VmHWM"))
                time.sleep(LOOK_SECONDS)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall, usage = time.monotonic() - began, ended[2]
        child.returncode = os.waitstatus_to_exitcode(ended[1])
        words.seek(0)
        if child.returncode:
            said = words.read().decode(errors="replace")
            raise RuntimeError(f"{' '.join(map(str, argv))}: {child.returncode}\n{said}")
    return {"wall": wall, "client": usage.ru_utime + usage.ru_stime, "peak_mib": peak_kb / 1024}


class Page:
    """/metrics over one connection that stays open, as Prometheus does; the exporter closes idle ones."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=10)
        self._connect()

    def _connect(self):
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _ask(self):
        self.connection.request("GET", "/metrics")
        return self.connection.getresponse()

    def get(self):
        try:
            answer = self._ask()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()
            self._connect()
            answer = self._ask()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"/metrics: {answer.status}")
        return body.decode()

    def close(self):
        self.connection.close()


def sample(page, name, **labels):
    """The number of the first sample with this name and at least these labels; None without one."""
    for line in re.finditer(rf"^{name}(?:{{(.*)}})? (\S+)", page, re.M):
        if all(f'{key}="{value}"' in (line[1] or "") for key, value in labels.items()):
            return float(line[2])
    return None


def samples_sum(page, name, **labels):
    """The sum of all samples with this name and at least these labels."""
    return sum(float(line[2]) for line in re.finditer(rf"^{name}(?:{{(.*)}})? (\S+)", page, re.M)
               if all(f'{key}="{value}"' in (line[1] or "") for key, value in labels.items()))


class Scrapes(threading.Thread):
    """Scrapes every `every` seconds: [(when, seconds it took)], the time as time.time() has it."""

    def __init__(self, address, every=0.02):
        super().__init__()
        self.page, self.every, self.ending = Page(address), every, threading.Event()
        self.seen, self.page_bytes = [], 0

    def run(self):
        while not self.ending.wait(self.every):
            when, began = time.time(), time.monotonic()
            self.page_bytes = len(self.page.get())
            self.seen.append((when, time.monotonic() - began))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.ending.set()
        self.join()
        self.page.close()

    def between(self, first, last):
        return sorted(took for when, took in self.seen if first <= when <= last)


def quantile(ordered, part):
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def medians(rounds):
    """Of dicts with the same keys, the median of each; what one does not know stays None."""
    keys = dict.fromkeys(key for one in rounds for key in one)
    return {key: statistics.median([one[key] for one in rounds]) if all(one.get(key) is not None for one in rounds)
            else None for key in keys}
