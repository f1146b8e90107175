# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of what users install."""
import pytest

from lab.helm import Helm
from lab.image import image_archive
from lab.wait import LabError


@pytest.fixture(scope="session")
def helm(tmp_path_factory):
    """The chart's renderer, built from tests/helm."""
    try:
        return Helm(tmp_path_factory.mktemp("helm"))
    except LabError as error:
        if "deploy/lib.sh" not in str(error):
            raise
        return pytest.skip(f"THE CHART IS NOT TESTED: {error}")


@pytest.fixture(scope="session")
def archive(tmp_path_factory):
    """The container image of the exporter under test."""
    return image_archive(tmp_path_factory.mktemp("image"))
