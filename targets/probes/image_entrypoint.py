"""What arguments of `docker run` replace, as JSON lines.

``python -m targets.probes.image_entrypoint``; needs a container engine.

Each image is started with each list of arguments; ``{"kind", "subject", "case", "cases",
"otherwise", "runs", "said"}``.

- ``otherwise`` is 1 unless the executable of ENTRYPOINT was started with these arguments in the place of CMD, and did
  what they say.
- An image with CMD alone is the twin: there they take the place of the executable, too.
"""

from __future__ import annotations

import json

from targets.probes.image_building import LABEL, VARIANTS, build, docker, inspected, need_engine, run, say, tidied

SERVERS = ("granian", "uvicorn", "gunicorn")
ARGUMENTS: dict[str, tuple[tuple[str, ...], int]] = {
    "version": (("--version",), 0),
    "help": (("--help",), 0),
    "nonsense": (("--no-such-option",), 2),
}
"""Arguments, and the status with which the server itself ends on them."""


def main() -> None:
    """Print one line for each image and list of arguments."""
    need_engine()
    with tidied():
        for server in SERVERS:
            image = build(server, target=server)
            for case, (arguments, status) in ARGUMENTS.items():
                _line(image.tag, server, f"{server}: {case}", arguments, status)
        alone = build("cmd-alone", target="single", dockerfile=VARIANTS, arguments={"LOCK": "granian"})
        _line(alone.tag, "CMD alone", "CMD alone: version", ("--version",), 0, twin=True)


def _line(
    image: str, subject: str, case: str, arguments: tuple[str, ...], status: int | None, *, twin: bool = False
) -> None:
    config = (inspected(image) or {})["Config"]
    executable = (config["Entrypoint"] or config["Cmd"])[0]
    made = docker("create", "--label", f"{LABEL}={image.rpartition(':')[2]}", image, *arguments)
    made_of = json.loads(docker("container", "inspect", made.stdout.strip()).stdout)[0]
    docker("rm", made.stdout.strip())
    done = run(image, *arguments)
    right = made_of["Path"] == executable and made_of["Args"] == list(arguments) and done.returncode == status
    words = (done.stdout or done.stderr).strip().splitlines()
    say(
        kind="twin" if twin else "image",
        subject=subject,
        case=case,
        cases=1,
        otherwise=int(not right),
        runs=[made_of["Path"], *made_of["Args"]],
        said=words[0][:120] if words else "",
        **({"twin": True} if twin else {}),
    )


if __name__ == "__main__":
    main()
