"""What Toxiproxy does to the bytes of a connection, what of it must never be sent, and whether it was taken."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from harness.backends.toxiproxy_wire import ToxiproxyError

SAME = 1e-6
"""Toxicity travels as a number of 32 bits."""


class Toxic(Struct, frozen=True):
    """What happens to the bytes of one direction, on a share of the connections."""

    name: str
    type: str
    attributes: dict[str, int | float]
    stream: Literal["upstream", "downstream"] = "downstream"
    """``upstream``: from the client to the service."""
    toxicity: float = 1.0
    """Share of connections, rolled once for each: 0–1."""


def refuse_fatal(toxic: Toxic) -> None:
    """Refuse what ends the server or has no meaning: a rate below 0 and slices of 0 bytes are fatal to it."""
    words = [f"{name} is negative" for name, value in toxic.attributes.items() if value < 0]
    if not 0 <= toxic.toxicity <= 1:
        words.append(f"toxicity {toxic.toxicity} is no share")
    if toxic.type == "slicer":
        size, variation = (toxic.attributes.get(name, 0) for name in ("average_size", "size_variation"))
        if not size > variation:
            words.append("average_size must be larger than size_variation and than 0")
    if words:
        raise ToxiproxyError(
            f"The toxic {toxic.name} ({toxic.type}) was not sent: {'; '.join(words)}.", "Give values that can be."
        )


def same(seen: Toxic, wanted: Toxic) -> bool:
    """Whether what the server tells is what was asked for; it adds attributes that were left out."""
    alike = (seen.type, seen.stream) == (wanted.type, wanted.stream) and abs(seen.toxicity - wanted.toxicity) < SAME
    return alike and wanted.attributes.items() <= seen.attributes.items()
