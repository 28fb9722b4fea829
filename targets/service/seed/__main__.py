"""``python -m targets.service.seed --rows N --seed S`` on DATABASE_URL; prints one line of JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from targets.service.database import url
from targets.service.seed.filling import NotEmptyError, fill, size_of

ROWS_MAX = 100_000_000
SEED_MAX = 2**62


def main() -> int:
    """Fill the database; 0 if it worked, 2 with a sentence if it could not."""
    parser = argparse.ArgumentParser(prog="python -m targets.service.seed", description=__doc__)
    parser.add_argument("--rows", type=_count, required=True, help="orders to make")
    parser.add_argument("--seed", type=_seed, default=1, help="the same seed makes the same rows (default 1)")
    parser.add_argument("--users", type=_count, help="default: rows / 100, at least 100")
    parser.add_argument("--products", type=_count, help="default: rows / 10, 100 to 10,000")
    arguments = parser.parse_args()
    try:
        size = size_of(arguments.rows, arguments.users, arguments.products)
        filled = fill(url.read(os.environ), size, arguments.seed)
    except (url.UrlError, NotEmptyError, psycopg.Error, SQLAlchemyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(dataclasses.asdict(filled)) + "\n")
    return 0


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= ROWS_MAX:
        raise argparse.ArgumentTypeError(f"must be 1 to {ROWS_MAX}")
    return number


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number <= SEED_MAX:
        raise argparse.ArgumentTypeError(f"must be 0 to {SEED_MAX}")
    return number


if __name__ == "__main__":
    sys.exit(main())
