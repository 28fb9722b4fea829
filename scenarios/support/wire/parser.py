"""An incremental parser of HTTP/1.1 responses (RFC 9112), one response at a time.

Servers repeat their header blocks byte for byte within a second, so parsed heads are kept by their bytes:
the hot loops find most answers there and never come here.
"""

from __future__ import annotations

from typing import NamedTuple

CHUNKED = -1
UNTIL_CLOSE = -2
INFORMATIONAL = -3
"""Values of ``Head.length`` for bodies whose length the head does not say; none equals a real length."""

HEAD_MAX = 262_144
"""Bytes of a header block beyond which the peer is not speaking HTTP; servers stop at 8–64 KiB."""

HEADS_MAX = 1024
"""Heads that are kept.  A Date header makes a new one per second and kind of answer; a server that puts an id
into each answer fills the table with useless ones, so it is emptied when it is full."""

HEX = frozenset(b"0123456789abcdefABCDEF")

END = b"\r\n\r\n"
LINE = b"\r\n"


class ProtocolError(Exception):
    """The peer's bytes are no HTTP/1.x response."""


class Head(NamedTuple):
    """Status, body length (or one of the negative kinds), and whether the connection can be used again."""

    status: int
    length: int
    keep_alive: bool


def parse_head(block: bytes) -> Head:
    """Read a status line and its header fields, the empty line at the end included.

    :raises ProtocolError: the block is malformed, or its lengths contradict each other.
    """
    first, *lines = block[: -len(END)].split(LINE)
    parts = first.split(b" ", 2)
    if len(parts) < 2 or parts[0] not in {b"HTTP/1.1", b"HTTP/1.0"} or not _is_status(parts[1]):  # noqa: PLR2004  (version, code)
        raise ProtocolError(f"status line {first[:80]!r}")
    status = int(parts[1])
    length: int | None = None
    coding = b""
    connection: set[bytes] = set()
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError(f"header line {line[:80]!r}")
        key = name.lower()
        if key == b"content-length":
            length = _length(value, length)
        elif key == b"transfer-encoding":
            coding = value.strip().lower()
        elif key == b"connection":
            connection |= {token.strip().lower() for token in value.split(b",")}
    keep_alive = b"close" not in connection and (parts[0] == b"HTTP/1.1" or b"keep-alive" in connection)
    return _head(status, length, coding, keep_alive=keep_alive)


def _head(status: int, length: int | None, coding: bytes, *, keep_alive: bool) -> Head:
    if status < 200:  # noqa: PLR2004  (1xx)
        return Head(status, INFORMATIONAL, keep_alive)
    if status in {204, 304}:
        return Head(status, 0, keep_alive)
    if coding:
        # A coding outranks a length (RFC 9112, 6.3); without a final "chunked" the close ends the body.
        chunked = coding.rpartition(b",")[2].strip() == b"chunked"
        return Head(status, CHUNKED, keep_alive) if chunked else Head(status, UNTIL_CLOSE, keep_alive=False)
    if length is None:
        return Head(status, UNTIL_CLOSE, keep_alive=False)
    return Head(status, length, keep_alive)


def _is_status(digits: bytes) -> bool:
    return len(digits) == 3 and digits.isdigit() and digits >= b"100"  # noqa: PLR2004  (three digits)


def _length(value: bytes, before: int | None) -> int:
    digits = value.strip()
    if not digits.isdigit() or (before is not None and before != int(digits)):
        raise ProtocolError(f"content-length {value[:80]!r}")
    return int(digits)


def cached_head(heads: dict[bytes, Head], block: bytes) -> Head:
    """Parse a header block through the table of known ones.

    :raises ProtocolError: as ``parse_head``.
    """
    head = heads.get(block)
    if head is None:
        head = parse_head(block)
        if len(heads) >= HEADS_MAX:
            heads.clear()
        heads[block] = head
    return head


