"""The page of keys says what the code does."""

from pathlib import Path

import yaml

from lab.reference import page
from settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_page_of_keys_is_the_one_that_the_settings_make() -> None:
    assert (ROOT / "docs" / "reference" / "configuration.md").read_text() == page(), "run: make fix"


def test_every_key_has_a_description_and_an_example_or_is_a_secret() -> None:
    for row in page().splitlines()[8:]:
        key, description, _, example = (cell.strip() for cell in row.strip("|").split(" | "))
        assert description, key
        assert example or "secret" in description, key


def test_the_project_file_declares_every_top_level_key_but_the_secret_ones() -> None:
    declared = set(yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"])
    keys = {field.alias or name for name, field in Settings.model_fields.items() if not field.json_schema_extra}
    assert declared == keys
