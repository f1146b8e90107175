# SPDX-License-Identifier: Apache-2.0
"""Probes of a test: their configuration, an exporter that has run them, and why they failed."""

AT_ONCE = "--probe.spread=0s"  # the first runs begin with the exporter


def probe(image, name="canary", operation="pull", **more):
    """A probe that runs once in the time of a test, unless `more` sets another schedule: it fails once, too."""
    schedule = {} if "schedule" in more else {"interval": "1h", "retry_interval": "1h"}
    return {"name": name, "operation": operation, "image": image, **schedule, "timeout": "20s", **more}


def plain_http(*hosts):
    """The section `registries` for registries without TLS."""
    return {host: {"plain_http": True} for host in hosts}


def config_for(daemon, *probes, plain=(), hosts_dir=None, **sections):
    """The configuration of an exporter beside a daemon of the lab, or beside none. `plain`: the registry
    without TLS, or a tuple of them. `sections`: other sections of the file."""
    config = {**(daemon.settings if daemon else {}), **({"probes": list(probes)} if probes else {}), **sections}
    if hosts_dir:
        config["containerd"] = {**config["containerd"], "hosts_dir": str(hosts_dir)}
    if plain:
        hosts = (plain,) if isinstance(plain, str) else plain
        config["registries"] = {**plain_http(*hosts), **config.get("registries", {})}
    return config


def wait_for_runs(exporter, *names, attempts=1, timeout=40):
    """Until each of these probes has run so often. `timeout` is for each of them."""
    for name in names:
        exporter.wait_for("image_canary_attempts_total", {"probe": name}, lambda n: n >= attempts, timeout=timeout)


def run_once(lab, config, attempts=1, timeout=40, args=(), **options):
    """An exporter each of whose probes has run at least once, or `attempts` times."""
    exporter = lab.exporter(config, args=[AT_ONCE, *args], **options)
    wait_for_runs(exporter, *(one["name"] for one in config["probes"]), attempts=attempts, timeout=timeout)
    return exporter


def reasons(exporter, name="canary"):
    """{reason: how often} of the failures of a probe."""
    found = exporter.samples("image_canary_failure_reasons_total", probe=name)
    return {dict(labels)["reason"]: count for labels, count in found.items()}


def reason(exporter, name="canary"):
    """The reason of the one run of a probe; None for a success."""
    found = reasons(exporter, name)
    assert len(found) + exporter.value("image_canary_success", probe=name) == 1, exporter.log
    return next(iter(found), None)
