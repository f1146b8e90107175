# SPDX-License-Identifier: Apache-2.0
"""A registry whose URLs leave out the default port that the image's name has."""
import pytest

from lab.fake.registry import FakeRegistry
from lab.probes import probe, reason, run_once


@pytest.mark.parametrize("name, url", (("127.0.0.1:80", "http://127.0.0.1"), ("127.0.0.1:80", "HTTP://127.0.0.1:80")))
def test_an_upload_keeps_its_credentials(lab, socketless, name, url):
    try:
        fake = FakeRegistry(port=80, auth="basic", users={"user": "word"}, absolute_locations=True)
    except OSError as error:
        pytest.skip(f"THE DEFAULT PORT IS NOT TESTED: {error}")
    with fake:
        fake.url = url
        registries = {name: {"plain_http": True, "auth": {"username": "user", "password": "word"}}}
        pushed = probe(f"{name}/canary/port:v1", operation="push", engine="registry")
        exporter = run_once(lab, {**socketless, "probes": [pushed], "registries": registries})
        assert reason(exporter) is None, exporter.log
        assert not fake.uploads
