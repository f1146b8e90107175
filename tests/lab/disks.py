# SPDX-License-Identifier: Apache-2.0
"""Mounts and folders: small disks to fill, and what removes them."""
import os
import shutil
import subprocess


def mounts_below(folder):
    folder = os.path.realpath(folder)
    points = []
    with open("/proc/self/mountinfo", encoding="utf-8") as lines:
        for line in lines:
            point = line.split()[4].encode().decode("unicode_escape")
            if point == folder or point.startswith(folder + "/"):
                points.append(point)
    return sorted(points, key=len, reverse=True)


def limit_disk(folder, room):
    """A disk of its own, of `room` bytes, where the folder is to be."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", folder], check=True)


def remove_tree(folder):
    for point in mounts_below(folder):
        subprocess.run(["umount", "-l", point], check=False)
    shutil.rmtree(folder, ignore_errors=True)
