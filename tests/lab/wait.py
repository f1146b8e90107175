# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, with an error that names it."""
import contextlib
import time


class LabError(AssertionError):
    """A daemon did not do what the lab needs; the message carries the end of its log."""


def wait_until(check, timeout=20, what="condition", every=0.05):
    """The first true value of check(); its exceptions count as false until the time is up."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            value = check()
            if value:
                return value
            last = None
        except Exception as error:  # pylint: disable=broad-except
            last = error
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not within {timeout} s" + (f" ({last!r})" if last else ""))
        time.sleep(every)


@contextlib.contextmanager
def unchanged(state, timeout=0):
    """Asserts that state() is after the block what it was before. `timeout`: for daemons that remove
    some things a moment after the request."""
    before = state()
    yield
    deadline = time.monotonic() + timeout
    while (after := state()) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert after == before
