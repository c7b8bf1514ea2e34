"""What `lab status` prints, for people and for programs, when it is silent, and with which status it ends."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lab import recovery
from lab.status import report
from lab.status.api import SilentError
from lab.status.item import Item, Part, State
from lab.status.look import Look, collect, look
from lab.status.screen import Screen
from lab.status.watch import watch

AT = datetime(2026, 5, 4, 12, 0, 7, tzinfo=UTC)


def _device(name: str, state: State = State.WELL, word: str = "as written", **other: Any) -> Item:
    text = {"text": "31 files, 8 units, image", **other}
    return Item(part=Part.MACHINES, subject=f"device {name}", state=state, word=word, plural="devices", **text)


WELL = Item(
    part=Part.CLUSTER, subject="API", state=State.WELL, word="answers", text="Kubernetes v1.34.3 at https://192.0.2.1"
)
SOON = Item(
    part=Part.CERTIFICATES, subject="issuer", state=State.SOON, word="9 days", text="soon", next="raise trust.issuer"
)
DIFFERS = _device(
    "color", State.BAD, "differs", text="/etc/mesh-expansion/routes has other contents", next="raise spire.device"
)
SILENT = _device("smiley", State.UNKNOWN, "not asked", text="it is marked as gone")


def _screen(*items: Item) -> Screen:
    return Screen(stack="pi-lab", lab="pi-lab", items=items, at=AT, seconds=1.25)


def _shown(screen: Screen, encoding: str = "utf-8", rows: int | None = None, **options: object) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    console = Console(file=file, highlight=False, soft_wrap=True, **options)  # type: ignore[arg-type]
    console.print(report.drawn(screen, console, rows))
    return raw.getvalue().decode(encoding)


def test_people_read_a_sign_and_a_word_for_each_thing_and_what_to_type_next() -> None:
    assert _shown(_screen(WELL, SOON, DIFFERS, SILENT)) == (
        "lab status: stack pi-lab, lab pi-lab\n"
        "\n"
        "Cluster\n"
        "  ✔ answers    API            Kubernetes v1.34.3 at https://192.0.2.1\n"
        "\n"
        "Certificates\n"
        "  ▲ 9 days     issuer         soon\n"
        "        next:  raise trust.issuer\n"
        "\n"
        "Machines\n"
        "  ✘ differs    device color   /etc/mesh-expansion/routes has other contents\n"
        "        next:  raise spire.device\n"
        "  ○ not asked  device smiley  it is marked as gone\n"
        "\n"
        "Not as it should be: device color. 12:00:07 UTC, in 1.2 s\n"
    )


def test_without_colours_and_symbols_every_word_is_still_there() -> None:
    plain = _shown(_screen(WELL, DIFFERS), encoding="ascii")
    assert "+ answers" in plain
    assert "x differs" in plain
    coloured = _shown(_screen(WELL, DIFFERS), force_terminal=True, color_system="standard")
    assert "\x1b[" in coloured
    assert "✘ differs" in coloured
    assert "\x1b[" not in _shown(_screen(WELL, DIFFERS))


@pytest.mark.parametrize("columns", [80, 120])
def test_on_a_terminal_long_lines_are_wrapped_below_where_they_begin(columns: int) -> None:
    long = replace(DIFFERS, text=" ".join(["/etc/mesh-expansion/proxy.env has other contents;"] * 4))
    text = _shown(_screen(WELL, long), force_terminal=True, color_system=None, width=columns)
    lines = text.splitlines()
    assert max(map(len, lines)) <= columns
    begin = next(line for line in lines if "differs" in line).index("/etc")
    wrapped = [line for line in lines if "has other" in line]
    assert len(wrapped) > 1
    assert all(not line[:begin].strip() and line[begin] != " " for line in wrapped[1:])
    command = _shown(
        _screen(replace(DIFFERS, next="ssh " + "x " * 60)), force_terminal=True, color_system=None, width=columns
    )
    assert "ssh " + "x " * 59 + "x\n" in command, "what is copied stays in one piece"
    elsewhere = _shown(_screen(long), width=columns).splitlines()
    assert len([line for line in elsewhere if "has other" in line]) == 1


def test_hundreds_of_devices_that_are_well_take_one_line_and_each_that_is_not_its_own() -> None:
    many = [_device(f"pi-{number}") for number in range(300)]
    text = _shown(_screen(*many, DIFFERS))
    assert "✔ as written  300 devices\n" in text
    assert "✘ differs     device color" in text
    assert len(text.splitlines()) == 8
    few = _shown(_screen(*many[:20]))
    assert len(few.splitlines()) == 25


def test_many_with_the_same_fault_take_one_line_that_names_the_first_of_them() -> None:
    silent = [
        _device(f"pi-{number}", State.UNKNOWN, "not asked", text="its key is encrypted", next="ssh pi")
        for number in range(9)
    ]
    lines = _shown(_screen(*silent, DIFFERS)).splitlines()
    assert "○ not asked  9 devices     its key is encrypted: pi-0, pi-1, pi-2, pi-3, pi-4, pi-5 and 3 more" in lines[3]
    assert [line.strip() for line in lines if "next:" in line] == ["next:  ssh pi", "next:  raise spire.device"]


def test_where_there_is_no_room_what_is_well_is_said_in_fewer_lines_and_nothing_bad_is_lost() -> None:
    screen = _screen(*(_device(f"pi-{number}") for number in range(12)), DIFFERS)
    assert len(_shown(screen, rows=24).splitlines()) == 19
    small = _shown(screen, rows=10)
    assert "12 devices" in small
    assert "device color" in small
    assert len(small.splitlines()) == 6


def test_the_document_for_programs_keeps_its_form() -> None:
    item = replace(DIFFERS, facts={"kind": "device", "differences": ["x"]})
    assert json.loads(report.as_json(_screen(item, SILENT))) == {
        "schema": 1,
        "stack": "pi-lab",
        "lab": "pi-lab",
        "status": "failed",
        "counts": {"well": 0, "soon": 0, "unknown": 1, "bad": 1},
        "at": "2026-05-04T12:00:07+00:00",
        "seconds": 1.2,
        "items": [
            {
                "part": "machines",
                "subject": "device color",
                "state": "bad",
                "word": "differs",
                "text": "/etc/mesh-expansion/routes has other contents",
                "next": "raise spire.device",
                "facts": {"kind": "device", "differences": ["x"]},
            },
            {
                "part": "machines",
                "subject": "device smiley",
                "state": "unknown",
                "word": "not asked",
                "text": "it is marked as gone",
                "next": "",
                "facts": {},
            },
        ],
    }


@pytest.mark.parametrize(
    ("found", "exit_status", "verdict"),
    [
        ((WELL,), 0, "Everything is up."),
        ((WELL, SOON), 0, "Everything is up; something ends soon."),
        ((WELL, SILENT), 0, "Everything that could be asked is up."),
        ((WELL, replace(SILENT, part=Part.GUI)), 0, "Everything is up."),
        ((WELL, DIFFERS, SILENT), 1, "Not as it should be: device color."),
        (
            tuple(replace(DIFFERS, part=Part.WORKLOADS, subject=f"w{number}") for number in range(6)),
            1,
            "Not as it should be: workload w0, workload w1, workload w2, workload w3 and 2 more.",
        ),
    ],
)
def test_only_what_is_bad_ends_with_one(found: tuple[Item, ...], exit_status: int, verdict: str) -> None:
    screen = _screen(*found)
    assert (screen.exit_status, screen.verdict) == (exit_status, verdict)


async def _quick() -> AsyncIterator[Item]:
    yield WELL


async def _slow() -> AsyncIterator[Item]:
    await asyncio.sleep(60)
    yield DIFFERS


async def _crashing() -> AsyncIterator[Item]:
    yield SOON
    raise KeyError("second")


async def _of_a_silent_cluster() -> AsyncIterator[Item]:
    raise SilentError("it is off")
    yield WELL


async def _down() -> AsyncIterator[Item]:
    yield _device("smiley", State.BAD, "DOWN", text="its container is exited")


def test_who_is_silent_is_said_and_keeps_nobody_back() -> None:
    looks = [
        Look(part=Part.MACHINES, subject="device color", run=_slow),
        Look(part=Part.CLUSTER, subject="API", run=_quick),
        Look(part=Part.ROUTES, subject="routes", run=_of_a_silent_cluster),
        Look(part=Part.POLICY, subject="access", run=_crashing),
    ]
    found = asyncio.run(collect(looks, 0.2))
    assert [(item.subject, item.state, item.word) for item in found] == [
        ("device color", State.BAD, "not asked"),
        ("API", State.WELL, "answers"),
        ("routes", State.UNKNOWN, "not asked"),
        ("issuer", State.SOON, "9 days"),
        ("access", State.BAD, "not asked"),
    ]
    assert found[0].text == "no answer within 0 s"
    assert found[2].text == "the cluster does not answer"
    assert "KeyError: 'second'" in found[4].text


def test_a_machine_that_is_known_to_be_down_is_not_said_to_be_silent_as_well() -> None:
    looks = [
        Look(part=Part.CLUSTER, subject="twin", run=_down),
        Look(part=Part.MACHINES, subject="device smiley", run=_slow),
    ]
    assert [item.word for item in asyncio.run(collect(looks, 0.1))] == ["DOWN"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_HOME", str(tmp_path / ".lab"))
    stack = tmp_path / "stacks" / "Pulumi.pi-lab.yaml"
    stack.parent.mkdir()
    stack.write_text("config:\n  mesh-expansion:lab: pi-lab\n")
    return tmp_path


@pytest.mark.parametrize(
    ("state", "word", "text", "following"),
    [
        (None, "not up", "nothing of it is up", "make up STACK=pi-lab"),
        ("{}", "not up", "nothing of it is up", "make up STACK=pi-lab"),
        ("{", "not asked", "cannot be read", "make doctor STACK=pi-lab"),
        (
            '{"checkpoint": {"latest": {"resources": [{"type": "t", "urn": "u::t"}]}}}',
            "not asked",
            "Pulumi.pi-lab.yaml has mistakes, so nobody knows how to ask",
            "make doctor STACK=pi-lab",
        ),
    ],
)
def test_where_nothing_can_be_asked_one_line_says_why(
    home: Path, state: str | None, word: str, text: str, following: str
) -> None:
    if state is not None:
        file = recovery.state_file("pi-lab")
        file.parent.mkdir(parents=True)
        file.write_text(state)
    screen = asyncio.run(look("pi-lab", project=home))
    (item,) = screen.items
    assert (item.part, item.state, item.word, item.next) == (Part.STACK, State.BAD, word, following)
    assert text in item.text
    assert screen.exit_status == 1


def _watched(console: Console, times: int) -> None:
    """So many looks, then Ctrl-C."""
    screens = iter([_screen(WELL), _screen(DIFFERS), _screen(WELL, SILENT)][:times])

    async def seen() -> Screen:
        screen = next(screens, None)
        if screen is None:
            raise KeyboardInterrupt
        return screen

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(watch(seen, console, every=0))


def test_watched_without_a_terminal_one_plain_screen_follows_another() -> None:
    file = io.StringIO()
    _watched(Console(file=file, soft_wrap=True), 2)
    text = file.getvalue()
    assert text.count("lab status: stack pi-lab") == 2
    assert text.index("answers") < text.index("differs")
    assert "\x1b" not in text


def test_watched_on_a_terminal_a_screen_is_drawn_over_the_last_one_and_the_cursor_comes_back() -> None:
    file = io.StringIO()
    _watched(Console(file=file, soft_wrap=True, force_terminal=True, width=100, height=40), 2)
    text = file.getvalue()
    assert "\x1b[1A" in text, "the cursor goes up"
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert "Ctrl-C ends" in text
