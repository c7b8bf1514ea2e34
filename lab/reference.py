"""The page that lists every configuration key, made from the settings' own descriptions."""

import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from settings import Settings
from settings.load import NAMESPACE

_HEAD = f"""# Configuration

Every key of `stacks/Pulumi.<stack>.yaml`, below `config:` and with the prefix `{NAMESPACE}:`. This page is made from
`settings/model.py` by `make fix`. A mistake is reported before anything is changed, all mistakes at once.

| key | what it is | default | example |
|---|---|---|---|
"""


def page() -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(f"| {' | '.join(row)} |\n" for row in _rows(Settings, ""))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        inner = next(_models(field.annotation), None)
        description = (field.description or "") + (", a secret" if _secret(field) else "")
        yield f"`{key}`", description, _default(field), _example(field)
        if inner is not None:
            listed = "[]" if "list" in str(field.annotation) else ""
            yield from _rows(inner, f"{key}{listed}.")


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if field.default is None or isinstance(field.default, BaseModel) or field.default == []:
        return ""
    return f"`{_text(field.default)}`"


def _example(field: FieldInfo) -> str:
    return f"`{_text(field.examples[0])}`" if field.examples else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _secret(field: FieldInfo) -> bool:
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("secret"))


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
