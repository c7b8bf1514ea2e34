"""The Pi workload: what it answers, and what the knob, the button and the lights do, with a chip made of lists."""

import json
import os
import struct
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "assets/images/pi-workload"))

from pi_workload.backend import Backend
from pi_workload.color import ColorServer
from pi_workload.gpio import CharacterDevice, Edge
from pi_workload.panel import Panel, open_panel
from pi_workload.server import Server
from pi_workload.settings import Pins, Settings, from_environment

PINS = Pins()
MS = 1_000_000
RIGHT = [(PINS.rotary_b, False), (PINS.rotary_a, False), (PINS.rotary_b, True), (PINS.rotary_a, True)]
LEFT = [(PINS.rotary_a, False), (PINS.rotary_b, False), (PINS.rotary_a, True), (PINS.rotary_b, True)]


@dataclass
class FakeChip:
    """Replays edges and remembers every switch of a light."""

    script: list[Edge] = field(default_factory=list)
    switched: list[tuple[int, bool]] = field(default_factory=list)

    def edges(self) -> Iterator[Edge]:
        yield from self.script

    def light(self, line: int, on: bool) -> None:
        self.switched.append((line, on))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def panel(backend: Backend, edges: list[tuple[int, bool]] | None = None) -> tuple[Panel, FakeChip]:
    chip = FakeChip([Edge(line, high, index * MS) for index, (line, high) in enumerate(edges or [])])
    made = Panel(chip, PINS, backend, say=lambda _: None)
    made.watch()
    return made, chip


def backend(clock: Clock | None = None, **settings: Any) -> Backend:
    return Backend(Settings(**settings), chance=Random(1), clock=clock or Clock())  # noqa: S311


def test_the_environment_is_that_of_faces_own_workloads() -> None:
    settings = from_environment(
        {
            "FACES_SERVICE": "smiley", "SMILEY": "HeartEyes", "DELAY_BUCKETS": "0, 50,100", "ERROR_FRACTION": "25",
            "MAX_RATE": "2.5", "HOSTNAME": "pi-1", "BUTTON_PIN": "17",
        }
    )  # fmt: skip
    assert settings.value == "&#x1F60D;"
    assert (settings.delays_ms, settings.error_fraction, settings.max_rate) == ((0, 50, 100), 25, 2.5)
    assert (settings.host, settings.pins) == ("pi-1", replace(PINS, button=17))
    assert from_environment({"FACES_SERVICE": "color"}).value == "#66CCEE"
    assert from_environment({"SMILEY": "U+1F92C"}).value == "&#x1F92C;"
    assert from_environment({"FACES_SERVICE": "color", "COLOR": "nonsense"}).value == "#CCBB44"


def test_color_speaks_what_the_face_of_its_version_asks() -> None:
    assert from_environment({"FACES_SERVICE": "smiley"}).protocol == "http"
    assert from_environment({"FACES_SERVICE": "color"}).protocol == "grpc"
    assert from_environment({"FACES_SERVICE": "color", "WORKLOAD_PROTOCOL": "http"}).protocol == "http"
    with pytest.raises(ValueError, match="WORKLOAD_PROTOCOL"):
        from_environment({"FACES_SERVICE": "smiley", "WORKLOAD_PROTOCOL": "grpc"})


def test_every_bad_variable_is_named_at_once() -> None:
    bad = {"FACES_SERVICE": "face", "ERROR_FRACTION": "101", "DELAY_BUCKETS": "fast", "MAX_RATE": "nan"}
    with pytest.raises(ValueError) as refused:
        from_environment(bad)
    assert all(name in str(refused.value) for name in bad)


def test_a_detent_of_the_knob_is_five_percent_either_way_and_stops_at_the_ends() -> None:
    subject = backend(error_fraction=90)
    panel(subject, RIGHT * 3)
    assert subject.error_fraction == 100
    panel(subject, LEFT)
    assert subject.error_fraction == 95
    panel(subject, LEFT * 30)
    assert subject.error_fraction == 0


