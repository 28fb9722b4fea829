"""Down: nobody listens, and open connections are closed."""

from __future__ import annotations

from collections.abc import Mapping

from harness.backends import toxiproxy
from harness.faults import _toxic
from harness.faults.fault import Begun, Parameter, Place

LABEL = "Down"
ON = "proxy"
LASTS = True
PARAMETERS: Mapping[str, Parameter] = {}


def begin(place: Place, _: Mapping[str, float]) -> Begun:
    """Close the proxy; its end opens it on the same port.  Raises ToxiproxyError.

    The acknowledgement waits for a connection that Toxiproxy is just opening: before a service whose queue of
    connections is full that is a second or more after the door was shut.
    """
    server, proxy = _toxic.through(place)
    acknowledged_ns = toxiproxy.enable(server, proxy, on=False)
    return Begun(acknowledged_ns, lambda: toxiproxy.enable(server, proxy, on=True))
