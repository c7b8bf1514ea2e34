"""Looks at many workloads, each in its own time."""

from __future__ import annotations

import hashlib
import queue
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from .condition import Watched
from .kubernetes import Api
from .settings import Settings
from .workload import Answer, Target, probe, tls_context


@dataclass
class Prober:
    """Looks at every workload when it is due. Only `turn` talks to the API; threads only ask workloads."""

    settings: Settings
    api: Api
    watched: dict[str, Watched] = field(default_factory=dict)
    answers: queue.SimpleQueue[tuple[Watched, Target, Answer]] = field(default_factory=queue.SimpleQueue)
    listed: float = float("-inf")

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.settings.threads, thread_name_prefix="probe")

    def turn(self) -> None:
        """List what is registered, send out what is due, write what came back."""
        now = time.monotonic()
        if now - self.listed >= self.settings.soon:
            self._list(now)
        for watched in self.watched.values():
            if not watched.asking and now >= watched.due:
                watched.asking = True
                self.pool.submit(self._look, watched)
        while not self.answers.empty():
            self._write(*self.answers.get())

    def _list(self, now: float) -> None:
        targets = [target for namespace in self.settings.namespaces for target in self.api.workloads(namespace)]
        self.listed = now
        kept = {target.uid: self.watched.get(target.uid) for target in targets}
        for target in targets:
            watched = kept[target.uid] or Watched(target, due=now)
            if watched.target.place != target.place:
                watched.due = now
            watched.target = target
            kept[target.uid] = watched
        for uid in self.watched.keys() - kept.keys():
            say(f"{self.watched[uid].target.namespace}/{self.watched[uid].target.name}: gone")
        self.watched = {uid: watched for uid, watched in kept.items() if watched}

    def _look(self, watched: Watched) -> None:
        target = watched.target
        try:
            # Read anew each time: anchors change while this runs.
            context = tls_context(self.settings.anchors)
            answer = probe(target, context, self.settings.path, self.settings.timeout)
        except Exception as problem:  # one workload must not end the others' probes
            answer = Answer(False, "ProbeFailed", f"the prober itself failed: {problem!r}")
        self.answers.put((watched, target, answer))

    def _write(self, watched: Watched, target: Target, answer: Answer) -> None:
        now = time.monotonic()
        watched.asking = False
        watched.due = now + (self.settings.seconds if answer.ready else self.settings.soon) * _jitter(target, now)
        condition = watched.judge(answer, now)
        if condition is None or target.uid not in self.watched:
            return
        before = (watched.target.condition or {}).get("status")
        try:
            self.api.write(watched.target, condition)
        except OSError:
            watched.said = ("", "", "")  # not written: tried again at the next look
            raise
        # Judged against this until the next list brings the same.
        watched.target = replace(watched.target, condition=condition)
        if before != condition["status"]:
            verdict = "ready" if answer.ready else "not ready"
            say(f"{target.namespace}/{target.name}: {verdict}: {answer.reason}: {answer.text}")


def _jitter(target: Target, now: float) -> float:
    """0.9 to 1.1, another one each time: a thousand workloads that came at once drift apart."""
    digest = hashlib.sha256(f"{target.uid}{now}".encode()).digest()
    return 0.9 + 0.2 * digest[0] / 255


def say(text: str) -> None:
    """One line of the log."""
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")
    sys.stdout.flush()
