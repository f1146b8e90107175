# SPDX-License-Identifier: Apache-2.0
"""A directory as --config.file: the files of several teams, as a ConfigMap mounts them."""
import os
import resource
import signal
import subprocess

import pytest

from lab.exporter import exporter_binary
from lab.wait import wait_until

STATUS = "containerd_exporter_config_last_reload_successful"
TIME = "containerd_exporter_config_last_reload_success_timestamp_seconds"
BASE = """\
containerd: {address: %s}
registries:
  a.example: {plain_http: true}
probes:
  - &first {name: first, operation: pull, engine: registry, image: a.example/x:1, interval: 1h}
  - {<<: *first, name: second, labels: {team: !!str 5}}
"""
TEAM = """\
registries:
  b.example: {plain_http: true}
probes:
  - {name: %s, operation: pull, engine: registry, image: b.example/x:1, interval: 1h}
"""


class ConfigMap:
    """A mounted ConfigMap: every update is a new directory, which one rename of `..data` shows."""

    def __init__(self, path):
        self.path = path
        self.number = 0
        path.mkdir()

    def write(self, **files):
        self.number += 1
        folder = self.path / f"..{self.number}"
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.yml").write_text(text, encoding="utf-8")
        (self.path / "..data_tmp").symlink_to(folder.name)
        os.rename(self.path / "..data_tmp", self.path / "..data")
        for name in files:
            if not (self.path / f"{name}.yml").is_symlink():
                (self.path / f"{name}.yml").symlink_to(f"..data/{name}.yml")
        for link in self.path.glob("[!.]*.yml"):
            if link.stem not in files:
                link.unlink()


@pytest.fixture(name="volume")
def fixture_volume(lab):
    return ConfigMap(lab.temp / "volume")


def check(path, *args, **more):
    return subprocess.run([exporter_binary(), f"--config.file={path}", "--config.check", *args], capture_output=True,
                          text=True, check=False, timeout=60, **more)


@pytest.mark.unprivileged
def test_reads_the_files_of_a_config_map_again(lab, volume):
    base = BASE % (lab.temp / "none.sock")
    volume.write(base=base)
    exporter = lab.exporter(None, args=[f"--config.file={volume.path}", "--config.enable-auto-reload",
                                        "--config.auto-reload-interval=1s"])
    page = exporter.get("/config")[2].decode()
    assert page.count("first") == page.count("second") >= 1, "each file is read once"
    assert "third" not in page
    before = exporter.value(TIME)
    volume.write(base=base, team=TEAM % "third")
    exporter.wait_for(TIME, predicate=lambda at: at > before)
    page = exporter.get("/config")[2].decode()
    assert "first" in page and "third" in page and "b.example" in page
    before = exporter.value(TIME)
    volume.write(team=TEAM % "fourth")
    exporter.wait_for(TIME, predicate=lambda at: at > before)
    page = exporter.get("/config")[2].decode()
    assert "fourth" in page and "first" not in page and "third" not in page


@pytest.mark.unprivileged
def test_a_mistake_in_one_file_changes_nothing(lab, volume):
    base = BASE % (lab.temp / "none.sock")
    volume.write(base=base)
    exporter = lab.exporter(None, args=[f"--config.file={volume.path}"])
    volume.write(base=base, team=TEAM % "first" + "registries2: {}\n", third="probes:\n\t- {}\n")
    status, _, body = exporter.get("/-/reload", "POST")
    assert status == 500, body
    assert exporter.value(STATUS) == 0
    for words in (f'{volume.path}/team.yml:4:12: "name": duplicate probe name "first": first used at {volume.path}/base.yml:5:19',
                  f"{volume.path}/team.yml:5:1: unknown key", f"{volume.path}/third.yml:2:1: found a tab"):
        assert words in exporter.log.replace('\\"', '"')
    assert "first" in exporter.get("/config")[2].decode()
    volume.write()
    exporter.child.send_signal(signal.SIGHUP)
    wait_until(lambda: "no configuration file in this directory" in exporter.log)
    assert exporter.value(STATUS) == 0
    volume.write(base=base, team=TEAM % "third")
    assert exporter.get("/-/reload", "POST")[0] == 200
    assert exporter.value(STATUS) == 1
    assert "third" in exporter.get("/config")[2].decode()


@pytest.mark.unprivileged
def test_checks_a_directory(tmp_path):
    done = check(tmp_path)
    assert done.returncode == 1 and "no configuration file in this directory" in done.stderr
    (tmp_path / "10.yml").write_text(BASE % "/none.sock", encoding="utf-8")
    (tmp_path / "20.yaml").write_text(TEAM % "third", encoding="utf-8")
    (tmp_path / "30.txt").write_text("[", encoding="utf-8")
    done = check(tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "30.yml").write_text("registries: {a.example: {}}\nprobes:\n  - {name: x, imgae: a/b}\n", encoding="utf-8")
    done = check(tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[:4] == [
        f'{tmp_path}/30.yml:1:14: duplicate key "a.example", first at {tmp_path}/10.yml:3:3: expected in one file only',
        f'{tmp_path}/30.yml:3:5: "operation" is missing: Operation of the probe.',
        f'{tmp_path}/30.yml:3:15: unknown key "imgae" (did you mean "image"?)',
        f"containerd_exporter: error: 3 mistakes in {tmp_path}"]


@pytest.mark.unprivileged
def test_all_mistakes_of_a_probe_are_told_with_its_file(tmp_path):
    (tmp_path / "10.yml").write_text(BASE % "/none.sock", encoding="utf-8")
    (tmp_path / "20.yml").write_text("""\
probes:
  - name: x
    operation: pull
    image: Bad//x
    engine: none
    platform: a/b/c/d/e
    expected: {digest: x}
    auth: {username: u}
    labels: {1x: y}
    colt: no
""", encoding="utf-8")
    done = check(tmp_path)
    assert done.returncode == 1
    lines = [line.removeprefix(f"{tmp_path}/20.yml:") for line in done.stderr.splitlines()[:-1]]
    assert [line.split(": ")[0] for line in lines] == ["4:12", "5:13", "6:15", "7:24", "8:22", "9:13", "10:5"], done.stderr


@pytest.mark.unprivileged
def test_aliases_of_aliases_have_a_ceiling(tmp_path):
    """9^20 values in a kilobyte: refused at the alias that is one too many, within little memory."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    path = tmp_path / "laughs.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def limit_memory():
        resource.setrlimit(resource.RLIMIT_DATA, (64 << 20, 64 << 20))

    done = check(path, preexec_fn=limit_memory)
    assert done.returncode == 1
    assert f"{path}:5:" in done.stderr and "aliases expand to more than 50000 values" in done.stderr
