"""The command line: thin, every heavy import inside the command that needs it."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer._click.exceptions import ClickException  # Typer brings its own click and gives this no public name.

from harness import __version__
from harness.errors import CannotMeasure, HarnessError, Interrupted, UsageError

app = typer.Typer(
    name="harness",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PIPE_CLOSED = 128 + signal.SIGPIPE
"""What a shell says of a program whose reader went away."""

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout and nothing else there.")]
Results = Annotated[Path | None, typer.Option("--results", help="Where runs are kept (default: results/).")]
Budget = Annotated[str, typer.Option("--budget", help="Measuring time per regime, e.g. 60s or 5m.")]
Paths = Annotated[list[str] | None, typer.Option("--path", help="Path to ask; may be repeated.")]
AppName = Annotated[str | None, typer.Option("--app", help="ASGI app as MODULE:ATTRIBUTE.")]
AppDir = Annotated[Path | None, typer.Option("--app-dir", help="Folder from which the app is imported.")]
Rate = Annotated[float | None, typer.Option("--rate", help="Open model: requests/s of each arm.")]
Users = Annotated[int | None, typer.Option("--users", help="Saturated: connections of each arm.")]
Scenario = Annotated[str, typer.Option("--scenario", help="Locust file of scenarios/ (see `harness list`).")]
Seconds = Annotated[
    float | None,
    typer.Option("--seconds", help="Measured seconds of one block (default: 5, or 3 where arms take turns)."),
]
Seed = Annotated[int, typer.Option("--seed", help="Repeats arrivals and orders.")]
Workers = Annotated[int, typer.Option("--load-workers", help="Processes that load.")]
Profile = Annotated[str, typer.Option("--profile", help="Depth of a run: smoke, quick or full.")]
Behinds = Annotated[
    list[str] | None,
    typer.Option("--behind", help="Start this behind an app of your own: postgres (DATABASE_URL), valkey (REDIS_URL)."),
]
Rows = Annotated[
    int | None, typer.Option("--rows", help="Seeded orders of the reference service's database (default: 100000).")
]
RuntimeOption = Annotated[
    str, typer.Option("--runtime", help="Where arms run: local (processes), or compose (containers of the image).")
]
Hosts = Annotated[list[str] | None, typer.Option("--allow-host", help="Host outside loopback that may be loaded.")]


def _version(wanted: bool) -> None:  # noqa: FBT001  (Typer's own way of calling back)
    if wanted:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Which version this is.", callback=_version, is_eager=True)]


@app.callback()
def harness(version: Version = False) -> None:
    """Measures web services against each other, with intervals, and says when it cannot."""


@app.command()
def duel(
    a: Annotated[str, typer.Argument(metavar="A", help="Baseline: SERVER[+SERIALIZER][,key=value]… or a URL.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Candidate, in the same form.")],
    app_name: AppName = None,
    app_dir: AppDir = None,
    path: Paths = None,
    scenario: Scenario = "paths",
    rate: Rate = None,
    users: Users = None,
    budget: Budget = "60s",
    whole_budget: Annotated[
        bool, typer.Option("--whole-budget", help="Measure on where a look has decided already: a narrower interval.")
    ] = False,
    seconds: Seconds = None,
    seed: Seed = 1,
    load_workers: Workers = 1,
    behind: Behinds = None,
    rows: Rows = None,
    runtime: RuntimeOption = "local",
    allow_host: Hosts = None,
    results: Results = None,
    as_json: Json = False,
) -> None:
    """Which of two targets costs less, by how much, give or take."""
    from harness.commands import duel as command  # noqa: PLC0415  (a fast --help)

    document = command.run(
        command.Question(
            baseline=a,
            candidate=b,
            app=app_name,
            app_dir=None if app_dir is None else str(app_dir),
            paths=tuple(path or ()),
            scenario=scenario,
            rate_rps=rate,
            users=users,
            budget=budget,
            seconds=seconds,
            seed=seed,
            load_workers=load_workers,
            allow_hosts=tuple(allow_host or ()),
            whole_budget=whole_budget,
            behind=command.backends(behind or ()),
            rows=rows,
            runtime=command.runtime(runtime),
        ),
        results=results,
        quiet=False,
    )
    _print(document, as_json=as_json, text=command.text(document))


@app.command()
def plan(
    words: Annotated[
        list[str], typer.Argument(metavar="WHAT...", help="Two targets (`duel A B`), or claims (`run 1 6`).")
    ],
    app_name: AppName = None,
    app_dir: AppDir = None,
    path: Paths = None,
    scenario: Scenario = "paths",
    rate: Rate = None,
    users: Users = None,
    budget: Annotated[str | None, typer.Option("--budget", help="As of `duel` or `run`.")] = None,
    seconds: Seconds = None,
    profile: Profile = "quick",
    load_workers: Workers = 1,
    behind: Behinds = None,
    rows: Rows = None,
    runtime: RuntimeOption = "local",
    allow_host: Hosts = None,
    as_json: Json = False,
) -> None:
    """What `duel` or `run` would do, and how long.

    Conditions, grains, blocks, the smallest visible effect, and what stays untested and why.
    """
    from harness.commands import plan as command  # noqa: PLC0415  (a fast --help)

    question = {
        "app": app_name,
        "app_dir": None if app_dir is None else str(app_dir),
        "paths": tuple(path or ()),
        "scenario": scenario,
        "rate_rps": rate,
        "users": users,
        "seconds": seconds,
        "load_workers": load_workers,
        "allow_hosts": tuple(allow_host or ()),
        "behind": tuple(behind or ()),
        "rows": rows,
    }
    document = command.preview(words, question, profile=profile, budget=budget, runtime=runtime)
    _print(document, as_json=as_json, text=command.text(document))


@app.command()
def run(
    claim: Annotated[list[str] | None, typer.Argument(metavar="CLAIM...", help="Number or id.")] = None,
    profile: Profile = "quick",
    budget: Annotated[str | None, typer.Option("--budget", help="Wall time of the duets of one claim.")] = None,
    seed: Seed = 1,
    runtime: RuntimeOption = "local",
    results: Results = None,
    as_json: Json = False,
) -> None:
    """Decide claims of the standard."""
    from harness.commands import duel as words  # noqa: PLC0415
    from harness.commands import run as command  # noqa: PLC0415  (a fast --help)

    document = command.run(
        claim or [],
        profile=profile,
        budget_s=None if budget is None else words.seconds(budget),
        seed=seed,
        results=results,
        runtime=words.runtime(runtime),
    )
    _print(document, as_json=as_json, text=command.text(document))


@app.command()
def resume(run: Annotated[Path, typer.Argument(metavar="RUN")], as_json: Json = False) -> None:
    """Go on with the missing blocks of the same plan."""
    from harness.commands import duel  # noqa: PLC0415  (a fast --help)
    from harness.commands import resume as going_on  # noqa: PLC0415
    from harness.commands import run as claims  # noqa: PLC0415

    document = going_on.resume(run)
    text = claims.text if document["kind"] == "claims" else duel.text
    _print(document, as_json=as_json, text=text(document))


@app.command()
def report(run: Annotated[Path, typer.Argument(metavar="RUN")], as_json: Json = False) -> None:
    """Write the report of a run again."""
    from harness.report.write import write_report  # noqa: PLC0415  (a fast --help)
    from harness.store.folder import open_run  # noqa: PLC0415

    page = write_report(open_run(run))
    _print({"schema": 1, "kind": "report", "report": str(page)}, as_json=as_json, text=str(page))


@app.command()
def chart(run: Annotated[Path, typer.Argument(metavar="RUN")], as_json: Json = False) -> None:
    """Draw the charts of a run as SVG files."""
    from harness.report.write import chart as draw  # noqa: PLC0415  (a fast --help)
    from harness.store.folder import open_run  # noqa: PLC0415

    files = [str(path) for path in draw(open_run(run))]
    text = "\n".join(files) or "This run has nothing to draw."
    _print({"schema": 1, "kind": "charts", "charts": files}, as_json=as_json, text=text)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="RUN")],
    b: Annotated[Path, typer.Argument(metavar="RUN")],
    as_json: Json = False,
) -> None:
    """Two runs side by side."""
    from harness.report import compare as comparing  # noqa: PLC0415  (a fast --help)
    from harness.store.folder import open_run  # noqa: PLC0415

    document = comparing.compare(open_run(a), open_run(b))
    _print(document, as_json=as_json, text=comparing.compare_text(document))


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="servers, serializers, scenarios, faults or claims.")] = None,
    as_json: Json = False,
) -> None:
    """Servers, serializers, scenarios, faults and claims."""
    from harness.commands import listing  # noqa: PLC0415  (a fast --help)

    document = listing.document(kind)
    _print(document, as_json=as_json, text=listing.text(document))


@app.command()
def selftest(
    results: Results = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Name of a check; may be repeated.")] = None,
    turns: Annotated[int, typer.Option(min=1, max=200, help="Blocks of each dose; more narrow the intervals.")] = 3,
    as_json: Json = False,
) -> None:
    """Inject known truths and compare what is reported."""
    from harness.commands import selftest as command  # noqa: PLC0415  (a fast --help)

    document = command.run(results, tuple(only or ()), turns)
    _print(document, as_json=as_json, text=command.text(document))
    if not document["ok"]:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: Json = False) -> None:
    """What this machine can measure, and how to mend it."""
    from harness.commands import doctor as command  # noqa: PLC0415  (a fast --help)

    document = command.document()
    _print(document, as_json=as_json, text=command.text(document))


@app.command()
def schema(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Such as duel, claims, plan or block; any other lists them.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="A schema is JSON either way.")] = False,  # noqa: ARG001
) -> None:
    """A JSON Schema of one of the documents."""
    from harness.schemas import schema as find  # noqa: PLC0415  (a fast --help)

    typer.echo(json.dumps(find(name), indent=1))


@app.command()
def down(as_json: Json = False) -> None:
    """Clear what a crash left, and nothing else.

    Processes, containers and images of probes that carry the label; never anything without it.
    """
    from harness.supervisor import CONTAINERS, PROBES, clear_containers, clear_images, end_all  # noqa: PLC0415  (a fast --help)

    ended = end_all(None)
    removed = clear_containers(CONTAINERS) + clear_containers(PROBES)
    images = clear_images(PROBES)
    found = [
        (ended, "process", "es", "ended"),
        (removed, "container", "s", "removed"),
        (images, "image", "s", "removed"),
    ]
    said = [f"{n} labelled {what}{'' if n == 1 else more} {done}." for n, what, more, done in found if n]
    document = {"schema": 1, "kind": "down", "ended": ended, "containers": removed, "images": images}
    _print(document, as_json=as_json, text=" ".join(said) or "Nothing was left.")


def _print(document: dict[str, Any], *, as_json: bool, text: str) -> None:
    try:
        typer.echo(json.dumps(document, indent=1, allow_nan=False) if as_json else text)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise CannotMeasure(f"The answer could not be printed: {error.strerror}.", "Send it elsewhere.") from error


def _fail(error: HarnessError) -> int:
    """Print a failure once, for a person on stderr or for a program on stdout."""
    if "--json" in sys.argv:
        body = {"code": error.code, "message": error.message, "mend": error.mend, "run": error.run}
        sys.stdout.write(json.dumps({"schema": 1, "error": body}) + "\n")
    else:
        kept = f"\nFinished blocks are kept: {error.run}" if error.run else ""
        sys.stderr.write(f"{error.message}\n→ {error.mend}{kept}\n")
    return error.exit_code


def _on_term(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


class _Terminated(KeyboardInterrupt):
    """SIGTERM takes the same way out as Ctrl-C, with another status."""


def main() -> None:
    """Run the command line; errors become messages and exit codes here and nowhere else."""
    signal.signal(signal.SIGTERM, _on_term)
    try:
        _run(sys.argv[1:])
    except typer.Exit as ended:
        sys.exit(ended.exit_code)
    except HarnessError as error:
        sys.exit(_fail(error))
    except KeyboardInterrupt as stop:
        interrupted = Interrupted(
            "Interrupted before a run was begun: nothing is kept.", "Give the same command again."
        )
        _fail(interrupted)
        sys.exit(143 if isinstance(stop, _Terminated) else interrupted.exit_code)
    except BrokenPipeError:
        # What Python still wants to write when it ends goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(PIPE_CLOSED)
    except Exception as error:  # noqa: BLE001  (the boundary: a defect of ours gets a message and a log)
        sys.exit(_defect(error))


def _run(words: list[str]) -> None:
    """Read the words and do what they say.

    Typer's own way in would print mistakes itself, also where JSON was asked for, and take interrupts as its own.
    Raises UsageError for words that it cannot read.
    """
    command = typer.main.get_command(app)
    try:
        with command.make_context("harness", words) as context:
            command.invoke(context)
    except ClickException as error:
        if not words:  # The help is the answer to the bare name.
            error.show()
            raise typer.Exit(error.exit_code) from None
        where = getattr(error, "ctx", None)
        path = where.command_path if where is not None else "harness"
        raise UsageError(_sentence(error.format_message()), f"See `{path} --help`.") from None


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _defect(error: Exception) -> int:
    import tempfile  # noqa: PLC0415  (only when something went wrong)
    import traceback  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w", prefix="harness-", suffix=".log", delete=False) as log:
        traceback.print_exception(error, file=log)
    return _fail(HarnessError(f"A defect of ours: {type(error).__name__}: {error}", f"Please report {log.name}."))
