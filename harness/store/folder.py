"""The run folder and the JSON documents in it: created, written whole or not at all, read with care.

A document is written beside its final name, flushed to the disk and renamed, so that a reader sees
the old one or the new one and never half of one.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np

from harness import __version__
from harness.errors import CannotMeasure, UsageError
from harness.model import SCHEMA
from harness.store import steps

T = TypeVar("T")

RUN_FILE = "run.json"
VERDICTS_FILE = "verdicts.json"
BLOCKS_FOLDER = "blocks"

_TAG_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without 0, 1, i, l and o: people read these names aloud and type them."""
_SLUG_MAX = 60
"""File systems allow 255 bytes a name; sixty keeps a listing readable."""
_PROBE_BYTES = 1 << 20
"""A full disk often still takes an empty file; a mebibyte tells."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def slugify(text: str) -> str:
    """Return ``text`` as lower-case words joined by hyphens, safe as a part of a file name."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_SLUG_MAX].strip("-")
    return slug or "run"


def create_run(results: Path, command: str, slug: str, now: datetime) -> Path:
    """Make a fresh run folder under ``results`` and return it.

    Raises CannotMeasure (exit 3) if the place cannot be written or is full, and UsageError (exit 2)
    if ``results`` names a file.
    """
    if results.exists() and not results.is_dir():
        raise UsageError(f"{results} is a file, not a folder.", "Name a folder with --results DIR.")
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    runs = results / "runs"
    with os_errors_explained(runs):
        runs.mkdir(parents=True, exist_ok=True)
        run = _fresh_folder(runs, f"{stamp}-{slugify(command)}-{slugify(slug)}")
        (run / BLOCKS_FOLDER).mkdir()
        _probe(run)
    return run


def open_run(path: Path) -> Path:
    """Return ``path`` as an absolute run folder; raises UsageError (exit 2) where it is none."""
    mend = "Name a folder made by harness, e.g. one of results/runs/."
    if not path.exists():
        raise UsageError(f"There is no run folder {path}.", mend)
    if not path.is_dir():
        raise UsageError(f"{path} is a file, not a run folder.", mend)
    if not (path / RUN_FILE).is_file():
        raise UsageError(f"{path} is not a run folder: it has no {RUN_FILE}.", mend)
    return path.resolve()


def write_json(path: Path, obj: Any) -> None:
    """Write a record or a mapping as an indented JSON document: whole, or not at all.

    A document that lacks ``schema``, ``kind`` (the file's stem) or ``harness_version`` gets them here.
    Raises CannotMeasure if the disk refuses.
    """
    text = msgspec.json.format(msgspec.json.encode(_stamped(obj, path.stem), enc_hook=_plain), indent=2)
    with os_errors_explained(path):
        write_atomically(path, text + b"\n")


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` in one step; leaves no temporary file behind when it fails."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def read_json(path: Path, type: type[T], *, kind: str | None = None) -> T:  # noqa: A002  (msgspec's own word)
    """Read a document as ``type``; the previous schema is read too, a newer one is refused.

    Raises UsageError (exit 2) naming the file if it is missing, damaged, of another kind or newer.
    """
    document = _load(path)
    if isinstance(document, dict):
        document = steps.to_current(document, path)
        if kind is not None and document.get("kind") != kind:
            raise UsageError(
                f"{path} is of the kind {document.get('kind')!r}; {kind!r} is expected here.",
                "Name another file, or restore this one from a copy.",
            )
    try:
        return msgspec.convert(document, type, strict=True)
    except msgspec.ValidationError as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, why: str) -> UsageError:
    """Return the error for a file of a run folder that cannot be read."""
    mend = "Restore it from a copy, or remove that run (or block) and measure again."
    return UsageError(f"{path} is damaged: {why}.", mend)


def fsync_folder(folder: Path) -> None:
    """Flush a folder's entries: without it a rename may be lost with the power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def os_errors_explained(place: Path) -> Iterator[None]:
    """Map the operating system's refusals at ``place`` to CannotMeasure with a mend."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            mend = "Free some space there, or name another folder with --results DIR."
            raise CannotMeasure(f"The disk is full (or a quota is used up) at {place}.", mend) from error
        reason = error.strerror or str(error)
        mend = "Make the folder writable, or name another one with --results DIR."
        raise CannotMeasure(f"{place} cannot be written: {reason}.", mend) from error


def _fresh_folder(runs: Path, stem: str) -> Path:
    """Make ``stem`` with a random tag; a taken name is drawn again."""
    while True:
        tag = "".join(secrets.choice(_TAG_LETTERS) for _ in range(4))
        run = runs / f"{stem}-{tag}"
        try:
            run.mkdir()
        except FileExistsError:
            continue
        return run


def _probe(run: Path) -> None:
    """Find out now, and not after an hour of load, that the disk takes nothing."""
    probe = run / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        probe.unlink(missing_ok=True)
        (run / BLOCKS_FOLDER).rmdir()
        run.rmdir()
        raise
    probe.unlink()


def _load(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{path} is missing.", "Name a complete run folder.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check its mode.") from error
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise damaged(path, str(error)) from error


def _stamped(obj: Any, kind: str) -> Any:
    document = msgspec.to_builtins(obj, enc_hook=_plain, builtin_types=(bytes,))
    if isinstance(document, dict):
        document.setdefault("schema", SCHEMA)
        document.setdefault("kind", kind)
        document["harness_version"] = document.get("harness_version") or __version__
    return document


def _plain(value: Any) -> Any:
    """Turn what msgspec does not know into plain data: numpy's numbers and arrays, and paths."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"A {type(value).__name__} has no place in a JSON document.")
