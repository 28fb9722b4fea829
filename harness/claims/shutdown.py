"""Graceful shutdown."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=40,
        id="sigterm-graceful",
        section="Graceful Shutdown",
        statement="SIGTERM starts a graceful shutdown.",
        hypothesis=("No request is dropped: refused, reset, cut off, timed out or 5xx, counted by class and signal."),
        experiment="timeline",
        needs=("RAW",),
    ),
    Claim(
        number=41,
        id="sigint-like-sigterm",
        section="Graceful Shutdown",
        statement="SIGINT does the same as SIGTERM.",
        hypothesis="The drops by class and the time to exit do not differ.",
        experiment="timeline",
        needs=("RAW",),
    ),
    Claim(
        number=42,
        id="in-flight-finish",
        section="Graceful Shutdown",
        statement="Requests in progress are finished.",
        hypothesis="All of them are completed, over durations below the limit.",
        experiment="timeline",
        needs=("RAW",),
    ),
    Claim(
        number=43,
        id="database-connections-close",
        section="Graceful Shutdown",
        statement="Database connections are closed.",
        hypothesis="After exit under load, PostgreSQL counts 0 connections of the service.",
        experiment="timeline",
        needs=("PG",),
    ),
    Claim(
        number=44,
        id="logs-flushed",
        section="Graceful Shutdown",
        statement="Logs and metrics are flushed.",
        hypothesis="The last spans and lines before SIGTERM all arrive.",
        experiment="timeline",
        needs=("OT",),
    ),
    Claim(
        number=45,
        id="shutdown-limit",
        section="Graceful Shutdown",
        statement="Shutting down takes no longer than a limit, such as 30 s.",
        hypothesis=("With an endless stream open, the server exits within its limit, as shipped and configured."),
        experiment="timeline",
        origin="the standard's",
        needs=("RAW",),
    ),
)
