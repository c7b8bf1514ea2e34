"""docs/troubleshooting.md has everything that doctor, verify and the prober can say is wrong, in their words."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from lab.troubles import doctor, page, prober, verify
from lab.troubles.trouble import Trouble
from lab.verify.registry import ROWS
from tests.unit.markdown import ROOT, read

DOCTOR = ROOT / "lab" / "doctor"
# Everything that has a word in what doctor says.
_SPEAKERS = (
    *DOCTOR.glob("*.py"),
    *(ROOT / "domain").glob("*.py"),
    *(ROOT / "settings").glob("*.py"),
    *(ROOT / "assets" / "edge" / "device").glob("*"),
)
_FINDINGS = {"ok": 0, "warning": 0, "failed": 0, "not_checked": 0, "say": 0, "_check": 0, "Check": 0}


def names(source: str) -> set[str]:
    """The names of checks that a module of doctor gives its findings: texts, or what the variables there may hold."""
    tree = ast.parse(source)
    found: set[str] = set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _FINDINGS:
            first = next((item.value for item in call.keywords if item.arg == "name"), None) or next(
                iter(call.args), None
            )
            found |= set(_texts(first, tree)) if first is not None else set()
    return {name for name in found if re.fullmatch(r"[a-z]+(\.[a-z-]+)?", name)}


def _texts(node: ast.AST, tree: ast.Module) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            yield inner.value
        elif isinstance(inner, ast.Name):
            for given in ast.walk(tree):
                yield from _given(given, inner.id, tree)


def _given(node: ast.AST, name: str, tree: ast.Module) -> Iterator[str]:
    """The texts that an assignment gives a variable, also as one of several, and of a table its values alone."""
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs: list[tuple[ast.expr, ast.expr]] = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        for one, value in pairs:
            if isinstance(one, ast.Name) and one.id == name:
                for given in value.values if isinstance(value, ast.Dict) else [value]:
                    yield from _texts(given, tree)


def test_every_check_that_doctor_can_report_is_in_the_table_and_no_other() -> None:
    assert set().union(*(names(file.read_text()) for file in DOCTOR.glob("*.py"))) == set(doctor.CHECKS)


def test_names_are_found_however_a_check_writes_them() -> None:
    written = """
CHECK = "tools"
KINDS = {"port": "device.ports"}
def run(first):
    yield ok(CHECK, "x", "fine")
    yield failed("ssh.reach", "x", "off", "ping")
    check, end = "cluster.kubeconfig", 3
    kind = KINDS.get(first, "device.programs")
    yield warning(check, "x", "soon", "renew")
    say(kind, "x", "taken", "kill")
    Check(name="ssh.login", subject="x", run=run)
"""
    expected = {"tools", "device.ports", "ssh.reach", "cluster.kubeconfig", "device.programs", "ssh.login"}
    assert names(written) == expected


def test_every_check_that_can_fail_says_what_to_type() -> None:
    assert [name for name, checked in doctor.CHECKS.items() if not checked.troubles] == ["device.machine"]


def _unsaid(trouble: Trouble, sources: str) -> list[str]:
    """Words of a trouble that no program says."""
    # What a machine says of itself is put together: "WHAT: FOUND; expected WANTED".
    parts = (part.strip(" ,:;()") for part in re.split(r"\.\.\.|: |; expected ", trouble.says))
    return [part for part in parts if part and part not in sources]


@cache
def _spoken(files: tuple[Path, ...]) -> str:
    """The texts of programs, those that are written in two lines put together."""
    return re.sub(r'"\s*\n\s*f?"', "", "".join(file.read_text() for file in files if file.is_file()))


@pytest.mark.parametrize("name", doctor.CHECKS)
def test_what_doctor_is_said_to_say_it_says(name: str) -> None:
    spoken = _spoken(_SPEAKERS)
    for trouble in doctor.CHECKS[name].troubles:
        assert _unsaid(trouble, spoken) == [], trouble.says


def test_words_that_no_program_says_are_found() -> None:
    assert _unsaid(Trouble(says="it is ... haunted", cause="", do=""), _spoken(_SPEAKERS)) == ["haunted"]


def test_every_reason_of_the_prober_is_in_the_table_in_its_words() -> None:
    source = "".join(file.read_text() for file in sorted((ROOT / "assets" / "prober").glob("*.py")))
    given = set(re.findall(r'Answer\(\s*False,\s*"(\w+)"', source)) | set(re.findall(r'"(AppDown|NotReady)"', source))
    assert given == set(prober.REASONS)
    for trouble in prober.REASONS.values():
        assert _unsaid(trouble, source) == [], trouble.says


def test_every_row_of_verify_is_in_the_table_and_no_other() -> None:
    assert [row.id for row in ROWS] == list(verify.ROWS)


def test_the_page_is_the_one_that_the_tables_make() -> None:
    text = page.PAGE.read_text()
    assert page.written(text) == text, "run: make fix"


def test_what_people_wrote_on_the_page_stays_and_a_page_without_the_mark_is_refused() -> None:
    head = "# Mine\n\nwords\n"
    made = page.written(f"{head}{page.MARK}stale\n")
    assert made.startswith(f"{head}{page.MARK}\n## ") and "stale" not in made
    with pytest.raises(ValueError, match="expected one line"):
        page.written(head)


def test_every_check_reason_and_row_is_on_the_page() -> None:
    shown = {text for _, text in read(page.PAGE).code}
    assert shown >= {*doctor.CHECKS, *prober.REASONS, *verify.ROWS}


def test_every_symptom_has_a_cause_and_something_to_do() -> None:
    rows = [row for row in read(page.PAGE).rows if not row[0].startswith("device.machine")]
    assert len(rows) > 100
    assert [row for row in rows if not all(row[1:])] == []
