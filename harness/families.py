"""From the verdicts of a claim's conditions to one verdict of the claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.model import Verdict, VerdictWord
from harness.rules import VERDICT_ALPHA, untested
from harness.stats.holm import holm

INTERACTION_ALPHA = 0.01
""""It depends" must be shown as firmly as any other verdict."""

SPOKEN_MAX = 2
"""More sentences in a row nobody would say aloud."""

_HOLDS = frozenset({"supported", "cheaper"})
_FAILS = frozenset({"refuted", "no difference", "dearer"})


def over_conditions(
    verdicts: Mapping[str, Verdict],
    p_interaction: float | None,
    p_values: Mapping[str, float] | None = None,
) -> Verdict:
    """One verdict of a claim over its conditions, named by the keys.

    `p_values`, where given, are one per decided condition (of the test that its verdict rests on); Holm's
    procedure over all of them demotes those that the family does not carry.  *Conditional* only if the
    interaction has p < 0.01 and two conditions clear opposite verdicts.
    """
    tested = {name: verdict for name, verdict in verdicts.items() if verdict.verdict != "untested"}
    if not tested:
        reasons = sorted({verdict.reason or "no reason given" for verdict in verdicts.values()})
        return untested("; ".join(reasons) or "no condition")
    words: dict[str, VerdictWord] = {name: verdict.verdict for name, verdict in tested.items()}
    words.update(dict.fromkeys(_not_carried(words, p_values or {}), "inconclusive"))
    listing = _listing(tested, words)
    left_out = [name for name in verdicts if name not in tested]
    tail = f" {_counted('untested', left_out)}." if left_out else ""
    word, head, reason = _joint(words, p_interaction)
    return Verdict(verdict=word, sentence=f"{head} {listing}{tail}".strip(), reason=reason)


def over_parts(verdicts: Mapping[str, Verdict]) -> Verdict:
    """One verdict of a claim whose conditions are parts of it: it holds where all hold, and fails where one does.

    Parts ask different things, so no interaction between them could be tested; each has its own 99 %.
    """
    tested = {name: verdict for name, verdict in verdicts.items() if verdict.verdict != "untested"}
    failing = [name for name, verdict in tested.items() if verdict.verdict in _FAILS]
    if not failing or len(failing) == len(tested):
        return over_conditions(verdicts, None)
    listing = _listing(tested, {name: verdict.verdict for name, verdict in tested.items()})
    return Verdict(verdict="refuted", sentence=f"It holds in part. {listing}")


def _listing(tested: Mapping[str, Verdict], words: Mapping[str, VerdictWord]) -> str:
    """One or two conditions in their own sentences; of more the names by verdict, and one sentence as example."""
    sentences = {name: f"{name}: {_carried_sentence(tested[name], words[name])}" for name in tested}
    if len(tested) <= SPOKEN_MAX:
        return " ".join(sentences.values())
    kinds = dict.fromkeys(words.values())
    said = ". ".join(_counted(kind, [name for name in words if words[name] == kind]) for kind in kinds)
    decided = [name for name in words if words[name] != "inconclusive"] or list(words)
    taken_back = [name for name in words if words[name] != tested[name].verdict]
    examples = [decided[0], *(name for name in taken_back[:1] if name != decided[0])]
    return f"{said}. For example: {' '.join(sentences[name] for name in examples)}"


def _counted(kind: str, names: Sequence[str]) -> str:
    """A verdict with its conditions, whose names have commas of their own."""
    return f"{kind.capitalize()} in {len(names)} ({'; '.join(names)})"


def _not_carried(words: Mapping[str, VerdictWord], p_values: Mapping[str, float]) -> list[str]:
    """Conditions whose verdict Holm's procedure takes back."""
    names = [name for name in words if name in p_values and words[name] != "inconclusive"]
    # The family is fixed in the plan: undecided conditions count in it, too.
    family = [name for name in words if name in p_values]
    adjusted = dict(zip(family, holm([p_values[name] for name in family]), strict=True))
    return [name for name in names if adjusted[name] >= VERDICT_ALPHA]


def _carried_sentence(verdict: Verdict, word: VerdictWord) -> str:
    if word == verdict.verdict:
        return verdict.sentence
    return f"{verdict.sentence} (Not carried once all conditions count: inconclusive.)"


def _joint(words: Mapping[str, VerdictWord], p_interaction: float | None) -> tuple[VerdictWord, str, str | None]:
    """Word, first sentence and reason of several conditions' verdicts."""
    kinds = set(words.values())
    if len(kinds) == 1:
        return _unanimous(next(iter(kinds)), len(words))
    opposite = bool(kinds & _HOLDS and kinds & _FAILS)
    shown = p_interaction is not None and p_interaction < INTERACTION_ALPHA
    if "conditional" in kinds or (opposite and shown):
        p = f" (interaction p = {p_interaction:.2g})" if shown else ""
        return "conditional", f"It depends on the condition{p}.", None
    if opposite:
        reason = "conditions disagree, and the interaction is not significant"
        return "inconclusive", f"The conditions disagree{_p(p_interaction)}.", reason
    if "inconclusive" in kinds:
        undecided = [name for name, word in words.items() if word == "inconclusive"]
        head = f"Not decided in {len(undecided)} of {len(words)} conditions."
        return "inconclusive", head, f"undecided: {'; '.join(undecided)}"
    if kinds <= _HOLDS:
        return "supported", "It holds in every tested condition.", None
    return "refuted", "It holds in no tested condition.", None


def _unanimous(word: VerdictWord, count: int) -> tuple[VerdictWord, str, str | None]:
    reason = "no condition is decided" if word == "inconclusive" else None
    if count == 1:
        return word, "", reason
    conditions = "both" if count == 2 else f"all {count}"  # noqa: PLR2004  (two are both)
    return word, f"In {conditions} tested conditions: {word}.", reason


def _p(p_interaction: float | None) -> str:
    return (
        f", but accident could explain it (interaction p = {p_interaction:.2g})"
        if p_interaction is not None
        else ", and no test says whether by accident"
    )
