# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a lab per test, and daemons that the tests of a run share."""
import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

pytest.register_assert_rewrite("lab")

from lab import Lab  # noqa: E402  pylint: disable=wrong-import-position
from lab.fake.registry import FakeRegistry  # noqa: E402  pylint: disable=wrong-import-position
from lab.programs import VERSIONS, folder_of  # noqa: E402  pylint: disable=wrong-import-position
from lab.wait import LabError  # noqa: E402  pylint: disable=wrong-import-position


def pytest_configure(config):
    config.addinivalue_line("markers", "unprivileged: runs without root")
    config.tables = []  # tables that pytest prints at the end of every run

    def interrupt(*_):
        raise KeyboardInterrupt

    # So that a run that is cut short ends its daemons too.
    signal.signal(signal.SIGTERM, interrupt)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several processes
        session.config.workeroutput["tables"] = session.config.tables


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    node.config.tables.extend(getattr(node, "workeroutput", {}).get("tables", []))


def pytest_terminal_summary(terminalreporter, config):
    for text in config.tables:
        terminalreporter.write_line("\n" + text)


def pytest_collection_modifyitems(items):
    """containerd needs root: without it only the tests marked `unprivileged` run."""
    if os.geteuid() == 0:
        return
    for item in items:
        if not item.get_closest_marker("unprivileged"):
            item.add_marker(pytest.mark.skip(reason="a containerd of our own needs root"))


@pytest.fixture
def lab():
    """Daemons of this test alone."""
    with Lab() as own:
        yield own


@pytest.fixture(scope="module")
def module_lab():
    with Lab() as own:
        yield own


@pytest.fixture(scope="session")
def session_lab():
    with Lab() as own:
        yield own


@pytest.fixture(scope="session")
def containerd(session_lab):
    """Shared by the whole run: leave it as you found it."""
    return session_lab.containerd()


@pytest.fixture(scope="session")
def registry(session_lab):
    """Shared, without password: push under a repository named after your test."""
    return session_lab.registry()


@pytest.fixture(scope="session")
def maker(session_lab):
    return session_lab.maker


@pytest.fixture(scope="module")
def docker(module_lab):
    """A dockerd on a containerd of its own, shared by the tests of a file."""
    return module_lab.docker(module_lab.containerd())


@pytest.fixture(scope="module")
def daemon(module_lab):
    """A containerd 2, whose transfer service does all that an engine needs; shared by the tests of a file."""
    try:
        return module_lab.containerd_of("2")
    except LabError as error:
        pytest.skip(f"CONTAINERD 2 IS NOT TESTED: {error}")


@pytest.fixture
def fake():
    """A fake registry with the image canary/a:v1."""
    with FakeRegistry() as registry:
        registry.add_image("canary/a", "v1")
        yield registry


@pytest.fixture
def socketless(lab):
    """The configuration for a node without a containerd."""
    return {"containerd": {"address": str(lab.temp / "none.sock")}}


@pytest.fixture(scope="module", params=VERSIONS)
def version(request):
    """Each version of containerd in turn. A version that is not unpacked is skipped with a message."""
    try:
        folder_of(request.param)
    except LabError as error:
        pytest.skip(f"CONTAINERD {request.param} IS NOT TESTED: {error}")
    return request.param


@pytest.fixture(scope="module")
def containerd_of_version(module_lab, version):
    """A containerd of that version, shared by the tests of a file."""
    containerd = module_lab.containerd_of(version)
    yield containerd
    containerd.close()
