"""What is wrong with a value, in the words of the stack file: from pydantic's errors to problems."""

import difflib
import json
from collections.abc import Collection, Iterator
from typing import Annotated, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from domain.problem import Problem, place, shown

Location = tuple[int | str, ...]

_EXPECTED = {
    "int_type": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "missing": "a value",
}


def problem(model: type[BaseModel], details: ErrorDetails, secret: Collection[str]) -> Problem:
    """One error of validating `model`; values of the top-level keys in `secret`, and private keys, are not shown."""
    holder, field, location = _held(model, details["loc"])
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown(holder, location)
    if kind == "missing":
        found = "it is not set"
    elif str(location[0]) in secret or is_private_key(json.dumps(details["input"], default=str)):
        found = "a value that does not fit (it is not shown)"
    else:
        found = shown(details["input"])
    message = details["msg"][0].lower() + details["msg"][1:]
    expected = _EXPECTED.get(kind, message.removeprefix("input should be "))
    if field is None:
        return Problem(place(*location), found, expected, "correct the value")
    example = field.examples[0] if field.examples else None
    name = [part for part in location if isinstance(part, str)][-1]
    return Problem(
        place(*location),
        found,
        f"{expected} ({field.description})" if field.description else expected,
        f"for example `{name}: {json.dumps(example)}`" if example is not None else "correct the value",
    )


def is_private_key(text: str) -> bool:
    """Whether the text holds a private key in PEM."""
    return "PRIVATE KEY-----" in text


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a group by the names that they have in the stack file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def models(annotation: object, form: str | None = None) -> Iterator[tuple[str | None, type[BaseModel]]]:
    """The groups that an annotation allows, each with the name of its form where there are several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield form, annotation
        return
    if get_origin(annotation) is Annotated:
        form = next((item.tag for item in get_args(annotation)[1:] if isinstance(item, Tag)), form)
    for inner in get_args(annotation):
        yield from models(inner, form)


def _unknown(holder: type[BaseModel], location: Location) -> Problem:
    known = list(keys(holder))
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return Problem(
        place(*location),
        "no such key",
        f"one of {', '.join(known)}",
        f"did you mean {close[0]!r}?" if close else "correct or remove it; docs/reference lists every key",
    )


def _held(model: type[BaseModel], location: Location) -> tuple[type[BaseModel], FieldInfo | None, Location]:
    """The group that the last key of a location is in, the field that it is or is part of, and the location in keys.

    Pydantic puts the name of a form, which is no key, behind the key of a group that has several.
    """
    field: FieldInfo | None = None
    inner: list[tuple[str | None, type[BaseModel]]] = [(None, model)]
    written: list[int | str] = []
    for part in location:
        if isinstance(part, str) and part in (form for form, _ in inner):
            inner = [(None, group) for form, group in inner if form == part]
            continue
        written.append(part)
        if isinstance(part, int) or not inner:  # not inner: a key of the operator's own, in a group of free keys
            continue
        model = inner[0][1]
        field = keys(model).get(part)
        inner = list(models(field.annotation)) if field else []
    return model, field, tuple(written)
