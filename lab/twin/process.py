"""A program that outlives the command that started it, known again by pid, start time and command line."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

from lab import paths
from lab.twin.errors import TwinError
from lab.twin.files import write_private

LOG_LIMIT = 4 << 20  # bytes; the newest quarter is kept
_STOP_SECONDS = 10.0
_started: dict[int, subprocess.Popen[bytes]] = {}  # so that this run reaps its own children


@dataclass(frozen=True, kw_only=True)
class _Record:
    """The pid file: `created` is the start in seconds since the epoch, `fingerprint` stands for all that was wanted."""

    pid: int
    created: float
    command: list[str]
    fingerprint: str


class ProcessState(NamedTuple):
    """`state` is `running` or `stopped`; `memory` is what it holds resident, in bytes."""

    name: str
    pid: int | None
    state: str
    port: int | None
    memory: int


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program of the twin. `binary` is a name (see `locate`) or a whole path.

    `mark` is an argument that no other process of this machine has, so that a program whose pid file is lost is found.
    `reads` are files that the program reads at its start only: it is started again when they change.
    `through` are the words of a command that takes the program's own behind them and becomes the program.
    """

    name: str
    binary: str
    arguments: tuple[str, ...]
    mark: str
    directory: Path
    through: tuple[str, ...] = ()
    port: int | None = None
    reads: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def pid_file(self) -> Path:
        return self.directory / "pid"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def find(self) -> psutil.Process | None:
        """The running process, or None. A pid that was handed out again to another program is not taken for it."""
        record = self._record()
        if record:
            try:
                process = psutil.Process(record.pid)
                if abs(process.create_time() - record.created) < 1 and self._is(process):
                    return process
            except psutil.Error:
                pass  # gone
        # An `up` that was killed between start and record leaves the program without a pid file.
        return next((process for process in psutil.process_iter() if self._is(process)), None)

    def ensure(self) -> bool:
        """Start the program unless it runs as wanted; True when it was started. Raises TwinError without a binary."""
        argv, wanted = [*self.through, locate(self.binary), *self.arguments], self._fingerprint()
        process = self.find()
        record = self._record()
        if process and record and record.pid == process.pid and record.fingerprint == wanted:
            self.trim_log()
            return False
        if process:
            self.stop()
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.trim_log()
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                # Nothing of the operator's shell: a proxy setting or ~/.kwok must not change the twin.
                env={"PATH": os.defpath, "HOME": str(self.directory), **self.environment},
                start_new_session=True,
            )
        _started[child.pid] = child
        process = psutil.Process(child.pid)
        # The kernel shows the new command line a moment after the start.
        while child.poll() is None and not self._is(process):
            time.sleep(0.001)
        created = process.create_time()
        record = _Record(pid=child.pid, created=created, command=argv, fingerprint=wanted)
        write_private(self.pid_file, json.dumps(asdict(record), indent=1).encode())
        return True

    def stop(self, grace: float = _STOP_SECONDS) -> None:
        """End the program and wait until it is gone; `grace` seconds to end by itself, 0 for at once."""
        while process := self.find():
            try:
                if grace:
                    process.terminate()
                if not grace or not _ended(process, grace):
                    process.kill()
                ended = _ended(process, _STOP_SECONDS)
            except psutil.NoSuchProcess:
                continue
            if not ended:
                raise TwinError(f"{self.name} (pid {process.pid}) does not end; end it by hand and try again")
        self.pid_file.unlink(missing_ok=True)

    def state(self, port: int | None) -> ProcessState:
        """Whether it runs; `port` is where it would listen. Its log is cut when it is too long."""
        self.trim_log()
        process = self.find()
        if process is None:
            return ProcessState(self.name, None, "stopped", port, 0)
        return ProcessState(self.name, process.pid, "running", port, process.memory_info().rss)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for a message."""
        try:
            said = self.log.read_text(errors="replace").strip().splitlines()[-lines:]
        except OSError:
            said = []
        return "\n".join([*(f"  {line[:400]}" for line in said), f"  (the whole log: {self.log})"])

    def trim_log(self) -> None:
        """Cut the log to its newest quarter when it is over the limit; the program appends, so it may go on writing."""
        try:
            if self.log.stat().st_size <= LOG_LIMIT:
                return
            with self.log.open("r+b") as log:
                log.seek(-(LOG_LIMIT // 4), os.SEEK_END)
                newest = log.read()
                log.seek(0)
                log.truncate()
                log.write(newest.partition(b"\n")[2])
        except FileNotFoundError:
            return

    def _is(self, process: psutil.Process) -> bool:
        if child := _started.get(process.pid):
            child.poll()
        try:
            words = process.cmdline()
            named = bool(words) and Path(words[0]).name == Path(self.binary).name
            return named and self.mark in words and _alive(process)
        except psutil.Error:
            return False

    def _record(self) -> "_Record | None":
        try:
            record = _Record(**json.loads(self.pid_file.read_text()))
            return record if isinstance(record.pid, int) and isinstance(record.created, float) else None
        except (OSError, ValueError, TypeError):
            return None  # absent or half-written

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(
            json.dumps([self.binary, (*self.through, *self.arguments), sorted(self.environment.items())]).encode()
        )
        for path in self.reads:
            digest.update(path.read_bytes())
        return digest.hexdigest()


def locate(binary: str) -> str:
    """Path of a tool: the checkout's own first, then PATH. Raises TwinError when there is none."""
    search = os.pathsep.join([str(paths.bin_directory()), os.environ.get("PATH", os.defpath)])
    if found := shutil.which(binary, path=search):
        return found
    raise TwinError(f"{binary} is neither in {paths.bin_directory()} nor on PATH; run `make tools`")


def _ended(process: psutil.Process, seconds: float) -> bool:
    """Whether it ends within so many seconds. One that its parent has yet to take note of counts as ended: the parent
    may be a process 1 that does so now and then only. Its ports are free once its last thread is gone, not its first.
    """
    limit = time.monotonic() + seconds
    while process.is_running() and (_alive(process) or _has_threads(process)):
        if time.monotonic() > limit:
            return False
        if child := _started.get(process.pid):
            child.poll()
        time.sleep(0.01)
    return True


def _alive(process: psutil.Process) -> bool:
    return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def _has_threads(process: psutil.Process) -> bool:
    """Whether others than the first one are still on their way out."""
    try:
        return len(list(Path(f"/proc/{process.pid}/task").iterdir())) > 1
    except OSError:
        return False
