"""Stack files for pictures: those of the checkout, any file, and one as it was in a revision (`REV:PATH`)."""

import subprocess
from pathlib import Path

from domain.problem import report
from lab import paths
from lab.doctor import configuration
from lab.doctor.configuration import Configuration
from lab.picture.build import build
from lab.picture.from_settings import from_settings
from lab.picture.graph import Graph
from settings.load import NAMESPACE


class SourceError(Exception):
    """What was named is not there, or no picture can be made of it; the text says why."""


def of_stack(stack: str) -> Graph:
    """The picture of a stack of the checkout, of the example where its file is not there yet.

    Raises configuration.NoStackFile and SourceError.
    """
    return _graph(configuration.read(stack, paths.CHECKOUT))


def of_file(name: str, stack: str = "") -> Graph:
    """The picture of a stack file: a path from where the command was typed, or `REV:PATH` with a path in the repository.

    `stack` is its name, where that of the file says another one.

    Raises SourceError.
    """
    file = Path(name)
    if file.is_file():
        try:
            text = file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{name} cannot be read: {error}") from None
    elif ":" in name and not name.startswith(("-", ":")):
        text, file = _shown(name), Path(name.partition(":")[2])
    else:
        raise SourceError(f"{name}: there is no such file; a file of a revision is written REV:PATH")
    stack = stack or file.name.removeprefix("Pulumi.").removesuffix(".yaml")
    return _graph(configuration.parse(text, stack, file, paths.CHECKOUT))


def _shown(name: str) -> str:
    result = subprocess.run(
        ["git", "-C", str(paths.CHECKOUT), "show", "--no-textconv", "--end-of-options", name],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise SourceError(f"{name}: git does not have it: {result.stderr.strip() or result.returncode}")
    return result.stdout


def _graph(written: Configuration) -> Graph:
    # A file that is not there yet, or a rule across keys that is broken, does not keep anybody from looking.
    if written.settings is None or written.unusable:
        problems = [*written.problems] or [*written.later]
        raise SourceError(report(problems, str(written.file), NAMESPACE))
    return build(from_settings(written.settings, written.stack))
