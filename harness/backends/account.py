"""Runs a server that refuses to run as root under an account without rights."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from harness.errors import CannotMeasure

ACCOUNT = "nobody"
"""Exists on every Linux, so nothing has to be added to the system."""

CAPABILITY = "+dac_override"
"""A project below /root cannot be entered by others.  The server may read and write what root may, as the harness
does, instead of the harness opening folders to everybody."""


class Account(Struct, frozen=True):
    """Who runs a backend: the words before its command, and the owner of its data folder."""

    prefix: tuple[str, ...]
    uid: int | None
    """None where the harness itself is no root and everything stays its own."""
    gid: int | None


def account() -> Account:
    """Who runs PostgreSQL here.  Raises CannotMeasure where root has no means to give its rights away."""
    if os.geteuid() != 0:
        return Account(prefix=(), uid=None, gid=None)
    found = shutil.which("setpriv")
    if found is None:
        raise CannotMeasure(
            "PostgreSQL refuses to run as root, and setpriv (util-linux) is not here to start it as nobody.",
            "Install util-linux, run the harness as another user, or name a running server with DATABASE_URL.",
        )
    nobody = pwd.getpwnam(ACCOUNT)
    prefix = (
        found,
        f"--reuid={nobody.pw_uid}",
        f"--regid={nobody.pw_gid}",
        "--clear-groups",
        f"--inh-caps={CAPABILITY}",
        f"--ambient-caps={CAPABILITY}",
    )
    return Account(prefix=prefix, uid=nobody.pw_uid, gid=nobody.pw_gid)


def own(folder: Path, who: Account) -> None:
    """Make a folder that belongs to the account; parents stay the caller's."""
    folder.mkdir(parents=True, exist_ok=True)
    if who.uid is not None and who.gid is not None:
        os.chown(folder, who.uid, who.gid)


def command(who: Account, argv: Sequence[str]) -> list[str]:
    """The argv that runs a command as the account."""
    return [*who.prefix, *argv]
