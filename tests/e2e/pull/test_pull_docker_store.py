# SPDX-License-Identifier: Apache-2.0
"""Pulls through a dockerd that keeps its images in containerd. It reports neither layers that existed nor
sizes of small ones, and counts packed and unpacked bytes of an image together."""
import functools

import pytest

from lab.probes import config_for, probe, reason, run_once
from lab.programs import docker_store_folder, folder_of
from lab.wait import LabError, unchanged

pull = functools.partial(probe, engine="docker")


@pytest.fixture(scope="module")
def docker(module_lab):
    try:
        return module_lab.docker(module_lab.containerd(folder=folder_of("2")), folder=docker_store_folder())
    except LabError as error:
        pytest.skip(f"DOCKER WITH CONTAINERD'S STORE IS NOT TESTED: {error}")


@pytest.fixture(autouse=True)
def nothing_is_left(docker):
    with unchanged(docker.census):
        yield


@pytest.fixture
def apart(docker, lab):
    """The configuration of an exporter that has no access to Docker's containerd."""
    class Apart:
        settings = {**docker.settings, "containerd": {"address": str(lab.temp / "none.sock")}}
    return Apart


def bytes_of(image):
    return image.size + len(image.data)


@pytest.mark.parametrize("size", (1 << 10, 3 << 20))
def test_counts_what_was_fetched(lab, docker, registry, maker, size):
    image = maker.image(layers=3, size=size)
    reference = image.push(registry, f"store/fetched-{size}", "1")
    exporter = run_once(lab, config_for(docker, pull(reference, expected={"size": bytes_of(image), "size_tolerance": 0})))
    assert reason(exporter) is None, exporter.log
    assert exporter.value("image_canary_fetched_bytes_total") == bytes_of(image)
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert exporter.value("image_canary_image_bytes", kind="declared") == bytes_of(image)


def test_counts_layers_that_existed(lab, docker, registry, maker):
    layers = [maker.layer(256 << 10), maker.layer(128 << 10)]
    docker.pull(there := maker.image(layers=layers[:1]).push(registry, "store/there", "1"))
    image = maker.image(layers=layers)
    reference = image.push(registry, "store/shares", "1")
    exporter = run_once(lab, config_for(docker, pull(reference), pull(reference, "warm", cold="preferred")))
    assert reason(exporter) == "not_cold"
    assert reason(exporter, "warm") is None, exporter.log
    assert exporter.value("image_canary_cached_bytes_total", probe="warm") == len(layers[0].data)
    assert exporter.value("image_canary_fetched_bytes_total", probe="warm") == bytes_of(image) - len(layers[0].data)
    exporter.stop()
    docker.remove(there)


def test_content_of_another_namespace_is_not_cold(lab, docker, registry, maker):
    image = maker.image()
    reference = image.push(registry, "store/other", "1")
    image.load(docker.containerd, "other", reference, unpack=False)
    exporter = run_once(lab, config_for(docker, pull(reference)))
    assert reason(exporter) == "not_cold"
    exporter.stop()
    docker.containerd.remove_images("other")


def test_says_what_it_cannot_see(lab, docker, apart, registry, maker):
    layers = [maker.layer(256 << 10), maker.layer(128 << 10)]
    docker.pull(there := maker.image(layers=layers[:1]).push(registry, "store/apart", "there"))
    shares = maker.image(layers=layers).push(registry, "store/apart-shares", "1")
    image = maker.image()
    reference = image.push(registry, "store/apart-cold", "1")
    exporter = run_once(lab, config_for(apart, pull(shares, "shares"), pull(reference),
                                        pull(reference, "size", expected={"size": bytes_of(image)})))
    assert reason(exporter, "shares") == "not_cold"
    assert "1 of 2 layers already existed in Docker" in exporter.log
    assert reason(exporter) is None, exporter.log
    assert reason(exporter, "size") == "unsupported"
    assert "engine docker does not see the size of this image" in exporter.log
    assert exporter.value("image_canary_cached_bytes_total", probe="shares") == 0, "not one byte per layer"
    exporter.stop()
    docker.remove(there)


def test_push_counts_no_size_that_docker_does_not_report(lab, docker, registry, maker):
    docker.pull(source := maker.image().push(registry, "store/pushed", "1"))
    exporter = run_once(lab, config_for(docker, probe(f"{registry.host}/store/pushed:again", operation="push", engine="docker",
                                                      content={"image": source})))
    assert reason(exporter) == "not_cold", exporter.log
    assert exporter.value("image_canary_cached_bytes_total") == 0
    assert "the registry had 2 of them" in exporter.log
    exporter.stop()
    docker.remove(source)
