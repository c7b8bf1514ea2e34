"""The tutorial: every step is typed as it stands there, and what it says comes out."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from lab.twin.parts import controllers_are_real
from tests.twin.conftest import Lab
from tests.twin.tutorial import PAGE, Command, Step, masked, steps

pytestmark = pytest.mark.twin

STEPS = steps(PAGE.read_text())
_PREFIX = "mesh-expansion:"


@pytest.fixture(scope="module")
def lab(new_lab: Callable[..., Lab]) -> Iterator[Lab]:
    lab = new_lab(devices=True)
    lab("twin", "up")
    yield lab
    lab("down", ok=False)


@pytest.mark.parametrize("step", STEPS, ids=[step.title for step in STEPS])
def test_a_step_of_the_tutorial_gives_what_it_says(lab: Lab, step: Step) -> None:
    def write(config: dict[str, Any]) -> None:
        here = config[f"{_PREFIX}docker"]["dns-address"].rpartition(".")[0]
        keys = yaml.safe_load(yaml.safe_dump(step.keys).replace("172.31.250", here))
        config.update({f"{_PREFIX}{key}": value for key, value in keys.items()})

    if step.keys:
        lab.configure(write)
    for command in step.commands:
        _typed(lab, command)


def _typed(lab: Lab, command: Command) -> None:
    make, target, *given = command.words
    assert make == "make", command.words
    rows = [word for name, _, value in (item.partition("=") for item in given) for word in value.split()]
    if target != "verify":
        assert not rows, command.words
        lab(target)
        return
    run = lab("verify", "--json", *(word for row in rows for word in ("--row", row)), ok=False)
    document = run.document
    assert document["counts"]["failed"] == 0, run.text
    found = {(item["subject"], item["verdict"], masked(item["found"])) for item in document["outcomes"]}
    unprovable = {item["subject"] for item in document["outcomes"] if item["verdict"] == "not provable here"}
    assert command.lines, f"{' '.join(command.words)}: the page shows nothing of what it says"
    for line in command.lines:
        if line.subject in unprovable and not controllers_are_real():
            continue
        assert (line.subject, line.verdict, masked(line.found)) in found, (line, document["outcomes"])
