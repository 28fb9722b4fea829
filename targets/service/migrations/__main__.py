"""``python -m targets.service.migrations upgrade|downgrade|current`` on DATABASE_URL; prints the revision."""

from __future__ import annotations

import argparse
import os
import sys

from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from targets.service.database import url
from targets.service.migrations import running


def main() -> int:
    """Run one command; 0 if it worked, 2 with a sentence if it could not."""
    parser = argparse.ArgumentParser(prog="python -m targets.service.migrations", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, default in (("upgrade", "head"), ("downgrade", "base")):
        commands.add_parser(name).add_argument("revision", nargs="?", default=default, help=f"default {default}")
    commands.add_parser("current")
    arguments = parser.parse_args()
    try:
        where = url.read(os.environ)
        if arguments.command == "current":
            revision = running.current(where)
        else:
            move = running.upgrade if arguments.command == "upgrade" else running.downgrade
            revision = move(where, arguments.revision)
    except (url.UrlError, CommandError, SQLAlchemyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{revision or 'base'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
