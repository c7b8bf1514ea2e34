"""Every command explains itself, and so do make and the page of commands."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab import cli, command_reference, manual

ROOT = Path(__file__).parents[2]
FOUND = dict(command_reference.commands(cli.application))
EVERY = pytest.mark.parametrize("words", manual.ENTRIES)


def _help(words: str, columns: int) -> list[str]:
    found = CliRunner(env={"COLUMNS": str(columns)}).invoke(cli.application, [*words.split(), "--help"])
    assert found.exit_code == 0
    return found.stdout.splitlines()


def test_no_command_is_without_a_declaration_and_none_is_declared_that_is_not_there() -> None:
    assert FOUND.keys() == manual.ENTRIES.keys()
    for words, entry in manual.ENTRIES.items():
        assert 0 in entry.statuses, words
        assert FOUND[words].hidden or entry.examples, words


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    page = ROOT / "docs" / "reference" / "commands.md"
    assert page.read_text() == command_reference.page(cli.application), "run make fix"


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("words", ["", "twin", *manual.ENTRIES])
def test_help_fits_the_terminal_but_for_lines_that_are_typed(words: str, columns: int) -> None:
    entry = manual.ENTRIES.get(words)
    typed = {line.strip() for text in (entry.examples.values() if entry else ()) for line in text.splitlines()}
    for line in _help(words, columns):
        assert len(line) <= columns or line.strip() in typed, line
    assert columns < 80 or all(len(line) <= 76 for line in typed), "examples fit 80 columns themselves"


def test_commands_are_listed_in_the_order_in_which_they_are_needed_one_line_each_and_hidden_ones_are_not() -> None:
    lines = _help("", 80)
    listed = [line.split()[0] for line in lines if line.startswith("  ")]
    shown = list(dict.fromkeys(words.split()[0] for words in manual.ENTRIES if not FOUND[words].hidden))
    assert listed == shown
    headings = [line.rstrip(":") for line in lines if line.endswith(":")]
    assert headings == list(dict.fromkeys(entry.group for entry in manual.ENTRIES.values()))


@EVERY
def test_help_names_every_option_and_every_exit_status(words: str) -> None:
    text = "\n".join(_help(words, 80))
    for status, meaning in manual.ENTRIES[words].all_statuses.items():
        assert f"{status:5}  {meaning[:30]}" in text
    for parameter in FOUND[words].params:
        assert all(name in text for name in parameter.opts if name.startswith("-"))


def test_make_lists_every_target_below_a_heading_in_eighty_columns() -> None:
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = re.findall(r"^\.PHONY: ([a-z-]+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    listed = re.findall(r"^  make ([a-z-]+) ", run.stdout, re.MULTILINE)
    assert listed == [name for name in targets if name != "help"]
    assert [name for name in listed if name in manual.ENTRIES] == [
        words for words in manual.ENTRIES if words in listed
    ], "in the order of the manual"
    headings = [line.partition(" (")[0].rstrip(":") for line in run.stdout.splitlines() if line.endswith(":")]
    assert headings == [*dict.fromkeys(entry.group for entry in manual.ENTRIES.values()), "Change this project"]
    assert all(len(line) <= 80 for line in run.stdout.splitlines())
