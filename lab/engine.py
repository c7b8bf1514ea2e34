"""The Pulumi engine as the lab runs it: local state, a passphrase of its own, and the lab's tools first on PATH."""

import json
import os
import secrets
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab import paths

# Whoever keeps other stacks in another account must not have them mixed up with the lab's.
_NOT_INHERITED = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "KUBECONFIG")

_NO_TRACE = """\
In a directory of this name the engine would trace every run: 30 MB each, unencrypted until it knows the stack's passphrase,
and half of the time that a preview takes. To have traces (`pulumi logs`), replace this file by a directory.
"""


def settings_for_shell() -> Mapping[str, str]:
    """Environment variables under which `pulumi -s STACK ...` works on the lab's stacks."""
    home = paths.home()
    return {
        "PATH": os.pathsep.join([str(paths.bin_directory()), _inherited_path()]),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_BACKEND_URL": state_url(home / "state"),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(home / "passphrase"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # A machine that does not answer must not keep the others waiting for the next run.
        "PULUMI_CONTINUE_ON_ERROR": "true",
        # Most steps wait for a machine; by default four a processor would run at a time.
        "PULUMI_PARALLEL": "32",
        # A plugin that is missing is reported in a second, not after a download's time-out.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }


def state_url(directory: Path) -> str:
    """The engine's backend in a directory.

    Without metadata: beside each file the engine would write another one about it, and `kill -9` in the middle of that leaves it
    empty, after which every run ends with "failed to load checkpoint: EOF". The state itself is replaced in one piece.
    """
    return f"{directory.as_uri()}?metadata=skip"


def _inherited_path() -> str:
    ours = str(paths.bin_directory())
    return os.pathsep.join(part for part in os.environ.get("PATH", "").split(os.pathsep) if part and part != ours)


def environment() -> dict[str, str]:
    """The whole environment of an engine that the lab starts. Makes state directory and passphrase when missing."""
    prepare()
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**inherited, **settings_for_shell()}


def exports() -> str:
    """Lines for `eval` in a POSIX shell; `kubectl` and `helm` find the twin's cluster as well."""
    prepare()
    variables = {**settings_for_shell(), "KUBECONFIG": str(paths.twin() / "kubeconfig")}
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([f"unset {' '.join(_NOT_INHERITED)}", *lines])


def prepare() -> None:
    """Make the state directory, and a passphrase on first use: 0600, never printed."""
    home = paths.home()
    home.mkdir(parents=True, exist_ok=True)
    (home / "state").mkdir(mode=0o700, exist_ok=True)
    no_trace(home / "pulumi")
    passphrase = home / "passphrase"
    if passphrase.exists():
        return
    descriptor, name = tempfile.mkstemp(prefix="passphrase.", dir=home)  # 0600 from the start
    partial = Path(name)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        # A link fails where another run was first; then its passphrase is the one.
        os.link(partial, passphrase)
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def no_trace(engine_home: Path) -> None:
    """Keep the engine from tracing every run at its highest verbosity: there is no switch, but a file stops it."""
    engine_home.mkdir(mode=0o700, exist_ok=True)
    if not (engine_home / "logs").exists():
        (engine_home / "logs").write_text(_NO_TRACE)


def pulumi(*arguments: str, stack: str) -> int:
    """Run `pulumi` on a stack of this checkout with the terminal attached; returns its exit status.

    Ctrl-C reaches the engine too: it ends what it has begun and records it, and KeyboardInterrupt comes after that.
    """
    with _left_to_the_engine() as interrupted:
        status = subprocess.run(
            _command(arguments, stack), cwd=paths.CHECKOUT, env=environment(), check=False
        ).returncode
    if interrupted:
        raise KeyboardInterrupt
    return status


@contextmanager
def _left_to_the_engine() -> Iterator[list[int]]:
    """While it runs, SIGINT does not end this program: its end would kill the engine in the middle of a step."""
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


def outputs(stack: str) -> dict[str, Any]:
    """The stack's outputs with secrets masked; empty when the stack does not exist or has none."""
    result = subprocess.run(
        _command(("stack", "output", "--json"), stack),
        cwd=paths.CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return dict(json.loads(result.stdout)) if result.returncode == 0 and result.stdout.strip() else {}


def export(stack: str) -> str:
    """What is recorded of the stack, as `pulumi stack export` writes it; secrets stay encrypted. Raises EngineError."""
    result = subprocess.run(
        _command(("stack", "export"), stack),
        cwd=paths.CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise EngineError(f"stack {stack} cannot be read: {result.stderr.strip()}")
    return result.stdout


class EngineError(Exception):
    """The engine refused; the text says why and what to do."""


def select(stack: str) -> None:
    """Make the stack known to the engine. Raises EngineError."""
    result = subprocess.run(
        _command(("stack", "select", "--create"), stack),
        cwd=paths.CHECKOUT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if result.returncode == 0:
        return
    said = result.stderr.strip()
    if "incorrect passphrase" in said:
        said += (
            f"\nThe secrets in stacks/Pulumi.{stack}.yaml were encrypted with another passphrase than "
            f"{paths.home() / 'passphrase'}: put the old one there, or remove the line `encryptionsalt` and every "
            "`secure` value from the file and set them again with `pulumi config set --secret`."
        )
    raise EngineError(said)


def _command(arguments: tuple[str, ...], stack: str) -> list[str]:
    return ["pulumi", *arguments, "--stack", stack, "--non-interactive"]
