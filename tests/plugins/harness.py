"""Runs small Pulumi programs by the real CLI against whatever plugins it finds, and reads what the engine did from its event log.

Knows nothing of the stand-ins: official plugins on PATH, or in the engine's plugin directory, are put to the same tests.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PASSPHRASE = "conformance"
_TIMEOUT_SECONDS = 180
_REPLACING = {"replace", "create-replacement", "delete-replaced", "discard-replaced"}


@dataclass(frozen=True)
class Step:
    """What the engine did, or would do, with one resource; `detail` maps property paths to `add`, `update-replace`, ..."""

    urn: str
    op: str
    keys: tuple[str, ...]
    detail: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """One run of the CLI. `output` is all that it printed; `messages` are the engine's diagnostics, one string each."""

    code: int
    output: str
    steps: tuple[Step, ...]
    messages: tuple[str, ...]

    def of(self, name: str) -> list[Step]:
        """The steps of the resource with that name."""
        return [step for step in self.steps if step.urn.rsplit("::", 1)[-1] == name]

    def verdict(self, name: str) -> str:
        """`same`, `create`, `update`, `replace`, `delete`, `refresh`; `absent` when the engine did nothing with it."""
        ops = {step.op for step in self.of(name)}
        if ops & _REPLACING:
            return "replace"
        return next((op for op in ("create", "update", "delete", "refresh", "same") if op in ops), "absent")

    def detail(self, name: str) -> dict[str, str]:
        """Property paths that differ, with the kind of difference."""
        return {path: kind for step in self.of(name) for path, kind in step.detail.items()}

    def replacing(self, name: str) -> set[str]:
        """Properties of the resource whose change replaces it."""
        return {key for step in self.of(name) for key in step.keys}

    def names(self, property: str) -> bool:
        """Whether a message names the property, as programs do (`rsaBits`) or as a Terraform provider does (`rsa_bits`)."""
        snake = re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", property)
        return any(property in message or snake in message for message in self.messages)

    def changes(self) -> dict[str, str]:
        """Name -> verdict of every resource that does not stay as it is."""
        names = {
            step.urn.rsplit("::", 1)[-1]
            for step in self.steps
            if "pulumi:pulumi:Stack" not in step.urn and "pulumi:providers:" not in step.urn
        }
        return {name: self.verdict(name) for name in sorted(names) if self.verdict(name) != "same"}


