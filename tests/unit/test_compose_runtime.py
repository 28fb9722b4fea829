"""How arms become containers: what the engine is told, what is refused, and how a plan remembers it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
import yaml

from harness import decide, engine, plan, settings, supervisor
from harness.commands import duel, run
from harness.commands import plan as previewing
from harness.errors import CannotMeasure, UsageError
from harness.model import App, Load, Target
from harness.processes import Session
from harness.runtimes import attached, compose
from harness.runtimes.private_disk import Disk
from harness.runtimes.runtime import require_seen
from harness.store.run import hash_plan
from tests.support import runs

ROOT = Path(__file__).resolve().parents[2]
SESSION = Session(label="17-ab", watcher=subprocess.Popen(["true"]))
WHERE = settings.load(ROOT)


def arguments(target: Target, app: App = App(), *, uid: int = 0, nonce: str | None = None) -> dict:  # noqa: B008
    """What the engine is told of a target on port 4001."""
    return compose.arguments(
        target, app, 4001, root=ROOT, session=SESSION, cores=(3,), lent={"REDIS_URL": "redis://x"}, nonce=nonce, uid=uid
    )


def question(**changes) -> duel.Question:
    """A duel of two servers in containers."""
    plain = {
        "baseline": "granian",
        "candidate": "uvicorn",
        "app": None,
        "app_dir": None,
        "paths": (),
        "scenario": "paths",
        "rate_rps": 100.0,
        "users": None,
        "budget": "10s",
        "seconds": None,
        "seed": 1,
        "load_workers": 1,
        "allow_hosts": (),
        "runtime": "compose",
    }
    return duel.Question(**{**plain, **changes})


def test_an_arm_gets_the_servers_command_and_no_more_rights_than_it_needs():
    """A user's container could write, gain privileges, be reached from outside, or run another command."""
    told = arguments(Target("granian", server="granian", options={"workers": "2"}))
    assert told["entrypoint"] == ["python"]
    assert told["command"][:2] == ["-m", "granian"]
    assert told["command"][told["command"].index("--host") + 1] == "127.0.0.1"
    assert told["command"][told["command"].index("--workers") + 1] == "2"
    assert told["read_only"]
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert list(told["tmpfs"]) == ["/tmp"]  # noqa: S108
    assert told["cpuset_cpus"] == "3"
    assert not {"ports", "privileged", "volumes", "cap_add"} & set(told)


def test_the_images_health_check_does_not_run_on_the_arms_core():
    """A user would measure the Python that the image's health check starts every few seconds."""
    assert arguments(Target("granian", server="granian"))["healthcheck"] == {"test": ["NONE"]}


def test_the_environment_is_the_arms_own_and_carries_the_label():
    """A user's settings would not reach the app, or a crash would leave processes that nobody finds."""
    target = Target("x", server="uvicorn", serializer="orjson", environment={"REDIS_URL": "mine", "A": "1"})
    told = arguments(target, nonce="n0")["environment"]
    assert told["SERVICE_SERIALIZER"] == "orjson"
    assert told["SERVICE_NONCE"] == "n0"
    assert told["A"] == "1"
    assert told["REDIS_URL"] == "mine"
    assert told[supervisor.LABEL] == SESSION.label
    assert "HOME" not in told
    assert "PATH" not in told


@pytest.mark.parametrize(("uid", "user"), [(0, None), (1000, "1000:")])
def test_a_harness_that_is_not_root_may_look_at_its_containers(uid, user):
    """A user without root could not tell who answers: another account's open files are closed to him."""
    told = arguments(Target("granian", server="granian"), uid=uid).get("user")
    assert told is None if user is None else told.startswith(user)


def test_a_memory_limit_is_no_option_of_the_server_and_allows_no_swap():
    """A user's limit would be overstepped silently into swap, or refused by the server as unknown."""
    told = arguments(Target("x", server="granian", options={"memory": "256m"}))
    assert told["mem_limit"] == told["memswap_limit"] == "256m"
    assert "memory" not in " ".join(told["command"])


def test_the_session_is_the_label_of_its_containers():
    """A user's `harness down` would miss what a crash left, or take containers of somebody else."""
    assert engine.LABEL == supervisor.CONTAINERS == "service-harness.session"


@pytest.mark.parametrize(
    ("said", "old"),
    [
        ("2.33.1", False),
        ("v2.7.0-desktop.1", False),
        ("2.6.1", True),
        ("1.29.2", True),
        ("v5.0.0", False),
        ("dev", False),
    ],
)
def test_an_old_compose_is_told_from_a_new_one(said, old):
    """A user with an old Compose would get the error of some option that it does not know."""
    assert engine.too_old(said) is old


def test_the_image_of_the_service_is_found_in_the_model():
    """A user's run would build another service's image, or none."""
    model = {
        "name": "p",
        "services": {
            "postgres": {"image": "postgres:18"},
            "locust": {"build": {"context": "."}},
            "granian": {"build": {"context": "."}, "image": "mine:1"},
        },
    }
    assert engine.built_service(model) == ("granian", "mine:1")
    del model["services"]["granian"]
    assert engine.built_service(model) == ("locust", "p-locust")
    with pytest.raises(CannotMeasure, match="builds no image"):
        engine.built_service({"services": {"postgres": {"image": "postgres:18"}}})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"app": "strange:app", "app_dir": str(ROOT)}, "--app-dir"),
        ({"baseline": "granian,python=/usr/bin/python3"}, "python="),
        ({"baseline": "granian,memory=lots"}, "amount of memory"),
        ({"baseline": "granian,memory=256m", "runtime": "local"}, "limit of a container"),
    ],
)
def test_what_a_runtime_cannot_do_is_refused_with_the_way_out(changes, said):
    """A user would get figures of something else than he asked for."""
    with pytest.raises(UsageError, match=said) as refused:
        duel.planned(question(**changes), WHERE)
    assert refused.value.mend


