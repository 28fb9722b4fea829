"""Containers and start-up."""

from __future__ import annotations

from harness.claims._start_up import entry_forms, kept_logs, memory, starts
from harness.claims.claim import AtMost, Claim, Counted, Probe, Within, Zero

BASE = "targets.probes.image_base"
STAGES = "targets.probes.image_stages"
REBUILD = "targets.probes.image_rebuild"

SMALLER = 0.99
"""Ours: a hundredth of what an image adds to its base is the least that anybody would notice."""
START_MARGIN = 0.10
"""Ours: a tenth of a start, the margin of the other claims about starting."""


def _smaller(name: str, subject: str, reference: str) -> Probe:
    return Probe(
        name=name,
        module=STAGES,
        rule=Counted(subject=subject, reference=reference, low=0.0, high=SMALLER),
        value="mb_over_base",
        where={},
        spoken="size over the base image",
        unit="MB",
    )


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
        parts=True,
        conditions=(
            Probe(
                name="slim, about 150 MB",
                module=BASE,
                # A fifth to either side is what "about" allows.
                rule=Counted(subject="slim", low=120.0, high=180.0),
                value="mb",
                where={},
                spoken="size",
                unit="MB",
            ),
            Probe(
                name="full, about 1 GB",
                module=BASE,
                rule=Counted(subject="full", low=800.0, high=1200.0),
                value="mb",
                where={},
                spoken="size",
                unit="MB",
            ),
        ),
    ),
    Claim(
        number=33,
        id="multi-stage-smaller",
        section="Multi-stage Builds",
        statement="Building in stages makes the image smaller.",
        hypothesis="The runtime image has fewer MB than one built in a single stage, and starts no slower.",
        experiment="probe",
        needs=("D",),
        parts=True,
        conditions=(
            _smaller("size", "stages, without uv's cache", "one stage, without uv's cache"),
            Probe(
                name="time to the first answer",
                module=STAGES,
                rule=AtMost(margin=START_MARGIN, metric="first_200_s"),
                value="first_200_s",
                where={"case": "start"},
                baseline="one stage",
                candidate="stages",
                spoken="time from the start to the first answer",
            ),
        ),
    ),
    Claim(
        number=34,
        id="uv-no-cache-smaller",
        section="Build Optimization",
        statement="Installing without uv's cache makes the image smaller.",
        hypothesis="The image has fewer MB with the option than without, built in stages and built in one.",
        experiment="probe",
        needs=("D",),
        parts=True,
        conditions=(
            _smaller("built in stages", "stages, without uv's cache", "stages, with uv's cache"),
            _smaller("built in one stage", "one stage, without uv's cache", "one stage, with uv's cache"),
        ),
    ),
    Claim(
        number=35,
        id="lock-file-first",
        section="Build Optimization",
        statement="Copying the lock file before the source keeps installs out of rebuilds.",
        hypothesis="After an edit of the source, a rebuild reinstalls nothing.",
        experiment="probe",
        needs=("D",),
        parts=True,
        conditions=(
            Probe(
                name="installs after an edit of the source",
                module=REBUILD,
                rule=Zero(unit="edits"),
                value="reinstalled",
                where={"subject": "lock file first"},
                spoken="another installation",
            ),
            Probe(
                name="time of a rebuild",
                module=REBUILD,
                # Ours: a tenth sooner is the least that anybody would notice; no bound on how much.
                rule=Within(low=1.1, high=10_000.0),
                value="rebuild_s",
                where={},
                baseline="source first",
                candidate="lock file first",
            ),
        ),
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
