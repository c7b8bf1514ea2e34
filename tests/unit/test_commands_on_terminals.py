"""The lab's command line as a process of its own: Ctrl-C, pipes, terminals of every kind, directories that cannot be written."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = "stacks/examples/Pulumi.twin.yaml"
# Stands for the engine: Ctrl-C has it end in order what it has begun, which takes it a moment.
_ENGINE = """#!/bin/sh
test "$1" = up -o "$1" = preview || exit 0
trap 'sleep 0.5; echo recorded > "$LAB_HOME/ended"; exit 1' INT
echo running > "$LAB_HOME/running"
while :; do sleep 0.05; done
"""
# What the lab stands on is there already.
_LAB = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
from lab import cli, tools, twin_lab, policy_pack
tools.install = lambda *_: None
twin_lab.prepare = lambda *_, **__: None
policy_pack.ready = lambda: "policy"
cli.stack_file.find = lambda stack: cli.paths.home() / "Pulumi.twin.yaml"
cli.main()
"""
_MAIN = "cli.main()\n"


def _environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "LAB_HOME": str(home), "PYTHONPATH": str(ROOT), **more}


def _lab(*words: str, home: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "lab", *words],
        cwd=ROOT,
        env=_environment(home, **more),
        capture_output=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("command", ["up", "preview"])
def test_ctrl_c_lets_the_engine_end_in_order_and_is_one_line(tmp_path: Path, command: str) -> None:
    (tmp_path / "bin").mkdir()
    engine = tmp_path / "bin" / "pulumi"
    engine.write_text(_ENGINE)
    engine.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", _LAB, command],
        cwd=ROOT,
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _until(tmp_path / "running", process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (tmp_path / "ended").read_text() == "recorded\n", "the engine was not killed meanwhile"
    assert said.count("\n") == 1
    assert said.startswith("interrupted; ")


def test_ctrl_c_while_the_lab_is_asked_is_one_line(tmp_path: Path) -> None:
    # Whoever runs the tests may ignore the signal, which is inherited.
    waits = (
        "import signal, time; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from lab import cli, doctor; doctor.examine = lambda *_: time.sleep(60); print(1, flush=True); "
    )
    process = subprocess.Popen(
        [sys.executable, "-c", f"{waits}{_MAIN}", "doctor"],
        cwd=ROOT,
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    announced = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert announced == "looking at what the lab needs ...  usually 5s, 60s at most\n"
    assert (process.returncode, said) == (130, "interrupted; nothing was changed\n")


def test_a_reader_that_stops_reading_ends_it_quietly(tmp_path: Path) -> None:
    line = f"{sys.executable} -m lab reference | head -1"
    run = subprocess.run(
        ["/bin/sh", "-c", line], cwd=ROOT, env=_environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("# Configuration\n", "")


@pytest.mark.parametrize("words", [["env"], ["picture", "--file", EXAMPLE, "--output", "/proc/none/lab.svg"]])
def test_what_cannot_be_written_is_one_line_with_its_name(words: list[str]) -> None:
    run = _lab(*words, home=Path("/proc/none"))
    said = run.stderr.decode()
    assert run.returncode == 1
    assert re.fullmatch(r"error: /proc/none\S*: No such file or directory\n", said), said


def test_in_a_terminal_without_utf_8_words_lose_a_sign_at_most_and_documents_are_utf_8_all_the_same(
    tmp_path: Path,
) -> None:
    ascii_only = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    changed = tmp_path / "Pulumi.twin.yaml"
    changed.write_text((ROOT / EXAMPLE).read_text().replace("smiley: 80", "smiley: 60"))
    drawn = _lab("picture", "--diff", EXAMPLE, str(changed), home=tmp_path, **ascii_only)
    assert "80 % → 75 %" in drawn.stdout.decode()
    stack = tmp_path / "Straße"
    for words, status in ((["doctor"], (0, 1)), (["--help"], (0,)), (["verify", "--stack", str(stack)], (2,))):
        run = _lab(*words, home=tmp_path, **ascii_only)
        assert run.returncode in status, run.stderr
        assert (run.stdout + run.stderr).decode("ascii")
        assert b"Traceback" not in run.stderr


@pytest.mark.parametrize(
    ("terminal", "coloured", "styled"),
    [
        ({"TERM": "xterm-256color"}, True, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    tmp_path: Path, terminal: dict[str, str], coloured: bool, styled: bool
) -> None:
    text = _on_a_terminal(["doctor", "--stack", "twin"], _environment(tmp_path, COLUMNS="80", **terminal))
    assert "lab doctor: stack twin" in text
    assert bool(re.search(r"\x1b\[[\d;]*3\dm", text)) == coloured
    assert ("\x1b[" in text) == styled
    assert "\x1b[" not in _lab("doctor", home=tmp_path, TERM="xterm-256color").stdout.decode(), "not to a file"


def _on_a_terminal(words: list[str], environment: dict[str, str]) -> str:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", *words],
        cwd=ROOT,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    text = b""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if select.select([mine], [], [], 1)[0]:
            try:
                text += os.read(mine, 65536)
            except OSError:  # the other side has ended
                break
    os.close(mine)
    process.wait(timeout=10)
    return text.decode()


def _until(file: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{file.name} did not come within 60 s"
        time.sleep(0.02)
