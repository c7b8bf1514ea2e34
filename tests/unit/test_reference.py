"""What is generated out of the settings says what the code does: the page of keys, the schemas, the project file."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from lab import schema
from lab.reference import page
from settings.labs import LABS
from settings.load import NAMESPACE
from tests.unit.stack_files import VALID, document

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "stacks" / "examples").glob("Pulumi.*.yaml"))


def _valid(lab: str, stack_file: Any) -> bool:
    return jsonschema.Draft202012Validator(schema.schema(lab)).is_valid(stack_file)


def test_the_page_of_keys_is_the_one_that_the_settings_make() -> None:
    assert (ROOT / "docs" / "reference" / "configuration.md").read_text() == page(), "run: make fix"


@pytest.mark.parametrize("lab", LABS)
def test_the_schema_is_the_one_that_the_settings_make(lab: str) -> None:
    assert (schema.directory() / f"{lab}.json").read_text() == schema.text(lab), "run: make fix"
    jsonschema.Draft202012Validator.check_schema(schema.schema(lab))


def test_there_is_no_schema_of_a_lab_that_is_not() -> None:
    assert {file.stem for file in schema.directory().iterdir()} == set(LABS)


def test_every_key_has_a_type_a_description_and_an_example_or_is_a_secret() -> None:
    rows = [re.split(r" \| ", row.strip("| ")) for row in page().splitlines() if row.startswith("| `")]
    assert len(rows) > 100
    for key, kind, description, *others in rows:
        assert kind and description, key
        assert "secret" in kind or others[-1].strip(" |"), key


def test_the_page_has_every_key_of_every_lab() -> None:
    text = page()
    for lab in VALID.values():
        for group, value in lab.items():
            for key in value if isinstance(value, dict) else [key for item in value for key in item]:
                listed = "[]" if isinstance(value, list) else ""
                assert f"| `{group}{listed}.{key}` |" in text


def test_the_project_file_declares_every_top_level_key_that_can_be_left_empty() -> None:
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    for model in LABS.values():
        # A secret has no value to declare; a part of a lab that is there when its key is must not get one.
        keys = {field.alias or name for name, field in model.model_fields.items() if field.default is not None}
        assert set(project["config"]) == keys


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_every_example_fits_its_schema_and_names_it_for_the_editor(file: Path) -> None:
    stack_file = yaml.safe_load(file.read_text())
    lab = stack_file["config"].get(f"{NAMESPACE}:lab", file.name.split(".")[1])
    jsonschema.Draft202012Validator(schema.schema(lab)).validate(stack_file)
    first = file.read_text().splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named, first
    # The copy in stacks/ is what is edited.
    assert (ROOT / "stacks" / named[1]).resolve() == schema.directory() / f"{lab}.json"


@pytest.mark.parametrize("lab", VALID)
def test_a_stack_file_that_fits_is_valid_with_what_the_engine_writes_into_it(lab: str) -> None:
    stack_file = document({"lab": lab, **VALID[lab], "trust-issuer-key": {"secure": "v1:abc"}})
    stack_file["config"]["kubernetes:context"] = "mine"
    assert _valid(lab, {**stack_file, "encryptionsalt": "v1:abc:v1:def", "secretsprovider": "passphrase"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"lab": "other"},
        {"linkered": {}},
        {"trust": {"issuer_days": 365}},
        {"trust": {"issuer-days": "365"}},
        {"trust": {"issuer-days": 0}},
        {"trust-issuer-key": "plain text"},
        {"workloads": [{"name": "smiley"}]},
        {"workloads": [{"name": "smiley", "addresses": ["pi.local"]}]},
        {"cluster": {"kubeconfig": "kubeconfig", "pod-cidr": "10.42.0.0"}},
        {"cluster": {"kubeconfig": "kubeconfig", "agents": 1}},
        {"mirrors": {"images": {"https://docker.io": "harbor.example.com"}}},
    ],
    ids=str,
)
def test_an_editor_marks_what_the_program_would_refuse(wrong: dict[str, Any]) -> None:
    for lab in VALID:
        assert not _valid(lab, document({"lab": lab, **VALID[lab], **wrong}))


def test_an_editor_marks_keys_that_no_stack_file_has() -> None:
    stack_file = document({"lab": "twin", **VALID["twin"]})
    assert _valid("twin", stack_file)
    assert not _valid("twin", {**stack_file, "secrets": {}})
    assert not _valid("twin", {"config": {**stack_file["config"], "cluster": {}}})
    assert not _valid("twin", {})


def test_a_pattern_describes_the_whole_value() -> None:
    def patterns(value: Any) -> list[str]:
        if isinstance(value, list):
            return [found for item in value for found in patterns(item)]
        if not isinstance(value, dict):
            return []
        here = [value["pattern"]] if isinstance(value.get("pattern"), str) else []
        return [
            *here,
            *value.get("patternProperties", {}),
            *(found for item in value.values() for found in patterns(item)),
        ]

    for lab in LABS:
        groups = schema.schema(lab)["$defs"]
        assert len(patterns(groups)) > 5
        assert [pattern for pattern in patterns(groups) if not (pattern[0] == "^" and pattern[-1] == "$")] == []
