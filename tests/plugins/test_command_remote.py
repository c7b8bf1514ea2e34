"""command.remote over a real SSH connection: commands, copies, host keys and refusals."""

import time
from pathlib import Path

import asyncssh
import pytest

from tests.plugins.harness import Stack
from tests.plugins.sshd import USER, Sshd


def header(sshd: Sshd, **changed: object) -> str:
    """A program's `connection`, with settings changed."""
    settings = {
        "host": "127.0.0.1",
        "port": sshd.port,
        "user": USER,
        "private_key": sshd.client_key,
        "host_key": sshd.host_key,
        "dial_error_limit": 1,
        "per_dial_timeout": 5,
    }
    return f"connection = command.remote.ConnectionArgs(**{settings | changed!r})\n"


def program(sshd: Sshd, source: Path, word: str, trigger: str) -> str:
    """A command, a file, a text and a directory on the server."""
    return (
        header(sshd)
        + f"""
off = dict(connection=connection, add_previous_output_in_env=False)
command.remote.Command("run", create="cat; echo {word}; echo err >&2", delete="echo gone >> deleted", stdin="hush-hush\\n", **off)
command.remote.Command("updated", create="echo {word}", update="echo $PULUMI_COMMAND_STDOUT then {word}", connection=connection)
command.remote.Command("triggered", create="echo run >> triggered", triggers=["{trigger}"], **off)
at = dict(connection=connection)
command.remote.CopyToRemote("file", source=pulumi.FileAsset("{source}/file"), remote_path="{sshd.home}/made/file", **at)
command.remote.CopyToRemote("text", source=pulumi.StringAsset("text {word}"), remote_path="{sshd.home}/text", **at)
command.remote.CopyToRemote("tree", source=pulumi.FileArchive("{source}/tree"), remote_path="{sshd.home}", **at)
command.remote.CopyToRemote("kept", source=pulumi.StringAsset("x"), remote_path="{sshd.home}/kept", triggers=["{trigger}"], **at)
"""
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files to copy."""
    directory = tmp_path_factory.mktemp("source")
    (directory / "file").write_text("first")
    (directory / "tree" / "inner").mkdir(parents=True)
    (directory / "tree" / "inner" / "leaf").write_text("leaf")
    return directory


@pytest.fixture(scope="module")
def remote(stack: Stack, sshd: Sshd, source: Path) -> Stack:
    """A stack that has run and copied; the preview before did not even connect."""
    stack.program(program(sshd, source, "one", "a"))
    assert set(stack.preview().changes().values()) == {"create"}
    assert sshd.connections == 0
    stack.up()
    return stack


def test_a_command_gets_stdin_and_gives_its_output(remote: Stack) -> None:
    outputs = remote.resource("run")["outputs"]
    assert (outputs["stdout"], outputs["stderr"]) == ("hush-hush\none", "err")


def test_files_texts_and_directories_arrive(remote: Stack, sshd: Sshd) -> None:
    assert (sshd.home / "made" / "file").read_text() == "first"
    assert (sshd.home / "text").read_text() == "text one"
    assert (sshd.home / "tree" / "inner" / "leaf").read_text() == "leaf"


def test_a_second_up_and_a_refresh_do_not_connect(remote: Stack, sshd: Sshd) -> None:
    before = sshd.connections
    remote.expect_no_changes()
    remote.refresh("--expect-no-changes")
    assert sshd.connections == before


def test_the_connection_is_secret_in_the_state(remote: Stack) -> None:
    for path, text in remote.written():
        assert "OPENSSH PRIVATE KEY" not in text, path


def test_changes_update_and_triggers_replace(remote: Stack, sshd: Sshd, source: Path) -> None:
    (source / "file").write_text("second")
    (source / "tree" / "inner" / "leaf").write_text("other leaf")
    remote.program(program(sshd, source, "two", "b"))
    before = sshd.connections
    expected = dict.fromkeys(("run", "updated", "file", "text", "tree"), "update") | {
        "triggered": "replace",
        "kept": "replace",
    }
    assert remote.preview().changes() == dict(sorted(expected.items()))
    assert sshd.connections == before
    assert remote.up().changes() == dict(sorted(expected.items()))
    assert remote.resource("run")["outputs"]["stdout"] == "hush-hush\ntwo"
    assert remote.resource("updated")["outputs"]["stdout"] == "one then two"
    assert (sshd.home / "triggered").read_text().splitlines() == ["run", "run"]
    assert (sshd.home / "made" / "file").read_text() == "second"
    assert (sshd.home / "tree" / "inner" / "leaf").read_text() == "other leaf"
    remote.expect_no_changes()


def test_removal_runs_delete_and_leaves_copies(remote: Stack, sshd: Sshd) -> None:
    remote.destroy()
    assert (sshd.home / "deleted").read_text() == "gone\n"
    assert (sshd.home / "text").exists()


def test_a_command_that_fails_shows_its_output(scratch: Stack, sshd: Sshd) -> None:
    scratch.program(header(sshd) + 'command.remote.Command("c", create="echo so far; exit 3", connection=connection)')
    failed = scratch.up(check=False)
    assert failed.code
    assert "Process exited with status 3" in failed.output
    assert "so far" in failed.output


def test_another_host_key_is_refused_quickly_and_before_any_login(scratch: Stack, sshd: Sshd) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    scratch.program(
        header(sshd, host_key=other) + 'command.remote.Command("c", create="echo ran", connection=connection)'
    )
    commands, start = len(sshd.commands), time.monotonic()
    failed = scratch.up(check=False)
    assert failed.code
    assert "key" in failed.output
    assert time.monotonic() - start < 30
    assert len(sshd.commands) == commands


def test_a_wrong_key_is_tried_a_few_times_only_and_never_shown(scratch: Stack, sshd: Sshd) -> None:
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    scratch.program(
        header(sshd, private_key=wrong) + 'command.remote.Command("c", create="echo ran", connection=connection)'
    )
    before = sshd.refused
    failed = scratch.up(check=False)
    assert failed.code
    assert sshd.refused - before <= 3
    assert "PRIVATE KEY" not in failed.output


def test_a_port_that_nobody_serves_fails_within_the_limit(scratch: Stack, sshd: Sshd) -> None:
    scratch.program(header(sshd, port=1) + 'command.remote.Command("c", create="echo ran", connection=connection)')
    start = time.monotonic()
    assert scratch.up(check=False).code
    assert time.monotonic() - start < 30


def test_a_server_behind_a_proxy_is_reached(scratch: Stack, sshd: Sshd) -> None:
    scratch.program(
        header(sshd)
        + f"""
proxy = command.remote.ProxyConnectionArgs(host="127.0.0.1", port={sshd.port}, user={USER!r}, private_key=connection.private_key)
connection.proxy = proxy
command.remote.Command("c", create="echo ran", connection=connection)
"""
    )
    before = sshd.connections
    scratch.up()
    assert scratch.resource("c")["outputs"]["stdout"] == "ran"
    assert sshd.connections - before == 2


def test_bad_input_is_refused_in_the_preview_by_its_name(scratch: Stack) -> None:
    for inputs, named in (
        ({"create": "true"}, "connection"),
        ({"connection": {"host": "a", "portt": 1}}, "portt"),
        ({"connection": {"host": "a", "port": "ssh"}}, "port"),
    ):
        scratch.program(f'pulumi.CustomResource("command:remote:Command", "c", {inputs!r})')
        refused = scratch.preview(check=False)
        assert refused.code
        assert any(named in message for message in refused.messages), refused.output
