"""Every exception of the harness with its exit code.

0 is done, with rows that are untested or undecided, too; 1 a check of the self-test that failed.

HarnessError        70   a defect of ours
├── UsageError       2   the command line or a file that it names is wrong
├── CannotMeasure    3   the machine, a service or the app cannot be measured here
│   └── EngineGone       the container engine does not answer any more: nothing else can be measured either
├── TooFewBlocks     4   too few valid blocks for a figure
└── Interrupted    130   Ctrl-C (143: SIGTERM); finished blocks are kept
"""

from __future__ import annotations


class HarnessError(Exception):
    """A failure that the user can act on: what happened, and what to do about it."""

    exit_code = 70
    code = "defect"

    def __init__(self, message: str, mend: str, run: str | None = None) -> None:
        """Keep the message, the mend (a command or an action) and the run folder, if any."""
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.run = run


class UsageError(HarnessError):
    """The command line, or a file that it names, is wrong."""

    exit_code = 2
    code = "usage"


class CannotMeasure(HarnessError):
    """The machine, a service or the app does not allow the measurement."""

    exit_code = 3
    code = "cannot-measure"


class EngineGone(CannotMeasure):
    """The container engine does not answer any more, so that whatever comes next would fail as well."""


class TooFewBlocks(HarnessError):
    """The session ended with too few valid blocks for any figure."""

    exit_code = 4
    code = "too-few-blocks"


class Interrupted(HarnessError):
    """The session was interrupted; what is finished is kept."""

    exit_code = 130
    code = "interrupted"