def test_an_unknown_runtime_is_named_with_the_choices():
    """A user with a typo would have to read source code."""
    with pytest.raises(UsageError) as refused:
        duel.runtime("podman")
    assert "compose" in refused.value.mend
    assert "local" in refused.value.mend


def test_the_runtime_is_part_of_the_plan_and_older_plans_keep_their_hash():
    """A user could go on with a run of containers as one of processes, or no more with an older run."""
    local = runs.plan()
    document = msgspec.to_builtins(local)
    del document["runtime"]
    assert hash_plan(msgspec.convert(document, type=type(local))) == hash_plan(local)
    inside = duel.planned(question(), WHERE)
    assert inside.runtime == "compose"
    assert hash_plan(inside) != hash_plan(duel.planned(question(runtime="local"), WHERE))


def test_a_run_in_containers_plans_all_but_probes_and_says_what_it_leaves(tmp_path):
    """A user would take a claim for decided in containers whose probes were never observed there."""
    names = ["1", "2", "17", "40", "60"]
    inside, local = (
        run.planned(names, profile="full", budget_s=None, seed=1, where=WHERE, runtime=name)
        for name in ("compose", "local")
    )
    assert inside.conditions == local.conditions
    assert inside.sweeps == local.sweeps
    assert inside.courses == local.courses != {}
    assert run.restarts(inside) == run.restarts(local) != []
    shown = previewing.preview(["run", "40"], {}, profile="full", budget=None, runtime="compose")
    assert shown["courses"]
    assert shown["probes"] == []
    assert any("without --runtime compose" in reason for reason in shown["untested"])
    assert set(run._lines(inside, tmp_path).values()) == {decide.NOT_IN_CONTAINERS}


def test_only_the_ledger_and_the_targets_own_disk_may_be_written_besides(tmp_path):
    """A user's container would get a folder of his machine that it has no business with, or none for its ledger."""
    assert compose.folders(None, None) == {}
    found = compose.folders(tmp_path, Disk(Path("/somewhere/disk"), 4))
    [mount] = found["mounts"]
    assert (mount["Source"], mount["Target"], mount["Type"]) == (str(tmp_path), str(tmp_path), "bind")
    assert found["tmpfs"] == {**compose.HARDENED["tmpfs"], "/somewhere/disk": "size=4m,mode=1777"}


@pytest.mark.parametrize(("told", "status"), [(0, 0), (1, 1), (3, 3), (137, -9), (143, -15), (128, 128), (255, 255)])
def test_an_exit_status_of_the_engine_is_that_of_a_process(told, status):
    """A user who compares the runtimes would read two statuses of one end."""
    assert compose.signed(told) == status


def test_the_first_process_is_signalled_through_the_engine_and_a_worker_by_its_number(monkeypatch, tmp_path):
    """A user's engine would be passed over, or a worker that it cannot name be spared."""
    by_engine, by_number = [], []
    monkeypatch.setattr(compose.cgroup, "sees", lambda _, pid: pid != 9)
    monkeypatch.setattr(compose.os, "kill", lambda *told: by_number.append(told))
    one = compose.Container(
        name="target",
        port=1,
        url="",
        log=tmp_path / "log",
        handle=SimpleNamespace(id="abc", kill=by_engine.append),
        pid=5,
        group=None,
        nonce=None,
        memory=None,
    )
    one.signal(5, 15)
    one.signal(6, 9)
    # Whoever has that number now is no process of the container.
    with pytest.raises(ProcessLookupError):
        one.signal(9, 9)
    assert (by_engine, by_number) == ([15], [(6, 9)])


def test_a_server_whose_processes_nobody_sees_is_refused_with_the_way_out():
    """A user in another process name space would get moments that nobody has seen."""
    unseen = attached.Attached("target", 80, "http://127.0.0.1")
    with pytest.raises(CannotMeasure, match="cannot be seen") as refused:
        require_seen(unseen)
    assert "--runtime local" in refused.value.mend
    with pytest.raises(CannotMeasure, match="not started by the harness"):
        unseen.signal(1, 15)


def test_a_plan_with_arms_in_containers_needs_no_engine():
    """A user could not see what a run would take before he has installed an engine."""
    words = ["duel", "granian", "uvicorn"]
    asked = {name: getattr(question(), name) for name in ("app", "app_dir", "paths", "scenario", "users", "seconds")}
    more = {"rate_rps": 100.0, "load_workers": 1, "allow_hosts": (), "behind": (), "rows": None}
    assert previewing.preview(words, {**asked, **more}, profile="quick", budget=None, runtime="compose")["cells"]


def test_the_load_of_both_runtimes_is_the_same():
    """A user could not compare the two: the question differs in where the arms run and in nothing else."""
    one, other = (duel.planned(question(runtime=name), WHERE) for name in ("local", "compose"))
    assert one.conditions == other.conditions
    assert isinstance(one.conditions[0].load, Load)
    assert plan.BLOCKS_MIN <= one.blocks_max == other.blocks_max


def test_measured_containers_have_no_more_rights_than_those_of_compose():
    """What was measured would be a service that may do more than the one that is published."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("granian", "uvicorn", "gunicorn"):
        for right in ("read_only", "cap_drop", "security_opt"):
            assert services[name][right] == compose.HARDENED[right], (name, right)
