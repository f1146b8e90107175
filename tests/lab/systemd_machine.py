# SPDX-License-Identifier: Apache-2.0
"""A machine in a machine: this root folder below an overlay that is thrown away, in namespaces of its own, booted with
systemd or not. Its network is a loopback device."""
import contextlib
import os
import pathlib
import subprocess
import time

from lab.process import Process
from lab.wait import LabError, wait_until

# What runs inside the namespaces: FOLDER SHARED RUN_CONTAINERD BOOT. Services of this machine and settings of the kernel
# are none of the machine's: it has no unit that is enabled, and none that prepares hardware or the kernel.
ENTER = """
mount -t tmpfs tmpfs "$1"; cd "$1"; mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root; cd root
mount -t proc proc proc; mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev; mkdir dev/shm dev/pts; ln -s /proc/self/fd dev/fd; ln -s pts/ptmx dev/ptmx
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mount -t tmpfs -o mode=755 tmpfs run; mount -t tmpfs -o mode=1777 tmpfs tmp
mount --bind "$2" mnt
if [ -n "$3" ]; then mkdir run/containerd; mount --bind "$3" run/containerd; fi
rm -rf etc/systemd/system usr/sbin/policy-rc.d; mkdir etc/systemd/system
for unit in usr/lib/systemd/system/{sysinit,local-fs,multi-user,timers,sockets}.target.wants/*; do
    case $unit in *journald*) ;; *) ln -sfT /dev/null "etc/systemd/system/${unit##*/}" ;; esac
done
: >etc/fstab; : >etc/machine-id; rm -f var/lib/man-db/auto-update
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
fi
mkdir .old; pivot_root . .old; umount -l .old; rmdir .old
mount --make-rshared /
ip link set lo up 2>/dev/null || /usr/bin/python3 -c "$5"
[ -n "$4" ] || exec env -i sleep infinity
exec env -i container=lab /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
"""

CGROUPS = pathlib.Path("/sys/fs/cgroup")

# A minimal Debian has no `ip`. SIOCSIFFLAGS with IFF_UP:
LOOPBACK_UP = 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh22x", b"lo", 1))'


def cgroups_for(name):
    """New cgroups in all hierarchies but cpuset's, which a new group cannot use as it is made: the machine's roots."""
    found = []
    for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, own = line.split(":", 2)
        folder = CGROUPS / controllers.removeprefix("name=") if controllers else CGROUPS / "unified"
        if not controllers and not folder.exists():
            folder = CGROUPS
        if folder.exists() and "cpuset" not in controllers:
            found.append(folder / own.lstrip("/") / name)
    return found


class SystemdMachine(Process):
    """`share` is a folder that the machine sees as /mnt; `containerd` one of the lab, whose folder it sees as
    /run/containerd. Commands in it run as root with an environment of their own."""

    def __init__(self, temp, containerd=None, boot=False):
        self.dir = pathlib.Path(temp)
        self.share = self.dir / "share"
        (self.dir / "mount").mkdir(parents=True)
        self.share.mkdir()
        self.boot = boot
        self.cgroups = cgroups_for(f"lab-{os.getpid()}-{id(self):x}") if boot else []
        self.enter = []
        attach = "".join(f"mkdir -p {path} && echo $$ >{path}/cgroup.procs && " for path in self.cgroups)
        unshare = "exec unshare --mount --pid --ipc --uts --net --cgroup --fork --kill-child=KILL bash -euc \"$0\" enter \"$@\""
        super().__init__(["bash", "-c", attach + unshare, ENTER, self.dir / "mount", self.share,
                          containerd.dir if containerd else "", "boot" if boot else "", LOOPBACK_UP],
                         self.dir / "machine.log")

    def start(self):
        super().start()
        return self.wait_ready(self._is_up)

    def _is_up(self):
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="utf-8").split()
        if not children or os.readlink(f"/proc/{children[0]}/exe").rsplit("/", 1)[1] not in ("systemd", "sleep"):
            return False
        self.enter = ["nsenter", "--target", children[0], "--all", "--", "env", "-i", "LC_ALL=C.UTF-8", "HOME=/root",
                      "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        return not self.boot or self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def run(self, *argv, timeout=120):
        return subprocess.run([*self.enter, *map(str, argv)], capture_output=True, text=True, errors="replace", timeout=timeout,
                              check=False, stdin=subprocess.DEVNULL)

    def sh(self, script, timeout=120):
        """The standard output of a shell script that must succeed."""
        done = self.run("sh", "-euc", script, timeout=timeout)
        if done.returncode != 0:
            raise LabError(f"{script}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def close(self):
        self.kill()
        for path in self.cgroups:
            with contextlib.suppress(LabError, FileNotFoundError):
                wait_until(lambda path=path: remove_cgroup(path), what=f"end of {path}")


def remove_cgroup(path):
    """True when it is gone: its processes have ended, their cgroups are empty."""
    try:
        for folder in sorted(path.glob("**/"), key=lambda folder: -len(folder.parts)):
            folder.rmdir()
    except OSError:
        time.sleep(0.05)
        return False
    return True