def test_bouncing_contacts_do_not_turn_the_knob_further() -> None:
    subject = backend()
    bounce = [(PINS.rotary_b, False), (PINS.rotary_b, True)] * 5
    panel(subject, [*bounce, *RIGHT, *bounce])
    assert subject.error_fraction == 5


def test_a_lost_edge_does_not_turn_the_knob_the_other_way() -> None:
    subject = backend(error_fraction=50)
    panel(subject, [*RIGHT[:2], *RIGHT[3:], (PINS.rotary_b, True), *RIGHT])
    assert subject.error_fraction in (55, 60)


def test_the_button_latches_every_request_into_errors_until_it_is_pressed_again() -> None:
    clock = Clock()
    subject = backend(clock)
    front, _ = panel(subject)
    front.take(Edge(PINS.button, False, 0))
    assert subject.ask().status == 599
    clock.now = 3600
    assert subject.ask().status == 599, "what a hand latched, time does not release"
    front.take(Edge(PINS.button, True, 300 * MS))
    front.take(Edge(PINS.button, False, 600 * MS))
    assert subject.ask().status == 200


def test_a_bouncing_button_counts_once() -> None:
    subject = backend()
    front, _ = panel(subject)
    for index in range(4):
        front.take(Edge(PINS.button, index % 2 == 1, index * 5 * MS))
    assert subject.latched


def test_good_requests_light_green_and_errors_red_for_as_long_as_they_take() -> None:
    subject = backend()
    front, chip = panel(subject)
    good = subject.ask()
    subject.press()
    bad = subject.ask()
    front.begin(good)
    front.begin(good)
    front.begin(bad)
    front.end(good)
    assert chip.switched == [(PINS.green, True), (PINS.red, True)]
    front.end(good)
    front.end(bad)
    assert chip.switched[2:] == [(PINS.green, False), (PINS.red, False)]


def test_the_error_fraction_is_a_percentage_of_requests() -> None:
    subject = backend(error_fraction=25)
    statuses = [subject.ask().status for _ in range(2000)]
    assert 400 < statuses.count(500) < 600
    assert set(statuses) == {200, 500}
    assert {backend(error_fraction=100).ask().status for _ in range(20)} == {500}


def test_an_error_may_latch_and_half_a_minute_of_silence_releases_it() -> None:
    clock = Clock()
    subject = backend(clock, error_fraction=100, latch_fraction=100)
    assert subject.ask().status == 599
    assert subject.latched
    clock.now = 31
    subject.turn(-20)
    assert subject.ask().status == 200


def test_more_requests_than_the_rate_get_429_until_it_falls() -> None:
    clock = Clock()
    subject = backend(clock, max_rate=0.5)
    assert [subject.ask().status for _ in range(6)] == [200] * 4 + [429] * 2
    clock.now = 11
    assert subject.ask().status == 200


def test_the_workload_runs_without_hardware_and_says_so_once(tmp_path: Path) -> None:
    said: list[str] = []
    settings = Settings(chip=str(tmp_path / "gpiochip0"))
    assert open_panel(settings, Backend(settings), said.append) is None
    assert len(said) == 1 and "No such file" in said[0] and "without" in said[0]
    (tmp_path / "gpiochip0").write_text("not a chip")
    assert open_panel(settings, Backend(settings), said.append) is None, "what is no chip does not end it either"


@pytest.fixture
def server() -> Iterator[tuple[str, Backend, FakeChip]]:
    settings = Settings(port=0, host="pi-1")
    subject = Backend(settings)
    front, chip = panel(subject)
    running = Server(settings, subject, front)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_address[1]}", subject, chip
    running.shutdown()
    running.server_close()


def get(url: str, method: str = "GET") -> tuple[int, dict[str, Any], Any]:
    request = urllib.request.Request(url, method=method, headers={"X-Faces-User": "testuser"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read() or b"{}"), answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read()), refused.headers


