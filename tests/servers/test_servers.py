"""Every server starts the reference service, answers alike, and refuses options it does not know."""

from __future__ import annotations

import ast
import subprocess
import sys

import httpx
import pytest

from targets.serializers.corpus import ORDER
from targets.service.repositories.seed import item_id
from tests.support import serving

APP = "targets.service.main:create_app"
PATHS = (
    "/ping",
    "/health/ready",
    f"/api/v1/items/{item_id(1)}",
    "/api/v1/items?limit=3",
    "/api/v1/items/export",
    "/nowhere",
    "/api/v1/items?limit=0",
)
SERVERS_OWN = {"server", "date", "content-length", "connection", "transfer-encoding", "keep-alive"}
"""Headers that belong to the server, or to the connection, and not to the service."""


def answers(url):
    """Give status, headers and body of every path, without what is the server's own."""
    with httpx.Client(base_url=url, timeout=10) as client:
        shown = [client.get(path, headers={"X-Request-ID": "same"}) for path in PATHS]
        order = client.post("/api/v1/orders", json=ORDER, headers={"X-Request-ID": "same"})
        arm = client.get("/internal/arm").json()
    kept = [(a.status_code, {k: v for k, v in a.headers.items() if k not in SERVERS_OWN}, a.content) for a in shown]
    return kept, order, arm


@pytest.fixture(scope="module")
def everything():
    """Give what each server makes of the service."""
    found = {}
    for name in serving.SERVERS:
        changes = {"SERVICE_NONCE": name}
        with serving.served(name, APP, factory=True, ready="/health/startup", changes=changes) as url:
            found[name] = answers(url)
    return found


def test_the_folder_holds_these_servers():
    """Without this an arm could vanish from the comparison unnoticed."""
    assert serving.SERVERS == ["granian", "gunicorn", "gunicorn_asgi", "uvicorn"]


@pytest.mark.parametrize("name", serving.SERVERS)
def test_each_server_answers_like_the_first(everything, name):
    """Without this two servers would be compared on different answers."""
    kept, order, arm = everything[name]
    assert kept == everything[serving.SERVERS[0]][0]
    assert order.status_code == 201
    assert order.json()["total"] == "25.00"
    assert arm["nonce"] == name
    assert arm["stack"] == everything[serving.SERVERS[0]][2]["stack"]
    assert arm["fingerprint"] == everything[serving.SERVERS[0]][2]["fingerprint"]


@pytest.mark.parametrize("name", serving.SERVERS)
def test_wrong_settings_end_every_server_with_the_name_of_what_is_wrong(name):
    """Without this a mistyped switch would start the default arm, or a server would restart for ever."""
    port = serving.free_port()
    argv = serving.server(name).command(
        python=sys.executable, app=APP, factory=True, host="127.0.0.1", port=port, options={}
    )
    done = subprocess.run(
        argv,
        cwd=serving.ROOT,
        env=serving.environment({"SERVICE_SERIALISER": "orjson"}),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert "SERVICE_SERIALISER" in done.stderr + done.stdout
    assert "did you mean SERVICE_SERIALIZER" in done.stderr + done.stdout


@pytest.mark.parametrize("name", serving.SERVERS)
def test_options_are_checked_and_end_up_in_the_command(name):
    """Without this an option that means nothing would be measured as if it meant something."""
    module = serving.server(name)

    def command(**options):
        return module.command(python="python", app="a.b:c", factory=False, host="127.0.0.1", port=1, options=options)

    assert command(workers="3")[command(workers="3").index("--workers") + 1] == "3"
    assert command()[command().index("--workers") + 1] == "1"
    assert command()[:2] == ["python", "-m"]
    assert command()[-1] == "a.b:c"
    with pytest.raises(ValueError, match=r"no option 'wrokers'; choose from .*workers"):
        command(wrokers="3")
    for bad in (
        {"workers": "0"},
        {"workers": "two"},
        {"access_log": "yes"},
        {"http": "3"},
        {"backlog": "-1"},
    ):
        with pytest.raises(ValueError, match=f"cannot take {next(iter(bad))}"):
            command(**bad)
    assert set(module.OPTIONS) == set(module._FLAGS)


@pytest.mark.parametrize("name", serving.SERVERS)
def test_access_logs_are_off_unless_asked_for(name):
    """Without this one arm would write a line per request and the other none."""
    module = serving.server(name)
    for wanted, options in ((False, {}), (True, {"access_log": "on"})):
        port = serving.free_port()
        argv = module.command(
            python=sys.executable, app=APP, factory=True, host="127.0.0.1", port=port, options=options
        )
        running = subprocess.Popen(
            argv,
            cwd=serving.ROOT,
            env=serving.environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            serving.wait_ready(running, f"http://127.0.0.1:{port}/health/startup")
            httpx.get(f"http://127.0.0.1:{port}/ping")
        finally:
            running.terminate()
            output = running.communicate(timeout=15)[0].decode()
        assert ("/ping" in output) == wanted


@pytest.mark.parametrize("name", serving.SERVERS)
def test_server_files_use_the_standard_library_alone(name):
    """Without this the harness could not load them by path in its own process."""
    tree = ast.parse((serving.ROOT / "targets/servers" / f"{name}.py").read_text())
    roots = {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots |= {a.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    assert roots <= set(sys.stdlib_module_names)
    assert ast.get_docstring(tree).splitlines()[0].endswith(".")
