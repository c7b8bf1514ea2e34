"""command.local: what runs when, and what it leaves."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.harness import Stack

SECRET = "hush-hush-4711"


def program(marks: Path, **changed: str) -> str:
    """Each command writes a line to a file when it runs; `changed` replaces the arguments of one resource."""
    arguments = {
        "plain": f'create="echo created >> {marks}/plain; echo out; echo err >&2", delete="echo deleted >> {marks}/plain"',
        "updated": f'create="echo created >> {marks}/updated; echo first", update="echo updated:$PULUMI_COMMAND_STDOUT >> {marks}/updated"',
        "triggered": f'create="echo created >> {marks}/triggered", delete="echo deleted >> {marks}/triggered", triggers=["a"]',
        "given": f'create="cat; printenv NAME; pwd", stdin="from stdin\\n", environment={{"NAME": "value"}}, dir="{marks}"',
        "interpreted": 'create="import sys; print(sys.argv[0])", interpreter=["python3", "-c"]',
        "hidden": f'create="wc -c", stdin=pulumi.Output.secret("{SECRET}"), logging="none"',
    }
    return "".join(f'command.local.Command("{name}", {given})\n' for name, given in (arguments | changed).items())


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands leave their lines."""
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module")
def commands(stack: Stack, marks: Path) -> Stack:
    """A stack whose commands have run once; the preview before ran none of them."""
    stack.program(program(marks))
    assert set(stack.preview().changes().values()) == {"create"}
    assert not list(marks.iterdir())
    stack.up()
    return stack


def _lines(marks: Path, name: str) -> list[str]:
    return (marks / name).read_text().splitlines()


def test_create_runs_once_and_gives_its_output(commands: Stack, marks: Path) -> None:
    commands.expect_no_changes()
    commands.refresh("--expect-no-changes")
    assert _lines(marks, "plain") == ["created"]
    outputs = commands.resource("plain")["outputs"]
    assert (outputs["stdout"], outputs["stderr"]) == ("out", "err")


def test_stdin_environment_directory_and_interpreter_are_used(commands: Stack, marks: Path) -> None:
    assert commands.resource("given")["outputs"]["stdout"] == f"from stdin\nvalue\n{marks}"
    assert commands.resource("interpreted")["outputs"]["stdout"] == "-c"


@pytest.fixture
def files(make_stack: Callable[[], Stack], tmp_path: Path) -> Stack:
    """A command that makes two files, and chooses one."""
    stack = make_stack()
    arguments = (
        f'create="echo one > one.txt; echo two > two.log", dir="{tmp_path}", asset_paths=["*.txt", "*.log", "!two*"]'
    )
    stack.program(f'command.local.Command("files", {arguments})')
    stack.up()
    return stack


def test_files_are_chosen_by_patterns(files: Stack) -> None:
    assert list(files.resource("files")["outputs"]["assets"]) == ["one.txt"]


@pytest.mark.stricter  # with the official plugin the state loses where the files are, and the next program cannot read it
def test_files_that_were_chosen_are_known_after_a_refresh(files: Stack) -> None:
    files.refresh("--expect-no-changes")
    files.expect_no_changes()
    assert list(files.resource("files")["outputs"]["assets"]) == ["one.txt"]


def test_a_secret_on_stdin_is_written_nowhere(commands: Stack) -> None:
    assert commands.resource("hidden")["outputs"]["stdout"] == str(len(SECRET))
    for path, text in commands.written():
        # The program itself is no secret to keep: it is the user's own file.
        assert SECRET not in text, path


def test_a_change_updates_triggers_replace_and_a_preview_runs_neither(commands: Stack, marks: Path) -> None:
    commands.program(
        program(
            marks,
            plain=f'create="echo again >> {marks}/plain", delete="echo deleted >> {marks}/plain"',
            updated=f'create="echo other", update="echo updated:$PULUMI_COMMAND_STDOUT >> {marks}/updated"',
            triggered=f'create="echo created >> {marks}/triggered", delete="echo deleted >> {marks}/triggered", triggers=["b"]',
            given=f'create="cat; printenv NAME; pwd", stdin="other\\n", environment={{"NAME": "value"}}, dir="{marks}"',
        )
    )
    expected = {"given": "update", "plain": "update", "triggered": "replace", "updated": "update"}
    assert commands.preview().changes() == expected
    assert _lines(marks, "plain") == ["created"]
    assert commands.up().changes() == expected
    assert _lines(marks, "plain") == ["created", "again"]
    assert _lines(marks, "updated") == ["created", "updated:first"]
    assert _lines(marks, "triggered") == ["created", "created", "deleted"]


def test_removal_runs_delete(commands: Stack, marks: Path) -> None:
    commands.program("")
    commands.up()
    assert _lines(marks, "plain")[-1] == "deleted"
    assert _lines(marks, "triggered").count("deleted") == 2


def test_a_command_that_fails_shows_its_output_and_is_run_again(
    make_stack: Callable[[], Stack], tmp_path: Path
) -> None:
    stack = make_stack()
    stack.program(
        f'command.local.Command("c", create="echo so far; echo but >&2; cat {tmp_path}/missing", logging="none")'
    )
    failed = stack.up(check=False)
    assert failed.code
    assert all(part in failed.output for part in ("exit status 1", "so far", "but", "missing"))
    (tmp_path / "missing").write_text("now")
    assert stack.up().verdict("c") == "create"


def test_a_function_runs_in_previews_too(scratch: Stack, tmp_path: Path) -> None:
    scratch.program(
        f'pulumi.export("out", command.local.run_output(command="echo ran >> {tmp_path}/marks; echo out").stdout)'
    )
    scratch.preview()
    scratch.up()
    assert scratch.outputs() == {"out": "out"}
    assert _lines(tmp_path, "marks") == ["ran", "ran"]


def test_bad_input_is_refused_in_the_preview_by_its_name(scratch: Stack) -> None:
    for inputs, named in (
        ({"creat": "true"}, "creat"),
        ({"create": ["true"]}, "create"),
        ({"environment": "A=b"}, "environment"),
    ):
        scratch.program(f'pulumi.CustomResource("command:local:Command", "c", {inputs!r})')
        refused = scratch.preview(check=False)
        assert refused.code
        assert any(named in message for message in refused.messages), refused.output
