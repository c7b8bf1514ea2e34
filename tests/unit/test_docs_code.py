"""Every block of code on every page is what it says it is: commands exist, configuration is read, programs compile."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import versions
from tests.conftest import Issue
from tests.unit.docs_shell import commands, typed, wrong
from tests.unit.docs_yaml import problems
from tests.unit.markdown import ROOT, Block, pages, read
from tests.unit.stack_files import make_project

# What no test here can know to be right, by page and first words, with the reason. Nothing else may have the language `text`.
UNTESTED = {
    (
        "docs/how-to/verify.md",
        "lab verify: stack twin",
    ): "the lines of a run with real parts; tests/twin compares such lines",
    (
        "docs/how-to/policies-as-code.md",
        "Policies:",
    ): "what the engine prints; tests/plugins/test_policy_pack.py reads it",
}
_SHELLCHECK = Path(sys.executable).parent / "shellcheck"
_COMMAND = ("make ", "lab ", "pulumi ", ".venv/bin/python ", "kubectl ", "sudo ")


def blocks(language: str) -> list[tuple[str, Block]]:
    """Those of one language, each with its page."""
    return [
        (str(file.relative_to(ROOT)), block)
        for file in pages()
        for block in read(file).blocks
        if block.language == language
    ]


def _ids(found: list[tuple[str, Block]]) -> list[str]:
    return [f"{name}:{block.line}" for name, block in found]


SHELL, YAML = [*blocks("sh"), *blocks("console")], blocks("yaml")


def test_every_block_has_a_language_that_is_tested_or_a_reason_why_not() -> None:
    tested = {"sh", "console", "yaml", "json", "python", "dockerfile"}
    others = [
        (str(file.relative_to(ROOT)), block.text)
        for file in pages()
        for block in read(file).blocks
        if block.language not in tested
    ]
    assert all(block.language in {*tested, "text"} for file in pages() for block in read(file).blocks)
    unknown = [
        text for page, text in others if not any(page == at and text.startswith(begin) for at, begin in UNTESTED)
    ]
    assert unknown == []
    assert len(others) == len(UNTESTED), "a reason that is no longer needed"


@pytest.mark.parametrize(("name", "block"), SHELL, ids=_ids(SHELL))
def test_every_command_of_a_block_is_one_that_there_is(name: str, block: Block) -> None:
    found = list(commands(typed(block.text, block.language)))
    assert found
    assert [said for words in found for said in wrong(words)] == []


def test_every_block_of_commands_is_good_shell(tmp_path: Path) -> None:
    files = []
    for number, (name, block) in enumerate(SHELL):
        file = tmp_path / f"{number}-{name.replace('/', '-')}-{block.line}.sh"
        file.write_text(f"#!/bin/bash\n{re.sub('<[a-z][^<>]*>', 'PLACEHOLDER', typed(block.text, block.language))}")
        files.append(str(file))
    # Values that a reader fills in are set nowhere.
    done = subprocess.run(
        [_SHELLCHECK, "--severity=warning", "--exclude=SC2154", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def _inline() -> Iterator[tuple[str, str]]:
    for file in pages():
        for line, text in read(file).code:
            if text.startswith(_COMMAND):
                yield f"{file.relative_to(ROOT)}:{line}", text


INLINE = list(_inline())


def test_every_command_in_a_sentence_is_one_that_there_is() -> None:
    assert len(INLINE) > 200
    said = [f"{at}: {fault}" for at, text in INLINE for words in commands(text) for fault in wrong(words)]
    # A sentence may speak of a command without what it takes.
    assert [line for line in said if "Missing argument" not in line] == []


def test_every_file_of_the_project_that_a_page_names_is_there() -> None:
    named = [
        (str(file.relative_to(ROOT)), text)
        for file in pages()
        for _, text in read(file).code
        if re.fullmatch(r"[\w.-]+(/[\w.*-]+)+/?", text)
    ]
    assert len(named) > 50
    found = [f"{page}: {said}" for page, text in named for said in wrong(["ls", text])]
    assert found == []


@pytest.mark.parametrize(("name", "block"), YAML, ids=_ids(YAML))
def test_a_piece_of_a_stack_file_is_read_without_a_problem(
    name: str, block: Block, tmp_path: Path, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project(tmp_path)
    # The reader has a key, and has logged in to the machines of the pages.
    (project / ".ssh").mkdir()
    (project / ".ssh" / "id_ed25519").touch()
    known = (project / "known_hosts").read_text()
    known += known.replace("192.168.1.21", "192.168.1.20")
    for hosts in (project / "known_hosts", project / ".ssh" / "known_hosts"):
        hosts.write_text(known)
    monkeypatch.setenv("HOME", str(project))
    before = [other.text for page, other in YAML if page == name and other.line <= block.line]
    assert problems(before, project, issue) == []


def test_versions_in_commands_are_those_that_are_pinned() -> None:
    pinned = {"edge-": versions.LINKERD, "spire-": f"spire-{versions.SPIRE}"}
    for begin, version in pinned.items():
        said = {found for _, block in SHELL for found in re.findall(begin + r"\d+\.\d+\.\d+", block.text)}
        assert said == {version}


@pytest.mark.parametrize(("name", "block"), blocks("json"), ids=_ids(blocks("json")))
def test_json_is_json(name: str, block: Block) -> None:
    assert isinstance(json.loads(block.text), dict)


@pytest.mark.parametrize(("name", "block"), blocks("python"), ids=_ids(blocks("python")))
def test_a_program_compiles(name: str, block: Block) -> None:
    assert ast.parse(block.text, filename=name).body


@pytest.mark.parametrize(("name", "block"), blocks("dockerfile"), ids=_ids(blocks("dockerfile")))
def test_an_image_is_built_on_one_that_is_built_here(name: str, block: Block) -> None:
    first, *others = block.text.splitlines()
    assert first.split()[0] == "FROM"
    assert (
        first.split()[1].rpartition(":")[0].rpartition("/")[2]
        in (ROOT / "assets" / "images" / "docker-bake.hcl").read_text()
    )
    assert all(re.match(r"(COPY|RUN|ENV|USER|LABEL) \S", line) for line in others)


@pytest.mark.parametrize(
    "text",
    [
        "make upp",
        "make up STACK=k4d-lab",
        "make verify ROW=traffick",
        "make up SPEED=fast",
        "lab verfy",
        "lab verify --rows access",
        ".venv/bin/python -m lab twin reboot",
        ".venv/bin/python -m labs up",
        "pulumi upp -s twin",
        "pulumi up --yess",
        'eval "$(make -s environment)"',
        "umask 077 && make upp | grep x",
        "sudo nosuchprogram",
        "lab picture --diff main:stacks/examples/Pulumi.nope.yaml stacks/Pulumi.twin.yaml",
        "ls lab/tools/katalogue.py",
        ".ci/runs",
    ],
)
def test_a_command_that_there_is_not_is_found(text: str) -> None:
    assert [said for words in commands(text) for said in wrong(words)] != []


@pytest.mark.parametrize(
    "text",
    [
        "trust: {issuer_days: 3}",
        "mesh-expansion:faces: {on-edge: [smily]}",
        "- {name: r, service: smiley, backends: {nobody: 1}}",
        "device: {gone: perhaps}",
        "flavour: sweet",
        "routes: [",
    ],
)
def test_a_piece_of_a_stack_file_that_is_wrong_is_found(text: str, tmp_path: Path, issue: Issue) -> None:
    assert problems([text], make_project(tmp_path), issue) != []
