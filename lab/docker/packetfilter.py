"""The packet filter that the engine writes its rules with, and taking those rules away again. Needs root."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from lab.docker.errors import DockerError
from lab.docker.install import system_path

BACKENDS = ("iptables", "iptables-nft", "iptables-legacy")  # the distribution's choice first
CHAIN_PREFIX = "DOCKER"
BRIDGE = "docker0"
NOT_IN_THIS_KERNEL = (
    "Bridge networks, name resolution between containers and published ports need it: run the lab on a kernel with "
    "netfilter (nf_tables or ip_tables, with nat), or set DOCKER_HOST to an engine on another machine"
)


def usable_backend() -> str:
    """Name of the first iptables whose `filter` and `nat` tables this kernel serves; raises DockerError if none."""
    answers = []
    for backend in BACKENDS:
        program = shutil.which(backend, path=system_path())
        if not program:
            answers.append(f"{backend}: not installed")
            continue
        faults = [fault for table in ("filter", "nat") if (fault := _fault_of(program, table))]
        if not faults:
            return program
        answers.append(f"{backend}: {faults[0]}")
    raise DockerError(f"no usable iptables on this machine ({'; '.join(answers)}). {NOT_IN_THIS_KERNEL}")


def directory_for(program: str, below: Path) -> Path | None:
    """A directory to put first on dockerd's PATH so that its `iptables` is `program`; None when it already is."""
    if Path(program).name == "iptables":
        return None
    directory = below / "bin"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("iptables", "ip6tables"):
        link = directory / name
        link.unlink(missing_ok=True)
        link.symlink_to(Path(program).with_name(Path(program).name.replace("iptables", name)))
    return directory


def forward_policy(program: str) -> str:
    """`ACCEPT` or `DROP` of the FORWARD chain; "" when it cannot be read."""
    listing = _run(program, "-w", "-S", "FORWARD")
    found = re.match(r"-P FORWARD (\w+)", listing.stdout)
    return found.group(1) if found else ""


def bridge_exists() -> bool:
    return Path("/sys/class/net", BRIDGE).exists()


def bridges_with_rules(program: str) -> frozenset[str]:
    """Bridges that an engine guards: those for which FORWARD asks its chain; a killed engine leaves them."""
    rules = [rule.split() for rule in _run(program, "-w", "-S", "FORWARD").stdout.splitlines()]
    guarded = [words for words in rules if words[-2:] == ["-j", CHAIN_PREFIX] and "-o" in words]
    return frozenset(words[words.index("-o") + 1] for words in guarded)


def remove_rules(program: str, bridges: frozenset[str], policy: str) -> None:
    """Take out every rule and chain that the engine made, and give FORWARD the `policy` that it had before."""
    for table in ("filter", "nat"):
        rules = _run(program, "-w", "-t", table, "-S").stdout.splitlines()
        for rule in rules:
            words = rule.split()
            if words[:1] == ["-A"] and (_is_engines(words) or bridges & set(words)):
                _run(program, "-w", "-t", table, "-D", *words[1:])
        chains = [rule.split()[1] for rule in rules if rule.startswith(f"-N {CHAIN_PREFIX}")]
        for flag in ("-F", "-X"):
            for chain in chains:
                _run(program, "-w", "-t", table, flag, chain)
    if policy:
        _run(program, "-w", "-P", "FORWARD", policy)


def remove_bridges(bridges: frozenset[str]) -> None:
    """Delete the engine's bridges; one that is gone already is no fault."""
    if not shutil.which("ip", path=system_path()):
        return
    for bridge in sorted(bridges):
        _run("ip", "link", "delete", bridge)


def _is_engines(words: list[str]) -> bool:
    """A rule in one of the engine's chains, or one that jumps there."""
    jump = words[words.index("-j") + 1] if "-j" in words else ""
    return words[1].startswith(CHAIN_PREFIX) or jump.startswith(CHAIN_PREFIX)


def _fault_of(program: str, table: str) -> str:
    listing = _run(program, "-w", "-t", table, "-S")
    return "" if listing.returncode == 0 else listing.stderr.strip().splitlines()[0] if listing.stderr else "no answer"


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": system_path(), "LC_ALL": "C"}
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=30, check=False, env=environment
    )
