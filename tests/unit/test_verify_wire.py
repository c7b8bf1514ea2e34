"""What goes over the wire: TLS records and plain text are told apart, and a wire that shows a request fails the row."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.verify import packets
from lab.verify.outcome import Verdict
from lab.verify.place import Answer, NotProvable, Request
from lab.verify.rows import wire
from tests.unit.verify_fixtures import STAND_IN, FakePlace, context_of, of, outcomes

LAB: dict[str, Any] = {
    "workloads": [{"name": "smiley", "addresses": ["192.168.1.21"], "device": {}}],
    "faces": {"on-edge": ["smiley"], "second": []},
    "routes": [],
    "services": None,
    "policy": None,
}
RECORD = b"\x17\x03\x03\x00\x40" + bytes(range(64))


def pcap(*payloads: bytes, order: str = "<", link: int = 1, version: int = 4) -> bytes:
    """A file with one TCP segment for each payload."""
    head = struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 512, link)
    return head + b"".join(
        struct.pack(f"{order}IIII", 1, 0, len(frame), len(frame)) + frame
        for frame in (_frame(payload, link, version) for payload in payloads)
    )


def _frame(payload: bytes, link: int, version: int) -> bytes:
    segment = struct.pack("!HHIIBBHHH", 40000, 8000, 1, 1, 5 << 4, 0x18, 512, 0, 0) + payload
    if version == 4:
        kind = 0x0800
        packet = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0, bytes(4), bytes(4)) + segment
    else:
        kind = 0x86DD
        packet = struct.pack("!IHBB16s16s", 6 << 28, len(segment), 6, 64, bytes(16), bytes(16)) + segment
    return (
        bytes(12 if link == 1 else 14) + struct.pack("!H", kind) + packet + bytes(6)
    )  # filled up, as short frames are


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("link", [1, 113])
@pytest.mark.parametrize("version", [4, 6])
def test_segments_are_found_in_every_kind_of_file(order: str, link: int, version: int) -> None:
    found = packets.parse(pcap(RECORD, b"GET /secret HTTP/1.1\r\n", b"", order=order, link=link, version=version))
    assert found.payloads[0] == RECORD
    assert len(found.payloads) == 2 if version == 4 else len(found.payloads) >= 2
    assert found.records == 1
    assert found.shows("/secret")
    assert not found.shows("/other")


def test_only_headers_of_tls_records_count_as_such() -> None:
    assert packets.is_record(b"\x16\x03\x01\x02\x00\x01")
    assert not packets.is_record(b"GET / HTTP/1.1")
    assert not packets.is_record(b"PRI * HTTP/2.0\r\n")
    assert not packets.is_record(b"\x17\x03")


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes_and_no_file_is_said_to_be_none() -> None:
    whole = pcap(RECORD, RECORD)
    assert packets.parse(whole[:-30]).records >= 1
    for wrong in (b"", b"no pcap", whole[:10]):
        with pytest.raises(ValueError, match="no pcap"):
            packets.parse(wrong)


class _Wire(FakePlace):
    """A machine at whose interface something is seen of what was asked."""

    shows: Callable[[Sequence[Request]], bytes]
    source: FakePlace

    async def capture(self, address: str, port: int, seconds: float) -> bytes:  # noqa: ARG002 - as the contract has it
        assert (address, port) == ("192.168.1.21", 8000)
        while not self.source.asked:
            await asyncio.sleep(0)
        return self.shows(self.source.asked)


def _encrypted(_asked: Sequence[Request]) -> bytes:
    return pcap(RECORD, RECORD)


def _plain(asked: Sequence[Request]) -> bytes:
    return pcap(f"GET {asked[0].url} HTTP/1.1\r\n".encode())


def _both(asked: Sequence[Request]) -> bytes:
    return pcap(RECORD, f"GET {asked[0].url} HTTP/1.1\r\n".encode())


def _nothing(_asked: Sequence[Request]) -> bytes:
    return pcap()


@pytest.mark.parametrize(
    ("shows", "meshed", "plain"),
    [
        (_encrypted, Verdict.PASSED, Verdict.FAILED),
        (_plain, Verdict.FAILED, Verdict.PASSED),
        (_both, Verdict.FAILED, Verdict.PASSED),
        (_nothing, Verdict.FAILED, Verdict.FAILED),
    ],
)
def test_the_wire_is_held_against_what_the_mesh_promises(
    tmp_path: Path, shows: Callable[[Sequence[Request]], bytes], meshed: Verdict, plain: Verdict
) -> None:
    for row, source, expected in ((wire.ENCRYPTED, "meshed default", meshed), (wire.PLAIN, "host", plain)):
        asker = FakePlace("somebody", lambda _request: Answer(status=404))
        device = _Wire("device smiley")
        device.shows, device.source = shows, asker
        context = context_of(tmp_path, places={source: asker, "outside smiley": device}, **LAB)
        outcome = of(outcomes(context, row), "workload smiley")
        assert outcome.verdict is expected, outcome.found


def test_a_request_that_is_refused_is_encrypted_too(tmp_path: Path) -> None:
    asker, device = FakePlace("somebody", lambda _request: Answer(status=403)), _Wire("device smiley")
    device.shows, device.source = _encrypted, asker
    places = {"meshed default": asker, "outside smiley": device}
    nobody = {**LAB, "policy": {"mode": "enforce", "access": []}}
    outcome = of(outcomes(context_of(tmp_path, places=places, **nobody), wire.ENCRYPTED), "workload smiley")
    assert outcome.verdict is Verdict.PASSED, outcome.found


def test_a_wire_that_nobody_can_look_at_proves_nothing(tmp_path: Path) -> None:
    class _Blind(FakePlace):
        async def capture(self, address: str, port: int, seconds: float) -> bytes:  # noqa: ARG002 - as the contract has it
            raise NotProvable("neither tcpdump nor perl is there")

    for device in (_Blind("device smiley"), FakePlace("device smiley"), FakePlace(counts=lambda _: STAND_IN)):
        context = context_of(tmp_path, places={"host": FakePlace(), "outside smiley": device}, **LAB)
        assert of(outcomes(context, wire.PLAIN), "workload smiley").verdict is Verdict.NOT_PROVABLE
    for row in (wire.PLAIN, wire.ENCRYPTED):
        (nothing,) = outcomes(context_of(tmp_path, **{**LAB, "workloads": [], "faces": {}}), row)
        assert nothing.verdict is Verdict.NOT_ASKED
