# SPDX-License-Identifier: Apache-2.0
"""The engine client on a containerd that has not loaded overlayfs."""
import pytest

from lab.probes import config_for, probe, run_once

OVERLAYFS = "io.containerd.snapshotter.v1.overlayfs"


@pytest.mark.parametrize("snapshotter", [None, "native", "overlayfs"])
def test_client_unpacks_into_a_snapshotter_that_is_loaded(lab, version, registry, snapshotter):
    containerd = lab.containerd_of(version, disabled=[OVERLAYFS])
    loaded = [name for (kind, name), status in containerd.plugins().items()
              if kind == "io.containerd.snapshotter.v1" and status == "ok" and name != "erofs"]
    assert loaded and "overlayfs" not in loaded
    image = lab.maker.image().push(registry, f"choice/{version}-{snapshotter}".lower(), "v1")
    settings = {"snapshotter": snapshotter} if snapshotter else {}
    exporter = run_once(lab, config_for(containerd, probe(image, engine="client", **settings), plain=registry.host))
    assert exporter.value("image_canary_success", probe="canary") == (snapshotter != "overlayfs")
    said = f"containerd has not loaded the snapshotter overlayfs: the layers are unpacked into {loaded[0]}"
    assert exporter.log.count(said) == (snapshotter is None)
    if snapshotter != "overlayfs":
        assert exporter.value("image_canary_image_bytes", probe="canary", kind="unpacked") > 0
    else:
        assert "snapshotter not loaded" in exporter.log
    wait = [name for name in containerd.namespaces() if name.startswith("containerd-exporter.")]
    assert not wait, "the run cleaned up"
