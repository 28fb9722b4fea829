"""What a second reading of the standard found."""

from __future__ import annotations

from harness.claims._start_up import crashes
from harness.claims.claim import Claim, Counted, Outdoes, Probe, Some, Within, Zero

IGNORE = "targets.probes.image_ignore"
WITH_IGNORE, WITHOUT_IGNORE = "with a .dockerignore", "without one"

SERVERS = ("uvicorn", "granian", "gunicorn", "gunicorn_asgi")


def _preflights(name: str, server: str, case: str, value: str, unit: str) -> Probe:
    return Probe(
        name=name,
        module="targets.probes.cors_origins",
        rule=Zero(unit=unit),
        value=value,
        where={"subject": server, "case": case},
        spoken="a preflight that a browser takes for a yes",
    )


CLAIMS = (
    Claim(
        number=77,
        id="real-database-in-tests",
        section="Testing",
        statement="Tests against a real database catch what mocks miss.",
        hypothesis=(
            "Of faults that we seeded by hand (SQL, constraints, types, transactions, and the code around them) "
            "PostgreSQL catches more than mocks do; how many more says nothing of faults at large."
        ),
        experiment="probe",
        needs=("PG",),
        conditions=(
            Probe(
                name="seeded faults caught",
                module="targets.probes.mutants",
                rule=Outdoes(subject="real", reference="mocked", unit="seeded faults"),
                value="caught",
                where={"kind": "mutant"},
                behind=("postgres",),
                rows=0,
            ),
        ),
    ),
    Claim(
        number=78,
        id="verbs-idempotent",
        section="HTTP Verbs",
        statement="Repeating GET, PUT or DELETE changes nothing more.",
        hypothesis=(
            "After a lost answer and a retry the state differs in 0 rows, but for columns that say who and when; a "
            "second DELETE may be answered with 404."
        ),
        experiment="probe",
        needs=("PG",),
        parts=True,
        conditions=tuple(
            Probe(
                name=verb,
                module="targets.probes.replayed_verbs",
                rule=Zero(unit="retries"),
                value="state_differences",
                where={"subject": verb},
                behind=("postgres",),
                rows=10_000,
                spoken="another state",
            )
            for verb in ("GET", "PUT", "DELETE")
        ),
    ),
    Claim(
        number=79,
        id="compatible-within-version",
        section="Versioning",
        statement="A version stays compatible, and what goes is deprecated first.",
        hypothesis="Every seeded breaking change is caught by comparing the OpenAPI documents.",
        experiment="probe",
    ),
    Claim(
        number=80,
        id="jwt-claims-verified",
        section="JWT Best Practices",
        statement="Issuer, audience, expiry and algorithm of a token are always checked.",
        hypothesis="0 forged tokens are accepted; a lifetime of 15 to 60 minutes is enforced.",
        experiment="probe",
        origin="the standard's",
    ),
    Claim(
        number=81,
        id="cors-limits-methods",
        section="CORS",
        statement="Preflights admit only the methods and origins that are needed.",
        hypothesis=(
            "After a preflight for a method, field or origin outside the list no browser would send the request, by "
            "the rules of the Fetch standard, over fuzzed requests."
        ),
        experiment="probe",
        parts=True,
        conditions=tuple(
            _preflights(f"{case}: {server}", server, case, value, unit)
            for case, value, unit in (
                ("methods", "admitted", "methods"),
                ("fields", "admitted", "lists of fields"),
                ("foreign origins", "in_preflights", "origins"),
            )
            for server in SERVERS
        ),
    ),
    Claim(
        number=82,
        id="cloud-logging-fields",
        section="GCP Cloud Logging",
        statement="Log lines carry the fields that Cloud Logging reads.",
        hypothesis="Severity, trace and span are in every line, and each is JSON, under load and faults.",
        experiment="probe",
    ),
    Claim(
        number=83,
        id="faulthandler-names-the-line",
        section="Environment Variables",
        statement="With the fault handler on, a segmentation fault leaves a traceback.",
        hypothesis=(
            "A crash on purpose names its line with it, and does not without, per server. Which servers' abort() is "
            "named is reported beside it."
        ),
        experiment="probe",
        conditions=crashes(),
    ),
    Claim(
        number=84,
        id="uv-link-mode-copy",
        section="Environment Variables",
        statement="Installing by copy is the right mode in images.",
        hypothesis=(
            "Where cache and target lie apart, 0 builds warn with it, and those without it do; seconds and MB are "
            "reported."
        ),
        experiment="probe",
        needs=("D",),
        conditions=(
            Probe(
                name="a cache on another file system",
                module="targets.probes.image_link_mode",
                rule=Zero(unit="builds"),
                value="warned",
                where={"subject": "copy"},
                spoken="a warning that files cannot be linked",
            ),
        ),
    ),
    Claim(
        number=85,
        id="dockerignore",
        section=".dockerignore",
        statement="A .dockerignore makes builds faster and images smaller, and keeps secrets out.",
        hypothesis="Fewer seconds and MB, and 0 of the planted secrets in the image.",
        experiment="probe",
        needs=("D",),
        parts=True,
        conditions=(
            Probe(
                name="secrets in the image",
                module=IGNORE,
                rule=Zero(unit="planted secrets"),
                value="found",
                where={"subject": WITH_IGNORE},
                spoken="their text in the image",
            ),
            Probe(
                name="size of the image",
                module=IGNORE,
                # Ours: a hundredth less is the least that anybody would notice.
                rule=Counted(subject=WITH_IGNORE, reference=WITHOUT_IGNORE, low=0.0, high=0.99),
                value="image_mb",
                where={},
                spoken="size of the image",
                unit="MB",
            ),
            Probe(
                name="time of the build",
                module=IGNORE,
                # Ours: a tenth sooner is the least that anybody would notice; no bound on how much.
                rule=Within(low=1.1, high=10_000.0),
                value="build_s",
                where={},
                baseline=WITHOUT_IGNORE,
                candidate=WITH_IGNORE,
            ),
        ),
    ),
    Claim(
        number=86,
        id="non-root",
        section="Non-Root User",
        statement="A process that is not root cannot change its system.",
        hypothesis=(
            "0 writes outside its own folders, and those shared on purpose, succeed; what a vendor's platform does by "
            "default is a statement about the vendor and not measured."
        ),
        experiment="probe",
        needs=("D",),
        conditions=(
            Probe(
                name="folders and means outside its own",
                module="targets.probes.image_user",
                rule=Zero(unit="folders and means"),
                value="written",
                where={"subject": "appuser"},
                spoken="a change of the system",
            ),
        ),
    ),
    Claim(
        number=87,
        id="entrypoint-and-cmd",
        section="ENTRYPOINT vs CMD",
        statement="ENTRYPOINT names the executable, CMD the arguments that one may replace.",
        hypothesis="Other arguments replace CMD alone.",
        experiment="probe",
        needs=("D",),
        conditions=(
            Probe(
                name="arguments in the place of CMD",
                module="targets.probes.image_entrypoint",
                rule=Zero(unit="starts"),
                value="otherwise",
                where={"kind": "image"},
                spoken="another executable or other arguments",
            ),
        ),
    ),
    Claim(
        number=88,
        id="migrations-idempotent",
        section="Migrations",
        statement="Migrations can be repeated, and generated ones are reviewed.",
        hypothesis=(
            "Up, up again, down and up leave one schema; the kinds of change that generation misses are named."
        ),
        experiment="probe",
        needs=("PG",),
        parts=True,
        conditions=(
            Probe(
                name="up, up again, down and up",
                module="targets.probes.migrations_twice",
                rule=Zero(unit="repeats"),
                spoken="another schema",
                value="differences",
                where={"subject": "repeat"},
                behind=("postgres",),
                rows=0,
            ),
            Probe(
                name="changes that generation misses",
                module="targets.probes.migrations_twice",
                rule=Some(unit="kinds of change", event="missed"),
                value="missed",
                where={"subject": "autogenerate"},
                behind=("postgres",),
                rows=0,
            ),
        ),
    ),
    Claim(
        number=89,
        id="soft-deletes",
        section="Data Practices",
        statement="Marking rows as deleted is preferable to deleting them.",
        hypothesis=("p95 and CPU over shares of dead rows of 0, 50 and 90 %, with a plain and a partial index."),
        experiment="sweep",
        needs=("PG",),
    ),
    Claim(
        number=90,
        id="secrets-kept-out",
        section="12-Factor App Principles",
        statement="Secrets are in no code, versioned file, image or log.",
        hypothesis="Every planted secret is found by the scan, and 0 of ours.",
        experiment="probe",
    ),
)
