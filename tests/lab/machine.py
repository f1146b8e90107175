# SPDX-License-Identifier: Apache-2.0
"""A machine for commands of the documentation: this machine's files, with every change in memory, and a network
(loopback only), processes and mounts of its own.

    with Machine(lab.folder("machine"), {"registry.example": "127.0.0.2"}) as machine:
        machine.service(["containerd"], ready="ctr version")
        print(machine.run("containerd_exporter check"))

The files of the checkout can be changed, too: the changes are gone at the end. `folder` is visible inside. Needs root.
"""
import contextlib
import os
import pathlib
import subprocess
import time

from lab.process import Process
from lab.programs import ROOT, daemons_dir
from lab.wait import LabError, wait_until

# `ip link set lo up`, by SIOCSIFFLAGS.
LOOPBACK = "import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh22x', b'lo', 0x49))"
# FOLDER CHECKOUT DAEMONS LOOPBACK
ENTER = r"""
mount --make-rprivate /
mkdir -p "$1"/memory && mount -t tmpfs tmpfs "$1/memory"
cover() {
    mkdir -p "$base/upper$2" "$base/work$2" "$3"
    mount -t overlay overlay -o "lowerdir=$1,upperdir=$base/upper$2,workdir=$base/work$2" "$3"
}
base=$1/memory
cover / /root "$base/root"
for path in "$2" "$3"; do
    [ "$(stat -c %d "$path")" = "$(stat -c %d /)" ] || cover "$path" "/$(basename "$path")" "$base/root$path"
done
mkdir -p "$base/root$1/shared" "$1/shared"
mount --bind "$1/shared" "$base/root$1/shared"
cd "$base/root"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
for path in run var/lib/containerd var/lib/docker; do
    mkdir -p "$path"
    mount -t tmpfs tmpfs "$path"
done
mkdir -p .old
pivot_root . .old
umount -l .old
rmdir .old
/usr/bin/python3 -c "$4"
touch "$1/shared/ready"
exec sleep infinity
"""


class Machine(contextlib.AbstractContextManager):
    """`hosts`: {name: address} of /etc/hosts."""

    def __init__(self, folder, hosts=None):
        self.folder = pathlib.Path(folder)
        self.shared = self.folder / "shared"
        self.shared.mkdir(parents=True)
        self.started = []
        argv = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-euc", ENTER, "enter", self.folder,
                ROOT, daemons_dir(), LOOPBACK]
        self.holder = Process(argv, self.folder / "machine.log").start()
        self.holder.wait_ready((self.shared / "ready").exists)
        self.pid = int(pathlib.Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text("utf-8"))
        paths = [daemons_dir() / "usr/bin", daemons_dir() / "usr/sbin", daemons_dir() / "kubectl/usr/bin"]
        libraries = [str(path) for path in daemons_dir().glob("lib/*-linux-gnu*")]
        self.env = {**os.environ, "PATH": ":".join(["/usr/local/sbin:/usr/local/bin", os.environ["PATH"], *map(str, paths)]),
                    "HOME": "/root", **({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})}
        lines = "".join(f"{address} {name}\\n" for name, address in {"localhost": "127.0.0.1", **(hosts or {})}.items())
        self.run(f"printf '{lines}' >/etc/hosts")

    def words(self, *argv):
        """The argv that runs another one inside."""
        return ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--root", "--wd=/",
                "env", f"--chdir={ROOT}", *map(str, argv)]

    def try_run(self, commands, timeout=120):
        """The finished process of a bash that runs the commands in the checkout and ends at the first that fails."""
        return subprocess.run(self.words("bash", "-e", "-o", "pipefail", "-c", commands), capture_output=True, text=True,
                              timeout=timeout, env=self.env, stdin=subprocess.DEVNULL, check=False)

    def run(self, commands, timeout=120):
        """What the commands print."""
        done = self.try_run(commands, timeout)
        if done.returncode != 0:
            raise LabError(f"{commands}\nexit status {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        return done.stdout

    def write(self, path, text, mode=0o644):
        """A file of the machine."""
        source = self.shared / "written"
        source.write_text(text, encoding="utf-8")
        self.run(f"install -D -m {mode:o} {source} {path}")

    def service(self, argv, ready, timeout=60):
        """Starts a program that ends with the machine, and waits until the command `ready` succeeds."""
        log = self.folder / f"{os.path.basename(str(argv[0]))}-{time.monotonic_ns()}.log"
        with open(log, "wb") as file:
            self.started.append(subprocess.Popen(self.words(*argv), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                                 env=self.env))
        try:
            wait_until(lambda: self.try_run(ready).returncode == 0, timeout, ready, every=0.2)
        except LabError as error:
            raise LabError(f"{error}\n{log.read_text('utf-8', 'replace')[-3000:]}") from None
        return log

    def __exit__(self, *exc):
        self.holder.kill()
        for process in self.started:  # all have ended with the first process of their namespace
            process.wait(30)
