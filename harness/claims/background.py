"""Background tasks and scaling."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=73,
        id="arq-simple-celery-large",
        section="Background Tasks",
        statement="arq suits simple tasks, Celery high scale.",
        hypothesis="Jobs per CPU second and latency by kind of task, over 1 to 10 workers.",
        experiment="sweep",
        needs=("KV",),
    ),
    Claim(
        number=74,
        id="tasks-re-executable",
        section="Background Task Best Practices",
        statement="Tasks survive a repeat, a time-out and a poison message.",
        hypothesis="0 lost and one effect each, over killed workers and a broker that goes away.",
        experiment="timeline",
        needs=("KV", "TP"),
    ),
    Claim(
        number=75,
        id="no-threads-for-requests",
        section="Scaling Considerations",
        statement="Requests are not served by threads.",
        hypothesis=(
            "Asynchronous handlers carry at least the load that handlers in the thread pool carry at the same p99."
        ),
        experiment="sweep",
        needs=("PG", "TP"),
    ),
    Claim(
        number=76,
        id="no-multiprocessing-in-api",
        section="Scaling Considerations",
        statement="CPU-bound work stays out of the API's processes.",
        hypothesis=("Work inline, in a thread or in a process raises p99 of other routes; a task queue does not."),
        experiment="duet",
    ),
)
