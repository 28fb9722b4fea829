"""The probes of the cache: what they print can be read, and obeys what must hold on every machine."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time

import pytest

from targets.probes import cache_expiry
from targets.probes.cache_relay import relayed
from tests.support import serving


def run(probe, **changes):
    """Run a probe in a process of its own; give the finished process."""
    return subprocess.run(
        [sys.executable, "-m", f"targets.probes.{probe}", "--quick"],
        cwd=serving.ROOT,
        env={name: text for name, text in serving.environment(changes).items() if name != "REDIS_URL" or changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def lines_of(done):
    """Read what a probe printed."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_l1_probe_times_every_subject_in_each_repeat():
    """Without this the claim about 1 µs would rest on no figure, or on the timer's own cost."""
    lines = lines_of(run("cache_l1"))
    subjects = {"loop", *(f"{name}{lock}" for name in ("dict", "lru", "ttl", "tlru") for lock in ("", "+lock"))}
    assert {(line["subject"], line["repeat"]) for line in lines} == {(s, r) for s in subjects for r in (0, 1)}
    assert {line["operation"] for line in lines} == {"get"}
    for line in lines:
        assert line["us_per_op"] * 1e3 == pytest.approx(line["median_ns"])
    median = {name: min(line["median_ns"] for line in lines if line["subject"] == name) for name in subjects}
    # A look at the clock is dearer than no look, and anything than nothing.
    assert 0 < median["loop"] < median["dict"] < median["ttl"]


def test_the_l2_probe_sees_the_round_trip_that_was_put_in(valkey):
    """Without this a figure 'at 2 ms' could be one of another distance."""
    lines = lines_of(run("cache_l2", REDIS_URL=valkey.url))
    ways = {(line["subject"], line["rtt_ms"]) for line in lines}
    assert ways == {("relay", 0.0), *(("valkey", rtt_ms) for rtt_ms in (0.0, 0.2, 0.5, 1.0, 2.0))}
    assert len(lines) == 2 * len(ways)
    for line in lines:
        assert line["p99_us"] >= line["p50_us"] > 0
        assert line["cpu_us"] > 0
        assert line["p50_ms"] == pytest.approx(line["p50_us"] / 1e3)
        if line["subject"] == "valkey":
            assert line["p50_ms"] >= line["rtt_ms"]
        if line["rtt_ms"] == 2.0:
            assert line["added_ms"] > 1.5


def test_the_expiry_probe_agrees_with_arithmetic(valkey):
    """Without this 'jitter spreads' would be judged by a count that is wrong for known widths."""
    lines = lines_of(run("cache_expiry", REDIS_URL=valkey.url))
    found = {line["jitter"]: line for line in lines}
    assert set(found) == {0.0, 0.1, 0.5}
    assert {line["subject"] for line in lines} == {"jitter"}
    assert (found[0.0]["predicted"], found[0.1]["by_width"], found[0.5]["by_width"]) == pytest.approx((50, 5, 1))
    for line in lines:
        assert line["of_predicted"] == pytest.approx(line["peak_over_mean"] / line["predicted"])
    # Coarse: a machine that looks seldom smooths the peak; without jitter all keys go within one window.
    assert found[0.0]["peak_over_mean"] > 2 * found[0.1]["peak_over_mean"] > 4 * found[0.5]["peak_over_mean"]
    assert all(0.4 < found[jitter]["of_predicted"] < 2 for jitter in (0.1, 0.5))


def test_the_expiry_probe_leaves_no_keys(valkey):
    """Without this a probe on somebody's own server would leave its rubbish there."""
    with cache_expiry.Redis.from_url(valkey.url) as client:
        before = client.dbsize()
        lines_of(run("cache_expiry", REDIS_URL=valkey.url))
        assert client.dbsize() <= before


@pytest.mark.parametrize("probe", ["cache_l2", "cache_expiry"])
def test_a_probe_without_a_server_says_what_it_needs(probe):
    """Without this a user would read a stack trace instead of the variable's name."""
    done = run(probe)
    assert done.returncode == 2
    assert done.stderr.startswith("REDIS_URL: missing")


@pytest.mark.parametrize(("mean", "windows"), [(50, 100), (250, 40), (5, 20)])
def test_the_expected_peak_is_what_draws_give(mean, windows):
    """Without this the prediction would call an even spread uneven, because some window is always the fullest."""
    draw, keys = random.Random(3), mean * windows
    peaks = []
    for _ in range(100):
        counts = [0] * windows
        for _ in range(keys):
            counts[int(draw.random() * windows)] += 1
        peaks.append(max(counts))
    assert cache_expiry.expected_peak(mean, windows) == pytest.approx(sum(peaks) / len(peaks), rel=0.03)


def test_the_peak_is_that_of_the_fullest_window():
    """Without this keys would be counted into the wrong window where looks and windows do not coincide."""
    looks = [number * 0.003 for number in range(100)]
    samples = [(moment, 100 if moment > 0.152 else 0) for moment in looks]
    assert cache_expiry.peak(samples, 0.152) == pytest.approx(100)
    even = [(moment, round(moment * 10_000)) for moment in looks]
    assert cache_expiry.peak(even, 0.1) == pytest.approx(100)


def test_the_relay_passes_bytes_on_unchanged_and_late():
    """Without this a probe through the relay would talk to another server than it believes."""
    sent = random.Random(1).randbytes(300_000)

    async def echo(reader, writer):
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def through(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        start_s = time.monotonic()
        writer.write(sent)
        back = await reader.readexactly(len(sent))
        took_s = time.monotonic() - start_s
        writer.close()
        return back, took_s

    async def both():
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            with relayed("127.0.0.1", server.sockets[0].getsockname()[1], 0.1) as port:
                return await through(port)

    back, took_s = asyncio.run(both())
    assert back == sent
    assert took_s > 0.099
