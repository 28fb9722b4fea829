"""Containers and start-up."""

from __future__ import annotations

from harness.claims._start_up import entry_forms, kept_logs, memory, starts
from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=32,
        id="slim-base-small",
        section="Base Image",
        statement="The slim base image is a fraction of the full one.",
        hypothesis="About 150 MB against about 1 GB.",
        experiment="probe",
        origin="the standard's",
        needs=("D",),
    ),
    Claim(
        number=33,
        id="multi-stage-smaller",
        section="Multi-stage Builds",
        statement="Building in stages makes the image smaller.",
        hypothesis="The runtime image has fewer MB than one built in a single stage, and starts no slower.",
        experiment="probe",
        needs=("D",),
    ),
    Claim(
        number=34,
        id="uv-no-cache-smaller",
        section="Build Optimization",
        statement="Installing without uv's cache makes the image smaller.",
        hypothesis="The image built in stages has fewer MB with the option than without.",
        experiment="probe",
        needs=("D",),
    ),
    Claim(
        number=35,
        id="lock-file-first",
        section="Build Optimization",
        statement="Copying the lock file before the source keeps installs out of rebuilds.",
        hypothesis="After an edit of the source, a rebuild reinstalls nothing.",
        experiment="probe",
        needs=("D",),
    ),
    Claim(
        number=36,
        id="compiled-bytecode-starts-faster",
        section="Environment Variables",
        statement="Compiling bytecode at install time makes start-up faster.",
        hypothesis=(
            "The first answer comes at least 10 % earlier after a fresh start, whatever else is compiled and kept; "
            "the files are in the page cache."
        ),
        experiment="probe",
        conditions=starts(),
    ),
    Claim(
        number=37,
        id="unbuffered-logs",
        section="Environment Variables",
        statement="Unbuffered output keeps logs.",
        hypothesis=(
            "With it no line is lost on SIGKILL, without it some are, and it costs no more CPU than can be told "
            "from none, per way of logging."
        ),
        experiment="duet",
        conditions=kept_logs(),
    ),
    Claim(
        number=38,
        id="exec-form",
        section="ENTRYPOINT vs CMD",
        statement="The exec form is better than the shell form.",
        hypothesis=(
            "Only the exec form hands SIGTERM to the server: it exits sooner, and drops no request. Process 1 of a "
            "PID namespace stands for a container's."
        ),
        experiment="probe",
        conditions=entry_forms(),
    ),
    Claim(
        number=39,
        id="runs-in-256-mb",
        section="Cloud Run Services",
        statement="The service can run in 256 MB.",
        hypothesis=(
            "Peak memory under load stays below 256 MiB, with 0 kills, per server and number of workers. The bound is "
            "the lower end of what the standard says that Cloud Run offers, and no promise of the standard."
        ),
        experiment="probe",
        origin="the standard's",
        conditions=memory(),
    ),
)
