"""Whatever happens to a session, its run says how it ended."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import structs

from harness import duel
from harness.errors import HarnessError, Interrupted
from harness.model import Block, Plan
from harness.store.run import read_run, write_run


def measured(
    folder: Path, work: Callable[[], list[Block]], finish: Callable[[Plan, Path, list[Block]], dict[str, Any]]
) -> dict[str, Any]:
    """Do the work; whatever happens, run.json says how it ended and the message names the run."""
    state = "failed"
    try:
        blocks = work()
        document = finish(read_run(folder).plan, folder, blocks)
        # After the verdict: a session must not calibrate itself.
        duel.grow_bank(read_run(folder).plan, folder, blocks)
        state = "finished"
    except KeyboardInterrupt as stop:
        state = "interrupted"
        mend = f"Go on with `harness resume {folder}`."
        error = Interrupted("Interrupted; finished blocks are kept.", mend, str(folder))
        error.exit_code = 143 if type(stop) is not KeyboardInterrupt else 130
        raise error from None
    except HarnessError as error:
        error.run = str(folder)
        raise
    finally:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        write_run(folder, structs.replace(read_run(folder), state=state, finished_utc=now))
    return document