def test_a_face_gets_the_smiley_and_what_it_shows_about_the_answer(server: tuple[str, Backend, FakeChip]) -> None:
    url, _, chip = server
    status, body, headers = get(f"{url}/center/?row=1&col=2")
    assert status == 200
    assert body["smiley"] == "&#x1F603;" and body["errors"] == []
    assert headers["X-Faces-Pod"] == "pi-1" and headers["X-Faces-User"] == "testuser"
    assert get(url, "HEAD")[0] == 200
    assert get(url, "PUT")[0] == 405
    assert (PINS.green, True) in chip.switched


def test_it_stays_ready_while_every_request_fails(server: tuple[str, Backend, FakeChip]) -> None:
    url, subject, _ = server
    subject.press()
    assert get(f"{url}/")[:2][0] == 599
    assert get(f"{url}/ready")[1]["ready"] is True


@pytest.fixture
def color() -> Iterator[tuple[grpc.Channel, Backend, FakeChip]]:
    settings = from_environment({"FACES_SERVICE": "color", "PORT": "0"})
    subject = Backend(settings)
    front, chip = panel(subject)
    running = ColorServer(settings, subject, front)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield channel, subject, chip
    running.shutdown()


def call(channel: grpc.Channel, method: str, message: bytes) -> bytes:
    stub: Callable[..., bytes] = channel.unary_unary(method)
    return stub(message, timeout=5)


@pytest.mark.parametrize("method", ["Center", "Edge"])
def test_a_face_gets_the_color_by_grpc(color: tuple[grpc.Channel, Backend, FakeChip], method: str) -> None:
    channel, _, chip = color
    row_1_column_2 = b"\x08\x01\x10\x02"
    assert call(channel, f"/ColorService/{method}", row_1_column_2) == b"\x0a\x07#66CCEE"
    assert chip.switched == [(PINS.green, True), (PINS.green, False)]


def test_an_error_is_a_status_of_grpc_and_its_health_stays_good(
    color: tuple[grpc.Channel, Backend, FakeChip],
) -> None:
    channel, subject, chip = color
    subject.press()
    with pytest.raises(grpc.RpcError) as refused:
        call(channel, "/ColorService/Edge", b"")
    assert refused.value.code() is grpc.StatusCode.INTERNAL
    assert "Latched" in str(refused.value.details())
    assert (PINS.red, True) in chip.switched
    assert call(channel, "/grpc.health.v1.Health/Check", b"") == b"\x08\x01"


def test_requests_to_the_kernel_have_its_layout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sizes and offsets of linux/gpio.h: `gpio_v2_line_request` has 592 bytes, `gpio_v2_line_event` 48."""
    asked: list[tuple[int, bytes]] = []
    device = tmp_path / "gpiochip0"
    device.touch()
    reading, writing = os.pipe()

    def ioctl(file: int, operation: int, argument: bytes) -> bytes:
        asked.append((operation, argument))
        own = os.dup(reading)
        return argument[:588] + struct.pack("=i", own) if len(argument) == 592 else argument

    monkeypatch.setattr("fcntl.ioctl", ioctl)
    chip = CharacterDevice(str(device), pulled_up=[5, 6], pulled_down=[4], lights=[19, 13])
    assert [operation for operation, _ in asked] == [0xC250B407] * 4
    offsets = [struct.unpack_from("=2I", argument) for _, argument in asked]
    assert offsets == [(5, 6), (4, 0), (19, 0), (13, 0)]
    assert [struct.unpack_from("=Q", argument, 288)[0] for _, argument in asked] == [4 | 48 | 256, 4 | 48 | 512, 10, 10]
    assert [struct.unpack_from("=I", argument, 560)[0] for _, argument in asked] == [2, 1, 1, 1]
    chip.light(13, True)
    assert asked[-1] == (0xC010B40F, struct.pack("=QQ", 1, 1))
    os.write(writing, struct.pack("=QIIII24x", 7, 2, 4, 1, 1))
    assert next(chip.edges()) == Edge(4, False, 7)
    chip.close()
