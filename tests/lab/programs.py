# SPDX-License-Identifier: Apache-2.0
"""Paths of the programs that the lab starts."""
import os
import pathlib
import shutil

from lab.wait import LabError

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = ("1.6", "1.7", "2")  # of containerd, oldest first


def daemons_dir():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("DAEMONS") or os.path.join(cache, "containerd_exporter"))


def find(program, folder=None):
    """Path of a daemon's binary; `folder` (with or without usr/bin) instead of the default one."""
    roots = [pathlib.Path(folder)] if folder else [daemons_dir()]
    for place in [p for root in roots for p in (root / "usr/bin", root / "usr/sbin", root / "bin", root)]:
        if (place / program).is_file():
            return str(place / program)
    path = None if folder else shutil.which(program)
    if path:
        return path
    raise LabError(f"{program} not found in {roots[0]}: run deploy/lib.sh need_daemons")


def folder_of(version):
    """Where a containerd of VERSIONS was unpacked (deploy/lib.sh need_newer_daemons), as `folder` of
    Containerd; None means that of the machine's own Debian."""
    if version == VERSIONS[0]:
        return None
    folder = daemons_dir() / version
    if not (folder / "usr/bin/containerd").is_file():
        raise LabError(f"no containerd {version} in {folder}: run deploy/lib.sh need_newer_daemons")
    return folder


def docker_store_folder():
    """Where a Docker that can keep its images in containerd is, as `folder` of Docker."""
    folder = daemons_dir() / "docker-store"
    if not (folder / "usr/sbin/dockerd").is_file():
        raise LabError(f"no Docker of Debian sid in {folder}: run deploy/lib.sh need_newer_daemons")
    return folder


def prometheus_folder(version):
    """Where a Prometheus "2" or "3" is, as `folder` of find(); None means that of this Debian."""
    if version == "2":
        return None
    folder = daemons_dir() / f"prometheus-{version}"
    if not (folder / "usr/bin/prometheus").is_file():
        raise LabError(f"no Prometheus {version} in {folder}: run deploy/lib.sh need_newer_daemons")
    return folder


def exporter_binary():
    return os.environ.get("EXPORTER_BIN") or str(ROOT / "build/containerd_exporter")
