"""A worktree of its own, in which first the base branch stands and then what is proposed."""

import filecmp
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.pull_request.programs import run

_REQUIREMENTS = ("requirements.txt", "requirements-dev.txt")
_SALT = re.compile(r"^encryptionsalt: .*\n?", re.MULTILINE)


class WorkError(Exception):
    """Git refused; the text says why."""


class Work:
    """`directory` is a git worktree of `checkout`, with a `.lab` of its own: the user's own lab is not touched."""

    def __init__(self, checkout: Path, directory: Path) -> None:
        self.checkout, self.directory = checkout, directory

    @property
    def stack_file(self) -> Path:
        """That of the twin."""
        return self.directory / "stacks" / "Pulumi.twin.yaml"

    def revision(self, name: str) -> str:
        """The commit that a branch, tag or commit names. Raises WorkError."""
        return self._git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", what=name
        ).strip()

    def base(self, commit: str) -> None:
        """Put the base there."""
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self._git("worktree", "add", "--quiet", "--force", "--detach", str(self.directory), commit)
        self._virtualenv()

    def head(self, prepare: Callable[[], None]) -> None:
        """Put what the checkout holds there, uncommitted changes too, on top of the lab that the base has made.

        `prepare` lets the twin write its own lines into a stack file that is the example again; the salt of the base's comes
        back after it, for the state is encrypted with it.
        """
        salt = "".join(_SALT.findall(self.stack_file.read_text()))
        self._git("checkout", "--quiet", "--force", "--detach", self.revision("HEAD"), there=self.directory)
        for name in self._names("--modified", "--others"):
            source, target = self.checkout / name, self.directory / name
            if source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
        for name in self._names("--deleted"):
            (self.directory / name).unlink(missing_ok=True)
        self._virtualenv()
        self.stack_file.unlink()
        try:
            prepare()
        finally:
            # However that ended: without the salt the base's lab could not be taken away any more.
            if not self.stack_file.exists():
                shutil.copyfile(self.stack_file.parent / "examples" / self.stack_file.name, self.stack_file)
            with self.stack_file.open("a") as file:
                file.write(salt)

    def remove(self) -> None:
        """Take the worktree away, and what git remembers of it."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self._git("worktree", "prune")

    def _virtualenv(self) -> None:
        """The checkout's own where it holds what is asked for there; another one is made by `make`."""
        for own, asked in ((".venv", _REQUIREMENTS), ("policy/.venv", ("policy/requirements.txt",))):
            link = self.directory / own
            if link.is_symlink():
                link.unlink()
            same = all(_same(self.checkout / name, self.directory / name) for name in asked)
            if same and (self.checkout / own).is_dir():
                shutil.rmtree(link, ignore_errors=True)
                link.symlink_to(self.checkout / own)
        if not (self.directory / ".venv").exists() and run("make", "tools", directory=self.directory):
            raise WorkError("make tools: the Python packages that are asked for there could not be installed")

    def _names(self, *which: str) -> list[str]:
        return self._git("ls-files", "-z", "--exclude-standard", *which).split("\0")[:-1]

    def _git(self, *arguments: str, what: str = "", there: Path | None = None) -> str:
        result = subprocess.run(
            ["git", "-C", str(there or self.checkout), *arguments], capture_output=True, text=True, check=False
        )
        if result.returncode:
            said = result.stderr.strip() or "there is no such branch, tag or commit"
            raise WorkError(f"{what or 'git ' + arguments[0]}: {said}")
        return result.stdout


def _same(first: Path, second: Path) -> bool:
    return first.is_file() and second.is_file() and filecmp.cmp(first, second, shallow=False)
