"""compose.yaml: what it promises of every service, and that one command brings up Locust's web UI."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
import urllib.error
import urllib.request

import pytest

from tests.support.engine import ROOT, docker

UI_S = 180.0
"""A noisy machine starts five Pythons in its own time."""

OWN_PORTS = ("GRANIAN_PORT", "UVICORN_PORT", "LOCUST_PORT")


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def test_the_file_is_clean():
    """A person's first command would print warnings, or nothing else."""
    assert docker("compose", "--profile", "*", "config", "--quiet") == ""


def test_every_service_is_hardened(services):
    """A fault in a service could change its system or reach further than it needs."""
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= set(limits), name
        assert service.get("restart", "no") == "no", name


def test_ports_are_published_on_loopback_alone(services):
    """The rig, which asks for no password, would be open to the network."""
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_whoever_needs_another_waits_until_it_is_healthy(services):
    """Load would fall on a service that does not answer yet."""
    words = {name: {one["condition"] for one in s.get("depends_on", {}).values()} for name, s in services.items()}
    assert words["locust"] == words["locust-worker"] == words["toxiproxy"] == words["data"] == {"service_healthy"}
    for name, service in services.items():
        for other, one in service.get("depends_on", {}).items():
            unasked = services[other].get("healthcheck", {}).get("disable", False)
            assert (one["condition"] == "service_healthy") != unasked, (name, other)


def test_the_database_is_reached_through_toxiproxy_alone(services):
    """A fault between a service and its database would pass it by."""
    joined = {name: set(service["networks"]) for name, service in services.items()}
    assert joined["toxiproxy"] == {"front", "back"}
    assert {name for name, networks in joined.items() if "back" in networks} == {
        "postgres",
        "valkey",
        "toxiproxy",
        "data",
    }


@pytest.mark.usefixtures("images")
def test_up_alone_gives_the_web_ui_and_down_leaves_nothing():
    """The one command of the README would end in an error, or leave containers behind."""
    project = f"service-harness-test-{secrets.token_hex(4)}"
    cores = sorted(os.sched_getaffinity(0))
    environment = {name: free_port() for name in OWN_PORTS}
    environment |= {"SERVICE_CPUS": str(cores[0]), "LOAD_CPUS": str(cores[-1])}
    mine = ("compose", "--project-name", project)
    try:
        docker(*mine, "up", "--detach", "--wait", timeout_s=UI_S, **environment)
        url = f"http://127.0.0.1:{environment['LOCUST_PORT']}"
        assert "Locust" in page(url + "/")
        assert workers(url) == 1
        assert json.loads(page(url + "/swarm", b"user_count=2&spawn_rate=2&host=http://uvicorn:8000"))["success"]
        assert answered(url) > 0
    finally:
        docker(*mine, "--profile", "*", "down", "--volumes", "--timeout", "5", timeout_s=UI_S, **environment)
    left = f"label=com.docker.compose.project={project}"
    for noun, extra in (("container", ("--all",)), ("network", ()), ("volume", ())):
        assert docker(noun, "ls", *extra, "--quiet", "--filter", left) == ""


def page(url: str, form: bytes | None = None) -> str:
    """The text of a page, or of the answer to a form."""
    with urllib.request.urlopen(url, data=form, timeout=30) as answer:  # noqa: S310  (the test's own address)
        return answer.read().decode()


def workers(url: str) -> int:
    """Workers that the master knows, as soon as there is one."""
    end_s = time.monotonic() + UI_S
    while time.monotonic() < end_s:
        found = json.loads(page(url + "/stats/requests"))["workers"]
        if found:
            return len(found)
        time.sleep(0.5)
    return 0


def answered(url: str) -> int:
    """Requests that were answered well, as soon as there are some."""
    end_s = time.monotonic() + 60.0
    while time.monotonic() < end_s:
        with contextlib.suppress(urllib.error.URLError):
            stats = json.loads(page(url + "/stats/requests"))["stats"]
            good = sum(one["num_requests"] - one["num_failures"] for one in stats if one["name"] == "Aggregated")
            if good:
                return good
        time.sleep(0.5)
    return 0


def test_the_files_that_are_mounted_exist(services):
    """The engine would make an empty folder in the place of a missing file, and Toxiproxy would not start."""
    sources = [one["source"] for s in services.values() for one in s.get("volumes", []) if one["type"] == "bind"]
    assert sources == [str(ROOT / "targets" / "images" / "toxiproxy.json")]
    names = {one["name"] for one in json.loads((ROOT / "targets" / "images" / "toxiproxy.json").read_text())}
    assert names == {"postgres", "valkey"}
