# SPDX-License-Identifier: Apache-2.0
"""The exporter under test."""
import os
import pathlib
import subprocess

import yaml

from lab.network import free_port, http_request
from lab.process import Process
from lab.programs import exporter_binary
from lab.wait import LabError, wait_until


def run_exporter(*args, env=None, wrap=(), **options):
    """Runs the exporter or one of its commands to its end and returns the finished process. `wrap` are words
    in front of it."""
    return subprocess.run([*wrap, exporter_binary(), *map(str, args)], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, **(env or {})}, **options)


def exporter_check(containerd, *args, timeout=60):
    """Runs `containerd_exporter check` and returns the finished process; any exit status is accepted."""
    env = {**os.environ, "CONTAINERD_ADDRESS": containerd.address}
    return subprocess.run([exporter_binary(), "check", *args], capture_output=True, text=True, timeout=timeout,
                          errors="surrogateescape", env=env, stdin=subprocess.DEVNULL, check=False)


class WithoutAliases(yaml.SafeDumper):
    """Writes a repeated value twice, as a person would."""

    def ignore_aliases(self, data):
        return True


class Scraped:
    """What serves metrics at `url`, and has the log `tail()`."""

    url = None

    def tail(self, lines=20):
        raise NotImplementedError

    def get(self, path, method="GET", headers=None, timeout=10):
        return http_request(self.url + path, method, headers=headers, timeout=timeout)

    def raw(self):
        status, _, body = self.get("/metrics")
        if status != 200:
            raise LabError(f"/metrics: {status}")
        return body.decode()

    def metrics(self):
        """{sample name: {frozenset of (label, value): number}}, read by Prometheus' own Python parser."""
        from prometheus_client.parser import text_string_to_metric_families
        families = {}
        for family in text_string_to_metric_families(self.raw()):
            for sample in family.samples:
                families.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return families

    def samples(self, metric, **labels):
        """{labels: value} of the samples that carry at least these labels."""
        wanted = set(labels.items())
        return {key: value for key, value in self.metrics().get(metric, {}).items() if wanted <= key}

    def value(self, metric, default=None, **labels):
        """Sum of the samples that carry at least these labels; `default` where there is none."""
        found = self.samples(metric, **labels)
        return sum(found.values()) if found else default

    def wait_for(self, metric, labels=None, predicate=lambda value: value is not None, timeout=20):
        """Until predicate(value()) holds; returns that value. A number instead of a function: equal."""
        if not callable(predicate):
            number, predicate = predicate, lambda value: value == number
        seen = []

        def check():
            seen[:] = [self.value(metric, **(labels or {}))]
            return seen[0] is not None and predicate(seen[0])

        try:
            wait_until(check, timeout, f"{metric}{labels or ''}", every=0.1)
        except LabError as error:
            raise LabError(f"{error}; last value {seen}\n{self.tail()}") from None
        return seen[0]


class Exporter(Process, Scraped):
    """The exporter under test. `config` is a dict, text, or None (no file). $EXPORTER_BIN overrides
    the binary; `wrap`, else $EXPORTER_WRAP, are words in front of it."""

    def __init__(self, temp, config=None, args=(), env=None, ready=True, port=None, wrap=()):
        self.dir = pathlib.Path(temp)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.binary = exporter_binary()
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.config_path = self.dir / "containerd_exporter.yml"
        self.must_be_ready = ready
        wrap = wrap or os.environ.get("EXPORTER_WRAP", "").split()
        argv = [*wrap, self.binary, f"--web.listen-address={self.address}"]
        if config is not None:
            self.write_config(config)
            argv.append(f"--config.file={self.config_path}")
        super().__init__(argv + list(args), self.dir / "exporter.log", env)

    def write_config(self, config):
        text = config if isinstance(config, str) else yaml.dump(config, Dumper=WithoutAliases, sort_keys=False)
        self.config_path.write_text(text, encoding="utf-8")

    def start(self):
        super().start()
        if self.must_be_ready:
            self.wait_ready(lambda: self.get("/-/ready")[0] == 200)
        return self

    def reload(self, config=None):
        """(status, body) of POST /-/reload, after writing `config`."""
        if config is not None:
            self.write_config(config)
        status, _, body = self.get("/-/reload", "POST", timeout=30)
        return status, body.decode()

    def status_kb(self, key):
        with open(f"/proc/{self.pid}/status", encoding="utf-8") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))

    def rss_kb(self):
        return self.status_kb("VmRSS")

    def rss_peak_kb(self):
        return self.status_kb("VmHWM")
