"""What goes over a wire, out of a pcap file: TLS records, or text that anybody can read."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_ORDERS = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}
_ETHERNET, _COOKED = 1, 113
_IPV4, _IPV6, _TCP, _VLAN = 0x0800, 0x86DD, 6, 0x8100
_RECORDS = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data"}


@dataclass(frozen=True, kw_only=True)
class Wire:
    """`records` counts segments that begin with a TLS record, `payloads` all that carry something."""

    payloads: tuple[bytes, ...]

    @property
    def records(self) -> int:
        return sum(1 for payload in self.payloads if is_record(payload))

    def shows(self, text: str) -> bool:
        """Whether the text can be read by anybody."""
        return any(text.encode() in payload for payload in self.payloads)


def is_record(payload: bytes) -> bool:
    """Whether a segment begins with the header of a TLS record."""
    return len(payload) >= 5 and payload[0] in _RECORDS and payload[1] == 3 and payload[2] <= 4


def parse(content: bytes) -> Wire:
    """ValueError for what is no pcap file; one that is cut off is read as far as it goes."""
    order = _ORDERS.get(content[:4])
    if order is None or len(content) < 24:
        raise ValueError("no pcap file")
    (link,) = struct.unpack(f"{order}I", content[20:24])
    return Wire(payloads=tuple(payload for packet in _packets(content, order) if (payload := _payload(packet, link))))


def _packets(content: bytes, order: str) -> Iterator[bytes]:
    place = 24
    while place + 16 <= len(content):
        (length,) = struct.unpack(f"{order}I", content[place + 8 : place + 12])
        place += 16
        yield content[place : place + length]
        place += length


def _payload(packet: bytes, link: int) -> bytes:
    """What a TCP segment carries; nothing for other packets."""
    head = {_ETHERNET: 14, _COOKED: 16}.get(link)
    if head is None or len(packet) < head + 40:
        return b""
    (kind,) = struct.unpack("!H", packet[head - 2 : head])
    if kind == _VLAN:
        (kind,) = struct.unpack("!H", packet[head + 2 : head + 4])
        head += 4
    packet = packet[head:]
    if kind == _IPV4 and packet[9] == _TCP:
        # What follows the packet's own length fills the frame up.
        (length,) = struct.unpack("!H", packet[2:4])
        segment = packet[(packet[0] & 0xF) * 4 : length]
    elif kind == _IPV6 and packet[6] == _TCP:
        (length,) = struct.unpack("!H", packet[4:6])
        segment = packet[40 : 40 + length]
    else:
        return b""
    return segment[(segment[12] >> 4) * 4 :] if len(segment) > 12 else b""
