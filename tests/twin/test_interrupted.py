"""`kill -9` of any process of a first `up`, and Ctrl-C: the next one converges, and nobody edits state."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial

import psutil
import pytest

from tests.twin.conftest import Lab

pytestmark = pytest.mark.twin

# What each victim's command line holds. The engine's processes are children of `up`, the cluster's are not.
ENGINE = {
    "the engine": ("pulumi", "up"),
    "the language host": ("lab.standins.language_python'", "bin/pulumi-language-python "),
    "the program": ("language_python/program.py", "pulumi-language-python-exec"),
    "the kubernetes plugin": ("lab.standins.kubernetes", "pulumi-resource-kubernetes"),
    "`up` itself": ("-m", "lab", "up"),
}
# What is there when the first kill comes, and when the second does: while the control plane is on its way, and the demo.
SEEN = (("namespace", "linkerd"), ("deployment", "-n", "faces", "face"))
CLUSTER = {
    "the store": ["etcd"],
    "the API server and both controllers": ["kube-apiserver", "kube-controller-manager", "kwok"],
}


def _exists(lab: Lab, *what: str) -> bool:
    return bool(lab.kubectl("get", *what, "--ignore-not-found", "-o", "name").strip())


def _until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 240) -> None:
    """Fails with what the process said when it ends before, or takes longer than that."""
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError(process.communicate()[0])
        time.sleep(0.1)


def _converges(lab: Lab) -> None:
    lab("up")
    lab.shell("pulumi preview -s twin --refresh --expect-no-changes")
    export = json.loads(lab.shell("pulumi stack export -s twin").text)
    assert not export["deployment"].get("pending_operations")
    assert _exists(lab, "httproute", "-n", "faces", "smiley-route")
    names = [resource["urn"].split("::")[-1] for resource in export["deployment"]["resources"]]
    assert len(names) == len(set(names))


def _empty(lab: Lab) -> None:
    """Back to before the first `up`; quicker than `destroy`, which test_lab.py proves."""
    lab("twin", "down")
    shutil.rmtree(lab.home / "state")
    lab("twin", "up")


# Two kills a case: the second meets what the first one left. In the middle of things each time.
@pytest.mark.parametrize(
    "victims",
    [
        ("the engine", "the program"),
        ("the language host", "the store"),
        ("the kubernetes plugin", "`up` itself"),
        ("Ctrl-C", "the API server and both controllers"),
    ],
    ids=" then ".join,
)
def test_up_converges_after_a_kill_of(lab: Lab, victims: tuple[str, ...]) -> None:
    try:
        for victim, seen in zip(victims, SEEN, strict=True):
            assert not _exists(lab, *seen), "nothing to kill it in the middle of"
            process = lab.start("up")
            _until(partial(_exists, lab, *seen), process)
            if victim == "Ctrl-C":
                _interrupt(lab, process)
            else:
                (_kill_in_cluster if victim in CLUSTER else _kill_in_engine)(lab, process, victim)
        _converges(lab)
    finally:
        _empty(lab)


def _interrupt(lab: Lab, process: subprocess.Popen[str]) -> None:
    """As a terminal does: the engine ends what it has begun and records it, and then the lab says what comes next."""
    os.killpg(process.pid, signal.SIGINT)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 130
    assert text.splitlines()[-1].startswith("interrupted; ")
    assert "Traceback" not in text
    assert not json.loads(lab.shell("pulumi stack export -s twin").text)["deployment"].get("pending_operations")


def _kill_in_engine(lab: Lab, process: subprocess.Popen[str], victim: str) -> None:
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    victims = [child for child in tree if _is(child, ENGINE[victim])]
    assert victims, [_command(child) for child in tree]
    for child in victims:
        child.kill()
    process.communicate(timeout=300)
    _gone(tree)


def _kill_in_cluster(lab: Lab, process: subprocess.Popen[str], victim: str) -> None:
    killed = {name: pid for name, pid in _pids(lab).items() if name in CLUSTER[victim]}
    assert set(killed) == set(CLUSTER[victim])
    for pid in killed.values():
        psutil.Process(pid).kill()
    # As an operator does who sees it: the update that runs waits for a dead store for minutes before it gives up.
    lab("twin", "up")
    process.communicate(timeout=400)
    assert not set(killed.items()) & set(_pids(lab).items())


def _pids(lab: Lab) -> dict[str, int]:
    """The cluster's processes, by the executable's name."""
    ours = str(lab.home)
    return {
        process.info["cmdline"][0].rsplit("/", 1)[-1]: process.pid
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"]
        and any(ours in word for word in process.info["cmdline"])
        and process.info["cmdline"][0].rsplit("/", 1)[-1] in {name for names in CLUSTER.values() for name in names}
    }


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def _is(process: psutil.Process, words: tuple[str, ...]) -> bool:
    command = _command(process)
    if words == ENGINE["the engine"]:
        return command.split(" ")[0].endswith("pulumi") and " up " in command
    if words == ENGINE["`up` itself"]:
        return " -m lab up" in command
    return any(word in command for word in words)


def _gone(processes: list[psutil.Process]) -> None:
    """What the dead left running ends by itself, or is ended here as an operator would."""
    _, alive = psutil.wait_procs(processes, timeout=60)
    for process in alive:
        process.kill()
    psutil.wait_procs(alive, timeout=10)
