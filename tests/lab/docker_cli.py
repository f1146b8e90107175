# SPDX-License-Identifier: Apache-2.0
"""The docker command line on a dockerd of the lab."""
import json
import os
import subprocess

from lab.programs import find
from lab.wait import LabError, wait_until


class DockerCli:
    """Runs Debian's docker against that daemon; its configuration is empty."""

    def __init__(self, docker):
        self.docker = docker
        self.env = {**os.environ, "DOCKER_HOST": f"unix://{docker.address}", "DOCKER_BUILDKIT": "0"}
        self.program = find("docker")

    def run(self, *args, timeout=120, **options):
        """The finished process; any exit status is accepted."""
        return subprocess.run([self.program, *map(str, args)], capture_output=True, text=True, timeout=timeout, env=self.env,
                              check=False, **options)

    def __call__(self, *args, **options):
        """Standard output of a command that must succeed."""
        done = self.run(*args, **options)
        if done.returncode != 0:
            raise LabError(f"docker {' '.join(map(str, args))}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout.strip()

    def inspect(self, name):
        return json.loads(self("inspect", name))[0]

    def wait_health(self, container, status, timeout=60):
        wait_until(lambda: self.inspect(container)["State"]["Health"]["Status"] == status, timeout, f"{container} is {status}",
                   every=0.2)
