"""What the toxics among the faults share: the direction, the share of connections, and how they begin and end."""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.backends import toxiproxy
from harness.backends.toxic import Toxic
from harness.faults.fault import Begun, Parameter, Place

SHARED: Mapping[str, Parameter] = {
    "toxicity": Parameter("share", 1.0, 0.0, 1.0, "share of connections, rolled once for each", whole=False),
    "upstream": Parameter("0 or 1", 0.0, 0.0, 1.0, "0: what the service sends; 1: what is sent to it"),
}
"""Parameters of every toxic."""


def begin(place: Place, kind: str, attributes: Mapping[str, float], values: Mapping[str, float]) -> Begun:
    """Add a toxic of Toxiproxy's ``kind`` to the place's proxy.  Raises ToxiproxyError."""
    server, proxy = through(place)
    toxic = Toxic(
        # A name of its own: the next one may begin as this one ends.
        name=f"{kind}-{time.monotonic_ns():x}",
        type=kind,
        attributes={name: int(value) for name, value in attributes.items()},
        stream="upstream" if values["upstream"] else "downstream",
        toxicity=values["toxicity"],
    )
    acknowledged_ns = toxiproxy.add(server, proxy, toxic)
    return Begun(acknowledged_ns, lambda: toxiproxy.remove(server, proxy, toxic.name))


def through(place: Place) -> tuple[toxiproxy.Toxiproxy, toxiproxy.Proxy]:
    """The place's proxy and its server."""
    if place.proxies is None or place.proxy is None:
        raise ValueError("there is no proxy here")
    return place.proxies, place.proxy
