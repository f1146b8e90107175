# SPDX-License-Identifier: Apache-2.0
"""Builds the Debian package from a copy of this checkout, as a user without rights."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from lab.disks import remove_tree
from lab.programs import ROOT
from lab.wait import LabError

NOBODY = 65534
REVISION, EPOCH, TIME = "abcdef1", 1700000000, "20231114-22:13:20"
SOURCES = ("Makefile", "LICENSE", "README.md", "CHANGELOG.md", "docs", "exporter", "collectors", "proto", "dashboards", "deploy")


@contextlib.contextmanager
def build_package():
    """The folder that dpkg-buildpackage leaves its packages in. It is removed at the end."""
    temp = pathlib.Path(tempfile.mkdtemp(prefix="containerd_exporter-deb-"))
    try:
        for name in SOURCES:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, temp / name, symlinks=True)
            elif (ROOT / name).exists():
                shutil.copy2(ROOT / name, temp / name)
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", temp], check=True)
        done = subprocess.run(["make", "deb", f"REVISION={REVISION}", "BRANCH=main"], cwd=temp, user=NOBODY, group=NOBODY,
                              extra_groups=[], capture_output=True, text=True, check=False, umask=0o027,
                              env={**os.environ, "HOME": str(temp), "SOURCE_DATE_EPOCH": str(EPOCH), "TZ": "Asia/Tokyo"})
        if done.returncode != 0:
            raise LabError(f"make deb failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        yield temp / "build/deb"
    finally:
        remove_tree(temp)
