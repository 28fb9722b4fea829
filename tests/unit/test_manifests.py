"""The manifests of docs/kubernetes: Kubernetes takes them, and they say what the service and the scenarios read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from scenarios.support.trial import parse_trial
from targets.service.main import create_app
from targets.service.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "kubernetes"
VERSIONS = ("1.29", "1.33")
"""The oldest Kubernetes that the operator's chart takes, and a current one."""

DOCUMENTS = [one for path in sorted(FOLDER.glob("*.yaml")) for one in yaml.safe_load_all(path.read_text())]
CORE = [one for one in DOCUMENTS if one["kind"] != "LocustTest"]
[TEST] = [one for one in DOCUMENTS if one["kind"] == "LocustTest"]
[DEPLOYMENT] = [one for one in DOCUMENTS if one["kind"] == "Deployment"]
[CONTAINER] = DEPLOYMENT["spec"]["template"]["spec"]["containers"]

TEXT, LIST = {"type": "string"}, {"type": "array"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def closed(properties: dict, *required: str) -> dict:
    """An object with these properties and no other."""
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


NODE = {
    "command": {"type": "string", "minLength": 1},
    "labels": TEXTS,
    "annotations": TEXTS,
    "resources": {"type": "object"},
    "extraArgs": {"type": "array", "items": {"type": "string"}},
}
AUTOQUIT = closed({"enabled": {"type": "boolean"}, "timeout": {"type": "integer", "minimum": 0}}, "enabled")
LOCUST_TEST = closed(
    {
        "apiVersion": {"const": "locust.io/v2"},
        "kind": {"const": "LocustTest"},
        "metadata": {"type": "object", "required": ["name"], "properties": {"name": {"maxLength": 56}}},
        "spec": closed(
            {
                "image": {"type": "string"},
                "imagePullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
                "imagePullSecrets": {"type": "array"},
                "master": closed({**NODE, "autostart": {"type": "boolean"}, "autoquit": AUTOQUIT}, "command"),
                "worker": closed(
                    {**NODE, "replicas": {"type": "integer", "minimum": 1, "maximum": 500}}, "command", "replicas"
                ),
                "testFiles": closed(
                    dict.fromkeys(("configMapRef", "libConfigMapRef", "srcMountPath", "libMountPath"), TEXT)
                ),
                "scheduling": closed(
                    {
                        "affinity": {"type": "object"},
                        "tolerations": {"type": "array"},
                        "nodeSelector": TEXTS,
                        "runtimeClassName": {"type": "string"},
                    }
                ),
                "env": closed(dict.fromkeys(("configMapRefs", "secretRefs", "variables", "secretMounts"), LIST)),
                "volumes": {"type": "array"},
                "volumeMounts": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "mountPath"],
                        "properties": {"target": {"enum": ["master", "worker", "both"]}},
                    },
                },
                "security": closed(
                    {"podSecurityContext": {"type": "object"}, "containerSecurityContext": {"type": "object"}}
                ),
                "observability": {"type": "object"},
            },
            "image",
            "master",
            "worker",
        ),
    },
    "apiVersion",
    "kind",
    "metadata",
    "spec",
)
"""The operator's resource, restated from its types (locust.io/v2, chart 2.4): names, what is required, bounds."""


