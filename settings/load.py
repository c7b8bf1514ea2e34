"""From the strings that Pulumi hands over to settings, or to one report of everything that is wrong."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.problem import Problem, report
from settings import checks
from settings.model import Settings

NAMESPACE = "mesh-expansion"

_EXPECTED = {
    "int_type": "a whole number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "missing": "a value",
}


class InvalidSettings(ValueError):
    """The stack file cannot be used; the text lists every problem."""


def read_stack(stack: str) -> Settings:
    """Settings of the stack whose program is running. Raises InvalidSettings with every problem at once."""
    from pulumi.runtime.config import CONFIG, is_config_secret  # noqa: PLC0415 - the rest is used without an engine

    prefix = f"{NAMESPACE}:"
    raw = {key.removeprefix(prefix): value for key, value in CONFIG.get().items() if key.startswith(prefix)}
    secret = {key for key in raw if is_config_secret(prefix + key)}
    return load(raw, secret, source=f"stacks/Pulumi.{stack}.yaml", project=Path.cwd())


def load(raw: Mapping[str, str], secret: set[str], *, source: str, project: Path) -> Settings:
    """Settings from raw configuration.

    `raw` maps keys without the namespace to what Pulumi stores: text, or JSON for anything nested. `secret` names the
    keys that are encrypted. `source` is the file to name in messages, `project` the directory that paths start from.
    Raises InvalidSettings.
    """
    plain = _plain_secrets(raw, secret)
    values = {key: _value(key, text) for key, text in raw.items()}
    try:
        settings = Settings.model_validate_json(json.dumps(values))
    except ValidationError as error:
        found = [_problem(details, secret) for details in error.errors()]
        raise InvalidSettings(report(plain + found, source, NAMESPACE)) from None
    if found := plain + checks.problems(settings, project):
        raise InvalidSettings(report(found, source, NAMESPACE))
    return settings


def _plain_secrets(raw: Mapping[str, str], secret: set[str]) -> list[Problem]:
    found = []
    for name, field in Settings.model_fields.items():
        key = field.alias or name
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("secret") and key in raw and key not in secret:
            found.append(
                Problem(
                    key,
                    "a secret in plain text (its value is not shown)",
                    "an encrypted value",
                    f"pulumi config set --secret {key} < FILE, and treat the old value as known to others",
                )
            )
    return found


def _value(key: str, text: str) -> Any:
    """Text stays text for keys that hold text; everything else is JSON."""
    fields = {field.alias: field for field in Settings.model_fields.values()}
    if key not in fields or fields[key].annotation in (str, str | None) or key == "lab":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _problem(details: ErrorDetails, secret: set[str]) -> Problem:
    location = details["loc"]
    key = _path(location)
    hidden = str(location[0]) in secret or "PRIVATE KEY" in str(details["input"])
    model = _model(location)
    kind = details["type"]
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        return Problem(
            key,
            "no such key",
            f"one of {', '.join(known)}",
            f"did you mean {close[0]!r}?" if close else "correct or remove it; docs/reference lists every key",
        )
    field = _field(model, location)
    if kind == "missing":
        found = "it is not set"
    elif hidden:
        found = "a value that does not fit (it is not shown)"
    else:
        found = _shown(details["input"])
    message = details["msg"][0].lower() + details["msg"][1:]
    expected = _EXPECTED.get(kind, message.removeprefix("input should be "))
    if field is not None and field.description:
        expected = f"{expected} ({field.description})"
    example = field.examples[0] if field is not None and field.examples else None
    name = [part for part in location if isinstance(part, str)][-1]
    fix = f"for example `{name}: {json.dumps(example)}`" if example is not None else "correct the value"
    return Problem(key, found, expected, fix)


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return path


def _model(location: tuple[int | str, ...]) -> type[BaseModel]:
    """The model that holds the last named key of a location."""
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        for name, field in model.model_fields.items():
            if part in (field.alias, name):
                model = next(_models(field.annotation), model)
    return model


def _models(annotation: object) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _field(model: type[BaseModel], location: tuple[int | str, ...]) -> Any:
    names = [part for part in location if isinstance(part, str)]
    for name, field in model.model_fields.items():
        if names and names[-1] in (field.alias, name):
            return field
    return None
