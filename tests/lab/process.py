# SPDX-License-Identifier: Apache-2.0
"""One child process with its log, ended by its pid."""
import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import time

from lab.wait import LabError

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


@contextlib.contextmanager
def undisturbed():
    """Blocks signals. A handler that raises within Popen.poll() would leave the lock of Popen taken, and
    every later wait for the child would block forever."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Process:
    """One child process with its output in a file. It gets SIGTERM if this process dies."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.argv = [str(arg) for arg in argv]
        self.log_path = pathlib.Path(log)
        self.env = {**os.environ, **(env or {})}
        self.cwd = cwd
        self.child = None

    def start(self):
        parent = os.getpid()

        def before_exec():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        with open(self.log_path, "ab") as log:
            self.child = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=self.env, cwd=self.cwd, start_new_session=True,
                                          preexec_fn=before_exec)
        return self

    @property
    def pid(self):
        return self.child.pid

    @property
    def alive(self):
        with undisturbed():
            return self.child is not None and self.child.poll() is None

    @property
    def log(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace") if self.log_path.exists() else ""

    def tail(self, lines=20):
        return "\n".join(self.log.splitlines()[-lines:])

    def send(self, number):
        self.child.send_signal(number)

    def stop(self, number=signal.SIGTERM, timeout=15):
        """(exit code, seconds it took); killed, and an error, if it does not end in time."""
        if not self.child:
            return None, 0.0
        began = time.monotonic()
        if self.alive:
            with undisturbed():  # send_signal() polls
                self.child.send_signal(number)
        try:
            code = self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise LabError(f"{self.argv[0]} did not end within {timeout} s:\n{self.tail()}") from None
        return code, time.monotonic() - began

    def kill(self):
        if self.alive:
            with undisturbed():
                self.child.kill()
        if self.child:
            self.child.wait()

    def close(self):
        with contextlib.suppress(LabError):
            self.stop()

    def wait_ready(self, check, timeout=20):
        deadline = time.monotonic() + timeout
        while self.alive and time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                if check():
                    return self
            time.sleep(0.05)
        raise LabError(f"{self.argv[0]} is not ready (exit code {self.child.poll()}):\n{self.tail()}")