def pod_of(spec: dict) -> dict:
    """The pod that the operator makes of a test: what Kubernetes' own types in it come to."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "made", "labels": spec["worker"]["labels"]},
        "spec": {
            "affinity": spec["scheduling"]["affinity"],
            "securityContext": spec["security"]["podSecurityContext"],
            "volumes": spec["volumes"],
            "containers": [
                {
                    "name": "locust",
                    "image": spec["image"],
                    "args": spec["worker"]["command"].split(),
                    "env": spec["env"]["variables"],
                    "resources": spec["worker"]["resources"],
                    "securityContext": spec["security"]["containerSecurityContext"],
                    "volumeMounts": [
                        {key: value for key, value in mount.items() if key != "target"}
                        for mount in spec["volumeMounts"]
                    ],
                }
            ],
        },
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", CORE, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_takes_every_manifest(document, version):
    """A user's cluster would refuse a manifest, or silently drop a field that is spelt wrong."""
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_operator_takes_the_test_and_kubernetes_its_pod(version):
    """A user's operator would refuse the test, or make pods that the cluster refuses."""
    jsonschema.validate(TEST, LOCUST_TEST)
    kubernetes_validate.validate(pod_of(TEST["spec"]), version, strict=True)
    mounted = {mount["name"] for mount in TEST["spec"]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in TEST["spec"]["volumes"]}
    assert not any(mount["mountPath"].startswith("/lotest/src") for mount in TEST["spec"]["volumeMounts"])


def test_a_wrong_field_is_noticed():
    """A user could not rely on the two tests above: a check that finds nothing proves nothing."""
    wrong = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**TEST, "spec": {**TEST["spec"], "workerReplicas": 4}}, LOCUST_TEST)


def test_the_trial_is_one_that_the_scenarios_read_and_has_as_many_workers_and_users_as_the_test():
    """A user's workers would all end with an error, or a part of the load would never be sent."""
    [trial] = [one for one in CORE if one["kind"] == "ConfigMap"]
    parsed = parse_trial(json.loads(trial["data"]["trial.json"]))
    spec = TEST["spec"]
    words = spec["master"]["command"].split()
    assert parsed.workers == spec["worker"]["replicas"] == int(words[words.index("--users") + 1])
    assert str(parsed.output).startswith("/load/")
    variables = {one["name"]: one["value"] for one in spec["env"]["variables"]}
    assert (variables["LOAD_TRIAL"], variables["LOAD_START"]) == ("/trial/trial.json", "master")
    assert "LOAD_WORKER" not in variables
    [service] = [one for one in CORE if one["kind"] == "Service"]
    assert (parsed.arms[0].host, parsed.arms[0].port) == (
        service["metadata"]["name"],
        service["spec"]["ports"][0]["port"],
    )


def test_the_probes_are_three_questions_that_the_service_answers(monkeypatch):
    """A user's pods would be restarted for ever over a path that does not exist, or whenever the database is away."""
    routes = set(create_app(Settings()).openapi()["paths"])
    asked = [CONTAINER[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    assert asked == ["/health/startup", "/health/live", "/health/ready"]
    assert set(asked) <= routes
    for one in CONTAINER["env"]:
        monkeypatch.setenv(one["name"], one["value"])
    settings = read_settings(os.environ)
    assert settings.drain.kind == "on"
    assert settings.drain.delay_s < DEPLOYMENT["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize(
    ("pod", "container"),
    [
        (DEPLOYMENT["spec"]["template"]["spec"]["securityContext"], CONTAINER["securityContext"]),
        (TEST["spec"]["security"]["podSecurityContext"], TEST["spec"]["security"]["containerSecurityContext"]),
    ],
    ids=["service", "load"],
)
def test_every_pod_meets_the_restricted_standard(pod, container):
    """A user's name space would refuse the pods, or they would run with more rights than they need."""
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] > 0
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}


def test_policies_budget_and_service_select_the_pods_that_exist():
    """A user's policy would guard nobody, which nobody would see."""
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget"):
        [one] = [each for each in CORE if each["kind"] == kind]
        chosen = one["spec"]["selector"].get("matchLabels", one["spec"]["selector"])
        assert chosen.items() <= labels.items()
    policies = {one["metadata"]["name"]: one["spec"] for one in CORE if one["kind"] == "NetworkPolicy"}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policies["service"]["podSelector"]["matchLabels"].items() <= labels.items()
    for node in ("master", "worker"):
        assert policies["load"]["podSelector"]["matchLabels"].items() <= TEST["spec"][node]["labels"].items()
