"""The Python language host: what a program is told, how its failures read, and that it ends when it must."""

import json
import os
import signal
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.plugins.harness import Stack


@pytest.fixture(scope="module")
def program(stack: Stack) -> Stack:
    """A stack with one plain and one secret setting."""
    stack.cli("config", "set", "plain", "shown")
    stack.cli("config", "set", "--secret", "hidden", "hush-hush")
    return stack


def test_a_program_is_told_where_and_how_it_runs(program: Stack) -> None:
    program.program(
        """
        import os, sys
        pulumi.export("told", {
            "project": pulumi.get_project(), "stack": pulumi.get_stack(), "organization": pulumi.get_organization(),
            "root": pulumi.get_root_directory(), "here": os.getcwd(), "prefix": sys.prefix, "preview": pulumi.runtime.is_dry_run(),
        })
        """
    )
    program.up("--parallel", "3")
    told = program.outputs()["told"]
    here = str(program.directory)
    assert (
        told["prefix"]
        == json.loads((program.directory / "Pulumi.yaml").read_text())["runtime"]["options"]["virtualenv"]
    )
    assert {name: told[name] for name in ("project", "stack", "organization", "root", "here", "preview")} == {
        "project": "conformance",
        "stack": "test",
        "organization": "organization",
        "root": here,
        "here": here,
        "preview": False,
    }


def test_configuration_arrives_and_what_is_secret_stays_so(program: Stack) -> None:
    program.program(
        """
        import os
        config = pulumi.Config()
        pulumi.export("plain", config.require("plain"))
        pulumi.export("hidden", config.require_secret("hidden"))
        pulumi.export("known", [pulumi.runtime.is_config_secret(f"conformance:{key}") for key in ("plain", "hidden")])
        """
    )
    result = program.up()
    assert program.outputs() == {"plain": "shown", "hidden": "hush-hush", "known": [False, True]}
    assert "hush-hush" not in result.output
    assert "hush-hush" not in program.export()


def test_both_streams_reach_the_operator(program: Stack) -> None:
    program.program('import sys\nprint("to stdout")\nprint("to stderr", file=sys.stderr)')
    output = program.preview().output
    assert "to stdout" in output
    assert "to stderr" in output


def test_an_expected_error_shows_its_message_only(program: Stack) -> None:
    program.program('raise pulumi.RunError("say just this")')
    failed = program.preview(check=False)
    assert failed.code
    assert "error: say just this" in failed.output
    assert "Traceback" not in failed.output


def test_an_unexpected_error_shows_the_programs_own_traceback_once(program: Stack) -> None:
    program.program('def inner():\n    raise ValueError("bang")\ninner()')
    failed = program.preview(check=False)
    assert failed.code
    told = [message for message in failed.messages if "ValueError: bang" in message]
    assert len(told) == 1
    assert "in inner" in told[0]
    assert "runpy" not in told[0]


def test_an_exit_code_is_a_failure_that_names_it(program: Stack) -> None:
    program.program("import sys\nsys.exit(3)")
    failed = program.preview(check=False)
    assert failed.code
    assert "non-zero exit code: 3" in failed.output


def test_plugins_of_the_installed_sdks_are_asked_for_by_version(program: Stack) -> None:
    program.program('tls.PrivateKey("key", algorithm="ED25519")')
    program.up()
    provider = program.resource("key")["provider"].split("::")[-2]
    assert provider == "default_" + version("pulumi_tls").replace(".", "_")


def test_about_names_the_python_of_the_program(program: Stack) -> None:
    about = json.loads(program.cli("about", "--json").stdout)
    assert about["runtime"]["language"] == "python"
    assert about["runtime"]["executable"].startswith(
        json.loads((program.directory / "Pulumi.yaml").read_text())["runtime"]["options"]["virtualenv"]
    )


def test_a_virtualenv_that_is_not_there_is_named(make_stack: Callable[[], Stack]) -> None:
    stack = make_stack()
    (stack.directory / "Pulumi.yaml").write_text(
        "name: conformance\nruntime: {name: python, options: {virtualenv: missing-venv}}\n"
    )
    failed = stack.preview(check=False)
    assert failed.code
    assert "missing-venv" in failed.output


def test_an_option_that_is_not_known_is_named(make_stack: Callable[[], Stack]) -> None:
    stack = make_stack()
    (stack.directory / "Pulumi.yaml").write_text(
        "name: conformance\nruntime: {name: python, options: {toolchain: conda}}\n"
    )
    failed = stack.preview(check=False)
    assert failed.code
    assert "conda" in failed.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_program_ends_with_its_engine(
    make_stack: Callable[[], Stack], tmp_path: Path, number: signal.Signals
) -> None:
    stack = make_stack()
    pid_file = tmp_path / "pid"
    stack.program(
        f"import os, pathlib, time\npathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\ntime.sleep(300)"
    )
    running = stack.start("preview")
    end = time.monotonic() + 60
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    running.process.send_signal(number)
    assert running.wait().code
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
