"""A machine outside the cluster, looked at over SSH by the functions that prepare it, without changing it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncssh

from domain import look as parse
from domain.look import Complaint
from lab import paths
from lab.doctor import ssh
from lab.doctor.finding import Finding, failed, ok, warning

LOOK_SECONDS = 25.0
_DEVICE = paths.CHECKOUT / "assets" / "edge" / "device"
_K3S = paths.CHECKOUT / "assets" / "cluster" / "k3s"
# Linkerd's identity allows 20 s; a certificate that is issued here is not yet valid on a machine whose clock is behind.
_CLOCK_WARNING, _CLOCK_FAILED = 20, 300
_PID = re.compile(r"\(pid (\d+)\)")
_KINDS = {
    "address": "device.address",
    "architecture": "device.architecture",
    "artefacts": "device.architecture",
    "cgroups": "device.cgroups",
    "clock": "device.clock",
    "download": "device.downloads",
    "free": "device.space",
    "name": "device.dns",
    "node": "device.route",
    "operating": "device.system",
    "page": "device.page-size",
    "podman": "device.programs",
    "port": "device.ports",
    "systemd-resolved": "device.dns",
    "user": "device.user",
    "uid": "device.user",
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a machine said: `facts` by name, and what is wrong with it."""

    facts: dict[str, str]
    findings: list[Finding]


@cache
def functions() -> str:
    """The text that defines `look`, as it is sent."""
    return _joined(_DEVICE / "common", _DEVICE / "preflight", _DEVICE / "look")


def k3s_functions() -> str:
    """The text that defines `look_k3s`, as it is sent."""
    common = (_DEVICE / "common", _K3S / "places", _DEVICE / "preflight", _K3S / "preflight")
    return _joined(*common, _DEVICE / "look", _K3S / "look")


def _joined(*files: Path) -> str:
    return "".join(file.read_text() for file in files)


async def look(target: ssh.Target, script: str, gate: asyncio.Semaphore) -> AsyncIterator[Finding | Look]:
    """Findings about the way in, then one Look when there is a way in."""
    async with gate:
        try:
            async with ssh.login(target) as connection:
                asked = time.time()
                done = await connection.run(f"{target.sudo}sh -s", input=script, timeout=LOOK_SECONDS)
                answered = time.time()
        except ssh.Refused as refused:
            yield refused.finding
            return
        except (TimeoutError, asyncssh.TimeoutError):
            cause = f"it let {target.user} in, and did not end looking at itself within {LOOK_SECONDS:.0f} s"
            yield failed("device.answer", target.subject, cause, f"{target.command} uptime")
            return
        except (OSError, asyncssh.Error) as error:
            yield failed("device.answer", target.subject, f"the connection broke: {error}", f"{target.command} uptime")
            return
    facts = parse.facts(str(done.stdout or ""))
    if "end" not in facts:
        yield _no_shell(target, str(done.stderr or done.stdout or ""))
        return
    yield ok("ssh.login", target.subject, f"{target.user}@{target.host} is let in; the host key is the pinned one")
    findings = [_finding(target, complaint) for complaint in parse.complaints(str(done.stderr or ""))]
    yield Look(facts=facts, findings=[*findings, _clock(target, int(facts["time"]), asked, answered)])


def _no_shell(target: ssh.Target, said: str) -> Finding:
    last = said.strip().splitlines()[-1:] or ["nothing was said"]
    if target.sudo and "sudo" in said:
        return failed(
            "device.sudo",
            target.subject,
            f"{target.user} may not use sudo without a password: {last[0]}",
            f"on the machine: echo '{target.user} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/{target.user}",
        )
    return failed(
        "device.answer", target.subject, f"its shell did not come to an end: {last[0]}", f"{target.command} uptime"
    )


def _finding(target: ssh.Target, complaint: Complaint) -> Finding:
    first = complaint.what.split()[0]
    check = _KINDS.get(first, "device.leftovers" if first.startswith("/") else "device.programs")
    say = failed if complaint.grave else warning
    cause = f"{complaint.what}: {complaint.found}; expected {complaint.expected}"
    if check == "device.ports" and (holder := _PID.search(complaint.found)):
        sudo = "sudo " if target.sudo else ""
        return say(check, target.subject, cause, f"{target.command} {sudo}kill {holder[1]}")
    return say(check, target.subject, cause, f"on {target.host}: {complaint.fix}")


def _clock(target: ssh.Target, there: int, asked: float, answered: float) -> Finding:
    """`there` is in whole seconds, read at some time between `asked` and `answered`."""
    off = there - answered if there > answered else there + 1 - asked if there + 1 < asked else 0.0
    words = f"{abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} this machine's"
    following = f"on {target.host}: sudo timedatectl set-ntp true"
    if abs(off) > _CLOCK_FAILED:
        cause = f"its clock is {words}: certificates look expired or not yet valid"
        return failed("device.clock", target.subject, cause, following)
    if abs(off) > _CLOCK_WARNING:
        return warning("device.clock", target.subject, f"its clock is {words}; Linkerd allows 20 s", following)
    return ok("device.clock", target.subject, "its clock and this machine's agree")


def said(facts: dict[str, str]) -> str:
    """The facts in one line."""
    quadlet = " with Quadlet" if facts.get("quadlet") == "yes" else ""
    podman = f", podman {facts['podman']}{quadlet}" if facts.get("podman") else ""
    return f"{facts.get('system', '')}, {facts.get('architecture', '')}, kernel {facts.get('kernel', '')}{podman}"
