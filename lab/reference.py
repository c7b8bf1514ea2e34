"""The page that lists every configuration key, made from the settings' own descriptions."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from settings import explanation
from settings.labs import LABS
from settings.load import NAMESPACE
from settings.model import Settings

_HEAD = f"""# Configuration

Every key of `stacks/Pulumi.<stack>.yaml`, below `config:` and with the prefix `{NAMESPACE}:`. This page and the schemas in
`stacks/schema/`, with which editors complete and check stack files, are made from `settings/` by `make fix`. A mistake is
reported before anything is changed, all mistakes at once.

A key that is a secret is taken encrypted only: `pulumi config set --secret KEY < FILE` writes it, and its value is never shown.
A stack that has the name of a lab needs no `lab`.

## Every lab
"""
_TABLE = """
| key | type | what it is | default | example |
|---|---|---|---|---|
"""
_OWN = ("lab", "cluster")  # what differs between labs


def page() -> str:
    """The whole page as Markdown."""
    common = [key for key in explanation.keys(Settings) if key not in _OWN]
    return _HEAD + _table(Settings, common) + "".join(_lab(name, model) for name, model in LABS.items())


def _lab(name: str, model: type[Settings]) -> str:
    text = f"\n## {name}\n\n{(model.__doc__ or '').strip()}\n" + _table(model, ["lab", "cluster"], nested=False)
    forms = list(explanation.models(explanation.keys(model)["cluster"].annotation))
    for _, group in sorted(forms, key=lambda form: form[0] == "(existing)"):
        text += f"\n{(group.__doc__ or '').strip()}\n" + _table(group, explanation.keys(group), prefix="cluster.")
    return text


def _table(model: type[BaseModel], keys: Any, *, prefix: str = "", nested: bool = True) -> str:
    rows = (row for key in keys for row in _rows(model, key, prefix, nested=nested))
    return _TABLE + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(model: type[BaseModel], key: str, prefix: str, *, nested: bool) -> Iterator[tuple[str, ...]]:
    field = explanation.keys(model)[key]
    made = _made(model)["properties"][key]
    kind = _type(made) + (", secret" if _secret(field) else "")
    yield f"`{prefix}{key}`", kind, field.description or "", _default(field), _example(field)
    inner = next(explanation.models(field.annotation), None)
    if inner is not None and nested:
        listed = "[]" if "list" in str(field.annotation) else ""
        for name in explanation.keys(inner[1]):
            yield from _rows(inner[1], name, f"{prefix}{key}{listed}.", nested=True)


@cache
def _made(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True)


def _type(made: Mapping[str, Any]) -> str:
    """The type in words, of what pydantic's JSON schema says."""
    choices = [item for item in made.get("anyOf", made.get("oneOf", ())) if item != {"type": "null"}]
    if choices:
        return " or ".join(dict.fromkeys(_type(choice) for choice in choices))
    if "const" in made:
        return f"`{made['const']}`"
    if "enum" in made:
        return " or ".join(f"`{value}`" for value in made["enum"])
    if "$ref" in made:
        return "group"
    kind = made.get("type")
    if kind == "array":
        return f"list of {_type(made['items'])}"
    if kind == "object":
        named = made.get("additionalProperties") or next(iter(made["patternProperties"].values()))
        return f"names with {_type(named)}"
    if kind == "integer":
        return _number(made)
    return "true or false" if kind == "boolean" else str(made.get("format", "text"))


def _number(made: Mapping[str, Any]) -> str:
    lowest = made.get("minimum", made.get("exclusiveMinimum", -1) + 1)
    if "maximum" in made:
        return f"{lowest} to {made['maximum']}"
    return f"number from {lowest}" if {"minimum", "exclusiveMinimum"} & made.keys() else "number"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None or isinstance(field.default, BaseModel) or field.default in ([], {}):
        return ""
    return f"`{_text(to_jsonable_python(field.default))}`"


def _example(field: FieldInfo) -> str:
    return f"`{_text(field.examples[0])}`" if field.examples else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _secret(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("secret"))
