"""One gRPC health check on a connection of its own: as much of HTTP/2 and HPACK as that takes, with the standard library.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md, RFC 9113 (HTTP/2), RFC 7541 (HPACK).
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

PATH = "/grpc.health.v1.Health/Check"
OK, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED = 0, 7, 12, 16  # codes of gRPC
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_NO_TABLE = b"\0\1\0\0\0\0"  # SETTINGS_HEADER_TABLE_SIZE 0: headers come in full, none by reference to an earlier one
_METHOD_POST, _SCHEME_HTTP, _AUTHORITY, _PATH_NAME, _CONTENT_TYPE = 0x83, 0x86, 1, 4, 31
_STATUSES = {8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500"}  # of HPACK's static table
_EMPTY_REQUEST = bytes(5)  # uncompressed, no bytes: the health of the server as a whole
_SERVING = b"\0\0\0\0\2\x08\1"
_LONGEST_FRAME = 1 << 14
# Huffman's codes for what is looked for: `grpc-status` and digits. What has other letters is none of it.
_CODES = {
    **{f"{number:05b}": character for number, character in enumerate("012aceiost")},
    **{f"{0b011001 + number:06b}": character for number, character in enumerate("3456789")},
    "010110": "-", "100110": "g", "101011": "p", "101100": "r", "101101": "u",
}  # fmt: skip


@dataclass(frozen=True)
class Health:
    """The statuses of HTTP and gRPC, and whether the message says that the server serves."""

    status: int
    code: int | None
    message: bytes

    @property
    def serving(self) -> bool:
        """A server without a health service says so itself, so it is alive; a proxy in front of it would not know."""
        return self.code == UNIMPLEMENTED or (self.code == OK and self.message == _SERVING)

    @property
    def denied(self) -> bool:
        return self.status in (401, 403) or self.code in (PERMISSION_DENIED, UNAUTHENTICATED)

    @property
    def text(self) -> str:
        if self.code is None:
            return f"HTTP status {self.status}"
        if self.code == OK:
            return "SERVING" if self.serving else "a status that is not SERVING"
        return f"gRPC status {self.code}"


def check(connection: socket.socket, authority: str) -> Health:
    """Ask; raises OSError when no whole answer comes in the connection's time."""
    block = bytes((_METHOD_POST, _SCHEME_HTTP))
    block += _literal(_PATH_NAME, PATH) + _literal(_AUTHORITY, authority) + _literal(_CONTENT_TYPE, "application/grpc")
    block += b"\0" + _text("te") + _text("trailers")
    connection.sendall(
        _PREFACE
        + _frame(_SETTINGS, 0, 0, _NO_TABLE)
        + _frame(_HEADERS, _END_HEADERS, 1, block)
        + _frame(_DATA, _END, 1, _EMPTY_REQUEST)
    )
    return _answer(connection)


def _answer(connection: socket.socket) -> Health:
    found: dict[str, str] = {}
    message = b""
    while True:
        kind, flags, stream, payload = _read_frame(connection)
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            connection.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _GOAWAY or (kind == _RST_STREAM and stream == 1):
            raise ConnectionResetError("it broke the request off")
        elif stream == 1 and kind in (_DATA, _HEADERS):
            if flags & _PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            if kind == _DATA:
                message += payload
            else:
                found |= _fields(payload[5:] if flags & _PRIORITY else payload)
            if flags & _END:
                code = found.get("grpc-status", "")
                return Health(int(found.get(":status", "0")), int(code) if code else None, message)


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


def _read_frame(connection: socket.socket) -> tuple[int, int, int, bytes]:
    head = _read(connection, 9)
    length = int.from_bytes(head[:3])
    if length > _LONGEST_FRAME:
        raise ConnectionError("it does not speak HTTP/2")
    return head[3], head[4], int.from_bytes(head[5:9]) & 0x7FFFFFFF, _read(connection, length)


def _read(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = connection.recv(length - len(found))
        if not more:
            raise ConnectionResetError("it closed the connection")
        found += more
    return found


def _literal(name: int, value: str) -> bytes:
    """A field that nobody is to remember, its name by its number in the static table."""
    return (bytes((name,)) if name < 15 else bytes((15, name - 15))) + _text(value)


def _text(value: str) -> bytes:
    encoded = value.encode()
    rest = len(encoded) - 127
    head = bytes((len(encoded),)) if rest < 0 else bytes((127, rest)) if rest < 128 else None
    if head is None:
        raise ConnectionError("the name is too long for HTTP/2")
    return head + encoded


def _fields(block: bytes) -> dict[str, str]:
    """`:status` and `grpc-status`, where a header block has them."""
    found: dict[str, str] = {}
    left = iter(block)
    for first in left:
        if first & 0x80:  # an entry of the table
            index = _number(first, 7, left)
            found |= {":status": _STATUSES[index]} if index in _STATUSES else {}
        elif first & 0xE0 == 0x20:  # the size of the table
            _number(first, 5, left)
        else:
            index = _number(first, 6 if first & 0x40 else 4, left)
            name = _word(left) if index == 0 else ":status" if index in _STATUSES else ""
            value = _word(left)
            if name in (":status", "grpc-status") and value.isdigit():
                found[name] = value
    return found


def _number(first: int, bits: int, left: Iterator[int]) -> int:
    most = (1 << bits) - 1
    number = first & most
    if number < most:
        return number
    for shift, byte in enumerate(left):
        number += (byte & 0x7F) << 7 * shift
        if not byte & 0x80 or shift > 3:
            break
    return number


def _word(left: Iterator[int]) -> str:
    """A string; empty when it has letters that are in no name or number that is looked for."""
    first = next(left, 0)
    coded = bytes(byte for _, byte in zip(range(_number(first, 7, left)), left, strict=False))
    if not first & 0x80:
        return coded.decode("ascii", "replace")
    word, code = "", ""
    for bit in "".join(f"{byte:08b}" for byte in coded):
        code += bit
        if code in _CODES:
            word, code = word + _CODES[code], ""
    return word if code in ("1" * length for length in range(8)) else ""