class Parser:
    """Takes the bytes of one response in any pieces; ``done`` once it is whole.

    ``bodyless`` is for answers to HEAD, which announce a length and send nothing.  With ``keep_body`` False
    the body is counted and dropped.
    """

    __slots__ = ("_bodyless", "_buffer", "_heads", "_keep", "_left", "_state", "block", "done", "head", "parts", "size")

    def __init__(self, heads: dict[bytes, Head], *, bodyless: bool = False, keep_body: bool = True) -> None:
        self._heads = heads
        self._bodyless = bodyless
        self._keep = keep_body
        self._buffer = bytearray()
        self._left = 0
        self._state = self._read_head
        self.head: Head | None = None
        self.block = b""
        self.parts: list[bytes] = []
        self.size = 0
        self.done = False

    @property
    def heard(self) -> bool:
        """Say whether any byte of a response has come."""
        return bool(self.block or self._buffer)

    @property
    def body(self) -> bytes:
        """What was kept of the body, chunks joined."""
        return b"".join(self.parts)

    def feed(self, data: bytes) -> bool:
        """Take more bytes; True once the response is whole.

        :raises ProtocolError: malformed bytes, or bytes after the end of the response.
        """
        self._buffer += data
        while not self.done and self._state():
            pass
        if self.done and self._buffer:
            raise ProtocolError(f"{len(self._buffer)} bytes after the end of the response")
        return self.done

    def eof(self) -> bool:
        """Say whether a close at this point completes the response (a body without a length)."""
        if self.head is not None and self.head.length == UNTIL_CLOSE and not self._bodyless:
            self.done = True
        return self.done

    def _read_head(self) -> bool:
        at = self._buffer.find(END)
        if at < 0:
            if len(self._buffer) > HEAD_MAX:
                raise ProtocolError("the header block does not end")
            return False
        self.block = bytes(self._buffer[: at + len(END)])
        del self._buffer[: at + len(END)]
        head = cached_head(self._heads, self.block)
        if head.length == INFORMATIONAL:
            if head.status == 101:  # noqa: PLR2004  (switching protocols was not asked for)
                raise ProtocolError("101 without an upgrade")
            return True
        self.head = head
        if self._bodyless or head.length == 0:
            self.done = True
        elif head.length == CHUNKED:
            self._state = self._read_chunk_size
        else:
            self._left = head.length
            self._state = self._read_rest if head.length == UNTIL_CLOSE else self._read_length
        return True

    def _take(self, limit: int) -> None:
        piece = self._buffer[:limit]
        self.size += len(piece)
        if self._keep:
            self.parts.append(bytes(piece))
        del self._buffer[:limit]

    def _read_length(self) -> bool:
        count = min(self._left, len(self._buffer))
        self._take(count)
        self._left -= count
        self.done = self._left == 0
        return False

    def _read_rest(self) -> bool:
        self._take(len(self._buffer))
        return False

    def _read_chunk_size(self) -> bool:
        at = self._buffer.find(LINE)
        if at < 0:
            if len(self._buffer) > HEAD_MAX:
                raise ProtocolError("the chunk's size line does not end")
            return False
        digits = bytes(self._buffer[:at]).partition(b";")[0].strip()
        if not digits or not HEX.issuperset(digits):
            raise ProtocolError(f"chunk size {digits[:80]!r}")
        del self._buffer[: at + len(LINE)]
        self._left = int(digits, 16)
        self._state = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        count = min(self._left, len(self._buffer))
        self._take(count)
        self._left -= count
        if self._left:
            return False
        self._state = self._read_chunk_end
        return True

    def _read_chunk_end(self) -> bool:
        if len(self._buffer) < len(LINE):
            return False
        if not self._buffer.startswith(LINE):
            raise ProtocolError("a chunk is longer than its size")
        del self._buffer[: len(LINE)]
        self._state = self._read_chunk_size
        return True

    def _read_trailer(self) -> bool:
        at = self._buffer.find(LINE)
        if at < 0:
            if len(self._buffer) > HEAD_MAX:
                raise ProtocolError("the trailer does not end")
            return False
        del self._buffer[: at + len(LINE)]
        self.done = at == 0
        return True
