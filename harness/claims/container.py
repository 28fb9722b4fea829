"""Containers and start-up."""

from __future__ import annotations

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
        hypothesis="The first answer comes at least 10 % earlier after a fresh start.",
        experiment="duet",
    ),
    Claim(
        number=37,
        id="unbuffered-logs",
        section="Environment Variables",
        statement="Unbuffered output keeps logs.",
        hypothesis="No line is lost on SIGKILL, at a cost in CPU that cannot be told from none.",
        experiment="duet",
    ),
    Claim(
        number=38,
        id="exec-form",
        section="ENTRYPOINT vs CMD",
        statement="The exec form is better than the shell form.",
        hypothesis=(
            "Only the exec form hands SIGTERM to the server; seconds to exit and dropped requests are reported."
        ),
        experiment="timeline",
        needs=("D",),
    ),
    Claim(
        number=39,
        id="runs-in-256-mb",
        section="Cloud Run Services",
        statement="The service can run in 256 MB.",
        hypothesis=("Peak memory under load stays below 256 MB, with 0 kills, per server and number of workers."),
        experiment="sweep",
        origin="the standard's",
    ),
)
