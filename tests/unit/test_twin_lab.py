"""What surrounds the twin's stack."""

from pathlib import Path

import pytest

from lab.stack_file import Wanted, wanted


def test_the_chart_mirror_offers_the_versions_that_the_stack_file_asks_for(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.twin.yaml"
    file.write_text(
        "config:\n  mesh-expansion:linkerd: {version: edge-26.6.3}\n  mesh-expansion:faces: {chart-version: 1.5.0}\n"
        "  mesh-expansion:emissary: {version: 4.0.1}\n"
    )
    assert wanted(file) == Wanted(("edge-26.6.3",), ("1.5.0",), ("4.0.1",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "config:",
        "config: 3",
        "- a",
        "config: {mesh-expansion:linkerd: 3}",
        "config: {mesh-expansion:linkerd: {version: ../x}}",
        "config: [",
    ],
)
def test_a_stack_file_that_makes_no_sense_is_left_to_the_engine_and_the_settings(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Pulumi.twin.yaml"
    file.write_text(text)
    assert wanted(file) == Wanted()