class Stack:
    """A project in a directory of its own, with its own engine home and state; nothing is shared with the user's."""

    def __init__(self, directory: Path) -> None:
        """Makes the project; without a `pulumi` on PATH the test fails."""
        self.directory = directory
        self._state = directory / "state"
        self._home = directory / "home"
        self._runs = 0
        for made in (self._state, self._home):
            made.mkdir(parents=True)
        # Where a file lies the engine cannot trace each run at its highest verbosity, which doubles the time.
        (self._home / "logs").touch()
        self.environment = self._environment()
        options = {"virtualenv": sys.prefix}
        project = {"name": "conformance", "runtime": {"name": "python", "options": options}}
        (directory / "Pulumi.yaml").write_text(json.dumps(project))
        self.program("")
        self.cli("stack", "init", "test")

    def _environment(self) -> dict[str, str]:
        home = Path(os.environ.get("LAB_HOME") or CHECKOUT / ".lab")
        path = os.pathsep.join([str(home / "bin"), os.environ["PATH"]])
        if shutil.which("pulumi", path=path) is None:
            raise AssertionError("there is no pulumi on PATH or in .lab/bin; run `make tools`")
        plugins = Path(os.environ.get("PULUMI_HOME") or home / "pulumi") / "plugins"
        if plugins.is_dir():
            (self._home / "plugins").symlink_to(plugins)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PULUMI_") and name != "SSH_AUTH_SOCK"
        }
        return inherited | {
            "PATH": path,
            "PULUMI_HOME": str(self._home),
            "PULUMI_BACKEND_URL": self._state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DEBUG_COMMANDS": "true",  # makes --event-log a known flag
            "NO_COLOR": "1",
        }

    def program(self, source: str) -> None:
        """Replaces the program. Imports of pulumi and of the SDKs are there already."""
        header = "import pulumi, pulumi_command as command, pulumi_tls as tls\n"
        (self.directory / "__main__.py").write_text(header + textwrap.dedent(source))

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs the CLI with any arguments."""
        done = subprocess.run(
            ["pulumi", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"pulumi {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done

    def start(self, command: str, *flags: str) -> "Running":
        """Starts an operation and leaves it running."""
        self._runs += 1
        log = self.directory / f"events-{self._runs}.json"
        confirmed = () if command == "preview" else ("--yes", "--skip-preview")
        arguments = [
            "pulumi",
            command,
            "--stack",
            "test",
            "--non-interactive",
            *confirmed,
            "--event-log",
            str(log),
            *flags,
        ]
        process = subprocess.Popen(
            arguments,
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return Running(process, log)

    def run(self, command: str, *flags: str, check: bool = True) -> Result:
        """Runs `preview`, `up`, `refresh` or `destroy`; a failure is an AssertionError unless `check` is False."""
        result = self.start(command, *flags).wait()
        if check and result.code:
            raise AssertionError(f"pulumi {command} failed:\n{result.output}")
        return result

    def preview(self, *flags: str, check: bool = True) -> Result:
        """Shows what would change."""
        return self.run("preview", *flags, check=check)

    def up(self, *flags: str, check: bool = True) -> Result:
        """Makes the changes."""
        return self.run("up", *flags, check=check)

    def refresh(self, *flags: str, check: bool = True) -> Result:
        """Reads what exists into the state."""
        return self.run("refresh", *flags, check=check)

    def destroy(self, *flags: str, check: bool = True) -> Result:
        """Removes everything."""
        return self.run("destroy", *flags, check=check)

    def expect_no_changes(self) -> None:
        """Another `up` must change nothing."""
        self.up("--expect-no-changes")

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secret ones in clear."""
        found: dict[str, Any] = json.loads(self.cli("stack", "output", "--json", "--show-secrets").stdout)
        return found

    def export(self) -> str:
        """The state as text, secrets encrypted."""
        return self.cli("stack", "export").stdout

    def resource(self, name: str) -> dict[str, Any]:
        """A resource as the state has it."""
        resources: list[dict[str, Any]] = json.loads(self.export())["deployment"].get("resources", [])
        return next(resource for resource in resources if resource["urn"].rsplit("::", 1)[-1] == name)

    def written(self) -> Iterator[tuple[Path, str]]:
        """What the engine wrote: each file of the state, and the events of each run.

        Without the debug messages: the SDK itself puts a stack's outputs there in clear, whatever the plugin, and shows them with --debug only.
        """
        for path in sorted(self._state.rglob("*")):
            if path.is_file():
                yield path, path.read_text(errors="replace")
        for path in sorted(self.directory.glob("events-*.json")):
            yield path, "\n".join(json.dumps(event) for event in _events(path))


class Running:
    """An operation under way."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        """`log` is the event log of the operation."""
        self.process = process
        self._log = log

    def wait(self) -> Result:
        """Waits for the end; one that hangs is killed."""
        try:
            output, _ = self.process.communicate(timeout=_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        events = _events(self._log)
        steps = tuple(_step(event["resourcePreEvent"]["metadata"]) for event in events if "resourcePreEvent" in event)
        messages = tuple(event["diagnosticEvent"]["message"] for event in events if "diagnosticEvent" in event)
        return Result(self.process.returncode, output, steps, messages)


def _events(log: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [event for event in events if event.get("diagnosticEvent", {}).get("severity") != "debug"]


def _step(metadata: Mapping[str, Any]) -> Step:
    detail = {path: entry["diffKind"] for path, entry in (metadata.get("detailedDiff") or {}).items()}
    return Step(metadata["urn"], metadata["op"], tuple(metadata.get("keys") or ()), detail)
