"""The application with slow answers, which also says whether its server told it to shut down.

TOLD_FILE names a file that is there once ``lifespan.shutdown`` has come.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from targets.truth import slow
from targets.truth.noting import Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass everything on, and note the end."""
    file = Path(os.environ["TOLD_FILE"])

    async def noted() -> MutableMapping[str, Any]:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            file.touch()  # noqa: ASYNC240  (nothing else is to be served any more)
        return message

    await slow.app(scope, noted if scope["type"] == "lifespan" else receive, send)
