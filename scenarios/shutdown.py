"""Clients of four habits send six kinds of requests: who loses what while a server stops."""

from __future__ import annotations

from support.clients.mix import DEFAULTS
from support.clients.user import Clients


class Shutdown(Clients):
    """Rows are named ``{policy} {kind}``; each request carries X-Logical-Id and X-Attempt.

    ``kinds`` (shares): quick, slow (``slow_ms``), long (``long_ms``, longer than the server may take to stop), stream
    (``stream_ms``, 0: endless; ``stream_gap_ms``), half (a POST of ``body_bytes`` that pauses for ``half_ms`` in the
    middle of its body), byteless (a connection of its own that is silent for ``byteless_ms``, then quick).
    ``kind_paths`` lays other paths over those of ``targets/truth/slow.py``.

    ``policies`` (shares): fresh (a connection for each request), careful (keep-alive; looks for the server's end before
    it uses a connection again, and before a byteless one speaks), naive (keep-alive without looking), retry_once
    (careful; sends an idempotent request once more on a new connection where a used one ended before a byte of the
    answer: two rows of one logical id, attempts 1 and 2).  ``reuse``: newest or oldest idle connection first.

    ``timeout_s`` (10) is counted from the start, the pauses of half and byteless not included.  ``connections_max`` of
    the trial is not looked at.  Without a trial: each user starts 20 requests a second, whoever has not answered.
    """

    parameters = DEFAULTS
