"""Packets of one of this machine's network interfaces, as a pcap file."""

import socket
import struct
import time
from ipaddress import ip_address

_ALL = 3  # ETH_P_ALL: what comes in and what goes out
_ETHERNET = 1  # a pcap file's link type
_SNAP = 2048  # bytes of a packet that are kept
_MOST = 2000
_IP4, _TCP = 0x0800, 6


def capture(interface: str, address: str, port: int, seconds: float) -> bytes:
    """TCP packets by IPv4 from and to a port of an address for so long, at most 2000. OSError without the right to."""
    packets = bytearray(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _SNAP, _ETHERNET))
    limit, count = time.monotonic() + seconds, 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)) as tap:
        tap.bind((interface, 0))
        while count < _MOST and (left := limit - time.monotonic()) > 0:
            tap.settimeout(left)
            try:
                frame = tap.recv(65536)
            except TimeoutError:
                break
            if concerns(frame, address, port):
                now = time.time_ns() // 1000
                packets += struct.pack("<IIII", now // 10**6, now % 10**6, min(len(frame), _SNAP), len(frame))
                packets += frame[:_SNAP]
                count += 1
    return bytes(packets)


def concerns(frame: bytes, address: str, port: int) -> bool:
    """Whether an Ethernet frame is a TCP packet from or to that place."""
    if len(frame) < 14 + 20 or struct.unpack_from("!H", frame, 12)[0] != _IP4:
        return False
    header = 14 + (frame[14] & 0x0F) * 4
    if frame[23] != _TCP or len(frame) < header + 4:
        return False
    source, target = struct.unpack_from("!HH", frame, header)
    own = ip_address(address).packed
    return (frame[26:30] == own and source == port) or (frame[30:34] == own and target == port)
