# SPDX-License-Identifier: Apache-2.0
"""What kustomize makes of deploy/kubernetes is what Kubernetes and prometheus-operator take, field by field."""
import copy

import pytest

from lab.kustomize import COMPONENTS, MANIFESTS, kustomize, overlay
from lab.schemas import OPERATOR, mistakes, schema_of
from lab.wait import LabError

pytestmark = pytest.mark.unprivileged


@pytest.fixture(scope="module", name="objects")
def rendered(tmp_path_factory):
    """The objects of the kustomization alone, and with each of its components."""
    return {"none": kustomize(MANIFESTS), **{name: overlay(tmp_path_factory.mktemp(name), name) for name in COMPONENTS}}


def checked(document):
    try:
        return mistakes(document)
    except LabError as error:
        return pytest.skip(f"{document['kind']} IS NOT CHECKED: {error}")


@pytest.mark.parametrize("component", ["none", *COMPONENTS])
def test_kubernetes_takes_every_field(objects, component):
    kinds = [one for one in objects[component] if one["apiVersion"] != OPERATOR]
    assert {one["kind"] for one in kinds} >= {"Namespace", "ConfigMap", "Service", "DaemonSet"}
    assert {one["kind"]: checked(one) for one in kinds if checked(one)} == {}


def test_prometheus_operator_takes_every_field(objects):
    documents = [one for component in COMPONENTS for one in objects[component] if one["apiVersion"] == OPERATOR]
    assert "PodMonitor" in {one["kind"] for one in documents}
    assert {one["kind"]: checked(one) for one in documents if checked(one)} == {}


def test_check_finds_mistakes(objects):
    """An unknown field, a wrong type and a missing field are found at their places."""
    daemon_set = copy.deepcopy(next(one for one in objects["none"] if one["kind"] == "DaemonSet"))
    pod = daemon_set["spec"]["template"]["spec"]
    pod["hostNetwerk"] = True
    pod["containers"][0]["volumeMounts"][0]["mountPath"] = 1
    del daemon_set["spec"]["selector"]
    assert checked(daemon_set) == [
        "spec.template.spec.containers.0.volumeMounts.0.mountPath: 1 is not of type 'string'",
        "spec.template.spec: Additional properties are not allowed ('hostNetwerk' was unexpected)",
        "spec: 'selector' is a required property"]


@pytest.mark.parametrize("change, place", [
    ({"endpoints": [{"port": "metrics", "honorlabels": True}]}, "spec.endpoints.0: "),
    ({"endpoints": [{"relabelings": [{"action": "replaces"}]}]}, "spec.endpoints.0.relabelings.0.action: "),
    ({"selector": {"matchlabels": {}}}, "spec.selector: "), ({"sampleLimit": "many"}, "spec.sampleLimit: ")])
def test_check_of_monitors_finds_mistakes(change, place):
    document = {"apiVersion": OPERATOR, "kind": "ServiceMonitor", "metadata": {"name": "m"},
                "spec": {"selector": {}, "endpoints": [{"port": "metrics"}]}}
    assert checked(document) == []
    document["spec"].update(change)
    (mistake,) = checked(document)
    assert mistake.startswith(place)


def test_schema_of_an_unknown_group_is_told():
    with pytest.raises(LabError, match="no schema of example.org/v1"):
        schema_of("example.org/v1", "Thing")
