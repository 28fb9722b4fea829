"""Times how soon ``docker compose up`` gives Locust's page, images built: ``python tests/bench/compose_up.py``.

One JSON document: seconds from the command to the first answer with status 200, each time from no container at all.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = "http://127.0.0.1:8089/"
TIMES = 5
PATIENCE_S = 120.0


def main() -> None:
    """Print the times."""
    found = [_once() for _ in range(TIMES)]
    sys.stdout.write(json.dumps({"schema": 1, "kind": "compose-up", "page": PAGE, "seconds": found}) + "\n")


def _once() -> float:
    _compose("down", "--volumes")
    try:
        began = time.monotonic()
        with subprocess.Popen(["docker", "compose", "up", "--detach"], cwd=ROOT, stderr=subprocess.DEVNULL):
            while not _answers():
                if time.monotonic() - began > PATIENCE_S:
                    raise SystemExit(f"{PAGE} does not answer within {PATIENCE_S:g} s")
                time.sleep(0.05)
            return round(time.monotonic() - began, 2)
    finally:
        _compose("down", "--volumes")


def _compose(*words: str) -> None:
    subprocess.run(["docker", "compose", *words], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


def _answers() -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(PAGE, timeout=1) as answer:
        return bool(answer.status == 200)
    return False


if __name__ == "__main__":
    main()
