"""A run that skipped something does not count as passed."""

from pathlib import Path

from lab.report import TIERS, faults

ALL = [f"tests.{tier}.test_a" for tier in TIERS]


def _report(tmp_path: Path, classes: list[str], skipped: str = "") -> Path:
    cases = "".join(f'<testcase classname="{name}" name="test_b"/>' for name in classes)
    file = tmp_path / "report.xml"
    file.write_text(f"<testsuites><testsuite>{cases}{skipped}</testsuite></testsuites>")
    return file


def test_a_run_of_every_tier_counts(tmp_path: Path) -> None:
    assert faults(_report(tmp_path, ALL)) == []


def test_a_run_without_the_twin_does_not_count(tmp_path: Path) -> None:
    without = [name for name in ALL if "twin" not in name]
    assert faults(_report(tmp_path, without)) == ["no test of the twin tier ran"]


def test_a_skipped_test_is_named_with_its_reason(tmp_path: Path) -> None:
    skipped = '<testcase classname="tests.twin.test_a" name="test_c"><skipped message="no docker"/></testcase>'
    assert faults(_report(tmp_path, ALL, skipped)) == ["skipped: tests.twin.test_a.test_c (no docker)"]
