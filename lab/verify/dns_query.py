"""One question to a DNS server, over UDP or TCP: enough of RFC 1035 for addresses of one name."""

import asyncio
import secrets
import struct
from ipaddress import ip_address

_KINDS = {"A": 1, "AAAA": 28}
_SECONDS, _TRIES = 2.0, 3
_NO_SUCH_NAME = 3


async def over_udp(server: str, port: int, name: str, kind: str = "A") -> list[str]:
    """Addresses of the name. TimeoutError without an answer, ValueError with what the server says instead."""
    loop = asyncio.get_running_loop()
    for _ in range(_TRIES):  # a datagram may be lost
        waiter = loop.create_future()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Once(waiter), remote_addr=(server, port))  # noqa: B023 - used up before the next turn
        question = _question(name, kind)
        try:
            transport.sendto(question)
            return _addresses(await asyncio.wait_for(waiter, _SECONDS), question)
        except TimeoutError:
            continue
        finally:
            transport.close()
    raise TimeoutError


async def over_tcp(server: str, port: int, name: str, kind: str = "A") -> list[str]:
    """The same over TCP, which long answers need."""
    question = _question(name, kind)
    async with asyncio.timeout(_SECONDS * _TRIES):
        reader, writer = await asyncio.open_connection(server, port)
        try:
            writer.write(struct.pack("!H", len(question)) + question)
            await writer.drain()
            (length,) = struct.unpack("!H", await reader.readexactly(2))
            return _addresses(await reader.readexactly(length), question)
        except asyncio.IncompleteReadError:
            raise ValueError("the connection ended in the middle of the answer") from None
        finally:
            writer.close()


class _Once(asyncio.DatagramProtocol):
    """Hands over the first datagram."""

    def __init__(self, waiter: "asyncio.Future[bytes]") -> None:
        self._waiter = waiter

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - asyncio's own
        if not self._waiter.done():
            self._waiter.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._waiter.done():
            self._waiter.set_exception(exc)


def _question(name: str, kind: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    header = struct.pack("!HHHHHH", secrets.randbits(16), 0x0100, 1, 0, 0, 0)
    return header + labels + b"\0" + struct.pack("!HH", _KINDS[kind], 1)


def _addresses(answer: bytes, question: bytes) -> list[str]:
    """Those of the kind that was asked for. ValueError for anything but an answer to that question."""
    if len(answer) < len(question) or answer[:2] != question[:2]:
        raise ValueError("an answer to another question")
    flags, _, count = struct.unpack("!HHH", answer[2:8])
    if code := flags & 0xF:
        raise ValueError("no such name" if code == _NO_SUCH_NAME else f"the server refuses, with code {code}")
    (kind,) = struct.unpack("!H", question[-4:-2])
    place, found = len(question), []
    try:
        for _ in range(count):
            place = _after_name(answer, place)
            found_kind, _, _, length = struct.unpack("!HHIH", answer[place : place + 10])
            place += 10
            if found_kind == kind:
                found.append(str(ip_address(answer[place : place + length])))
            place += length
    except (struct.error, IndexError):
        raise ValueError("an answer that is cut off") from None
    return sorted(found)


def _after_name(answer: bytes, place: int) -> int:
    while answer[place]:
        if answer[place] >= 0xC0:  # points to where the name was written before
            return place + 2
        place += answer[place] + 1
    return place + 1
