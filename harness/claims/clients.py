"""HTTP clients, resilience and communication between services."""

from __future__ import annotations

from harness.claims.claim import Claim

CLAIMS = (
    Claim(
        number=9,
        id="httpx-http2-timeouts",
        section="HTTP Client",
        statement="httpx serves fan-out well: HTTP/2 helps, and its time-outs bound the wait.",
        hypothesis=(
            "Over added latency of 0, 20 and 100 ms, HTTP/2 lowers p99 or connections, and no call "
            "outlives its time-out."
        ),
        experiment="sweep",
        needs=("TP", "TLS"),
    ),
    Claim(
        number=10,
        id="tenacity-breaks-circuits",
        section="Resilience",
        statement="tenacity gives both retries and circuit breaking.",
        hypothesis=("With the dependency down, tenacity alone fails fast instead of trying again on every request."),
        experiment="timeline",
        needs=("TP",),
    ),
    Claim(
        number=11,
        id="exponential-backoff",
        section="Resilience",
        statement="Retrying with exponential backoff is the way to meet failures.",
        hypothesis=(
            "With jitter and a budget, goodput beats no retry and naive retry, at an amplification of at most 1.2."
        ),
        experiment="timeline",
        needs=("TP",),
    ),
    Claim(
        number=12,
        id="grpc-cheaper-than-rest",
        section="Inter-Service Communication",
        statement="gRPC performs better than JSON over HTTP/1.1.",
        hypothesis=(
            "A gRPC call needs less CPU than the same call as REST, over payloads, concurrency and added latency."
        ),
        experiment="duet",
        needs=("GRPC", "TP"),
    ),
    Claim(
        number=13,
        id="grpc-streams-better",
        section="Inter-Service Communication",
        statement="gRPC streams natively where REST is limited.",
        hypothesis=("10,000 messages need less CPU over a gRPC stream than over server-sent events or a WebSocket."),
        experiment="duet",
        needs=("GRPC",),
    ),
)
