"""The base branch brought up on the twin, what is proposed previewed and applied against it, and a comment about it."""

import shutil
import time
from pathlib import Path

import typer

from lab.comment.comment import comment
from lab.comment.preview import PreviewError, read
from lab.picture import sources
from lab.picture.difference import compare
from lab.picture.graph import Graph
from lab.pull_request.programs import Interrupted, interruptible, run
from lab.pull_request.work import Work

_LAB = (".venv/bin/python", "-m", "lab")
_PREVIEW = f'eval "$({" ".join(_LAB)} env)" && exec pulumi preview --json --stack twin --non-interactive'


class TrialFailed(Exception):
    """What came to nothing; what it printed stands above."""


class Trial:
    """`directory` holds everything of it; `comment.md` in it is what comes out and stays."""

    def __init__(self, checkout: Path, directory: Path) -> None:
        self._directory = directory
        self._work = Work(checkout, directory / "work")
        self._base, self._preview = directory / "base.yaml", directory / "preview.json"

    @property
    def comment(self) -> Path:
        """Where the comment is written."""
        return self._directory / "comment.md"

    def run(self, base: str) -> None:
        """Try it. Raises WorkError, TrialFailed and Interrupted; the trial's lab is gone then as it is afterwards."""
        commit = self._work.revision(base)
        for old in (self.comment, self._base, self._preview):
            old.unlink(missing_ok=True)
        with interruptible():
            try:
                self._leave()  # what a killed trial has left
                self._try(base, commit)
            finally:
                self._leave()

    def _try(self, base: str, commit: str) -> None:
        _say(f"{base} ({commit[:12]}): bringing it up on the twin")
        self._work.base(commit)
        if self._lab("up"):
            raise TrialFailed(f"{base} does not come up, so nothing can be said about what is proposed")
        shutil.copyfile(self._work.stack_file, self._base)
        _say(f"previewing what is proposed against {base}")
        self._work.head(self._prepare)
        broken = self._lab("preview")
        run("/bin/sh", "-c", _PREVIEW, directory=self._work.directory, output=self._preview)
        # Written before it is applied too, so that there is one whatever happens then.
        self._write(f"not applied to {base} yet")
        if broken:
            raise TrialFailed(f"the preview failed, or breaks a rule of policy/; the comment: {self.comment}")
        _say(f"applying what is proposed to {base}")
        begun = time.monotonic()
        failed = self._lab("up")
        seconds = f"after {time.monotonic() - begun:.0f} s"
        self._write(f"applying it to {base} on the twin {'failed' if failed else 'worked'} {seconds}")
        if failed:
            raise TrialFailed(f"what is proposed cannot be applied to {base}; the comment: {self.comment}")

    def _prepare(self) -> None:
        if self._lab("twin", "up"):
            raise TrialFailed("the twin's surroundings could not be made for what is proposed")

    def _write(self, outcome: str) -> None:
        try:
            found = read(self._preview.read_text())
        except PreviewError as error:
            raise TrialFailed(f"the preview failed before it could say anything: {error}") from None
        self.comment.write_text(comment(found, self._picture(), outcome))

    def _picture(self) -> Graph | None:
        try:
            return compare(sources.of_file(str(self._base), stack="twin"), sources.of_file(str(self._work.stack_file)))
        except sources.SourceError as error:
            _say(f"without a picture: {error}")
            return None

    def _lab(self, *arguments: str) -> int:
        return run(*_LAB, *arguments, directory=self._work.directory)

    def _leave(self) -> None:
        if not self._work.directory.exists():
            return
        _say("taking the trial's lab away")
        if self._work.stack_file.exists() and self._lab("down"):
            # The machines are the lab's own: without its programs nothing of it runs.
            self._lab("twin", "down")
        self._work.remove()


def _say(text: str) -> None:
    typer.echo(f"== {text}")


__all__ = ["Interrupted", "Trial", "TrialFailed"]
