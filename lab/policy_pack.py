"""The policy pack under policy/, ready for the engine: its SDK in a virtualenv of its own, as its project file names it."""

import hashlib
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

from lab import paths
from lab.engine import EngineError
from lab.waiting import waiting


def ready() -> Path:
    """The pack's directory, once what its requirements.txt pins is installed. Raises EngineError when that fails."""
    pack = paths.CHECKOUT / "policy"
    requirements = pack / "requirements.txt"
    virtualenv = (pack / ".venv").resolve()  # where several copies of the project share one
    stamp = virtualenv / f".installed-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    if stamp.exists():
        return pack
    paths.cache().mkdir(parents=True, exist_ok=True)
    with FileLock(paths.cache() / "policy-pack.lock"):
        if not stamp.exists():
            for other in virtualenv.glob(".installed-*"):
                other.unlink()
            with waiting("policy pack: installing what policy/requirements.txt pins", "a minute, once"):
                _install(virtualenv, requirements)
            stamp.touch()
    return pack


def _install(virtualenv: Path, requirements: Path) -> None:
    python = str(virtualenv / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", str(virtualenv)], [*pip, "-r", str(requirements)]):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise EngineError(
                f"the policy pack could not be installed: {' '.join(command)} ended with {result.returncode}:\n"
                f"{(result.stderr or result.stdout).strip()}\n"
                f"Without it: pulumi preview -s STACK, in a shell set up by `make env`."
            )
