# SPDX-License-Identifier: Apache-2.0
"""The container image of the exporter under test, as deploy/image.sh makes it."""
import json
import os
import pathlib
import re
import subprocess
import tarfile

from lab.programs import ROOT, exporter_binary
from lab.wait import LabError

EPOCH = 1_700_000_000  # every time in the image


def version():
    """That of the Makefile."""
    return re.search(r"^VERSION +:= (\S+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1]


NAME = f"containerd_exporter:{version()}"


def image_tool(*argv, **env):
    """Runs deploy/image.sh, which must succeed."""
    own = {"SOURCE_DATE_EPOCH": str(EPOCH), "VERSION": version(), "REVISION": "lab"}
    done = subprocess.run([ROOT / "deploy/image.sh", *map(str, argv)], capture_output=True, text=True, timeout=300,
                          env={**os.environ, **own, **env}, check=False)
    if done.returncode != 0:
        raise LabError(f"image.sh {argv}: {done.returncode}\n{done.stdout}{done.stderr}")


def image_archive(folder, binary=None):
    """The path of an archive with the image NAME, for `docker load`, `ctr images import` and skopeo's oci-archive:."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    image_tool("rootfs", binary or exporter_binary(), folder / "rootfs")
    image_tool("archive", folder / "rootfs", folder / "image.tar")
    return folder / "image.tar"


def unpacked(archive):
    """(configuration, path of the one layer) of an archive, which is unpacked beside it."""
    folder = archive.parent / "layout"
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    (image,) = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    (layer,) = image["Layers"]
    return json.loads((folder / image["Config"]).read_text(encoding="utf-8")), folder / layer
