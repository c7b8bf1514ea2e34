"""Checks inputs against a JSON schema and says what is wrong without ever showing a value."""

from collections.abc import Mapping
from typing import Any

import jsonschema
from jsonschema.protocols import Validator

from lab.standins.base.errors import Problem
from lab.standins.base.values import UNKNOWN, Archive, Asset, dotted

Schema = Mapping[str, Any]

_KINDS = {
    bool: "a boolean",
    int: "a number",
    float: "a fraction",
    str: "a string",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
    Asset: "an asset",
    Archive: "an archive",
}


_CHECKER = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"asset": lambda _, value: isinstance(value, Asset), "archive": lambda _, value: isinstance(value, Archive)}
)


def _skipping_unknown(keyword: str) -> Any:
    original = jsonschema.Draft202012Validator.VALIDATORS[keyword]

    def check(validator: Validator, constraint: Any, value: Any, schema: Schema) -> Any:
        if value is not UNKNOWN:
            yield from original(validator, constraint, value, schema) or ()

    return check


_KEYWORDS = jsonschema.Draft202012Validator.VALIDATORS
_StrictValidator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call] # as its authors ship it
    jsonschema.Draft202012Validator,
    validators={keyword: _skipping_unknown(keyword) for keyword in _KEYWORDS if not keyword.startswith("$")},
    type_checker=_CHECKER,
)


def kind(value: Any) -> str:
    """The kind of a value in the operator's words; the value itself may be a secret."""
    return _KINDS.get(type(value), type(value).__name__)


def problems(schema: Schema, inputs: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with `inputs`, in the order of the properties; empty when nothing is. None counts as absent."""
    present = _without_nulls(inputs)
    found = [problem for error in _StrictValidator(schema).iter_errors(present) for problem in _explain(error)]
    return sorted(set(found), key=lambda problem: (problem.property, problem.reason))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _explain(error: jsonschema.ValidationError) -> list[Problem]:
    here = tuple(error.absolute_path)
    value: Any = error.instance
    expected: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            return [
                Problem(dotted((*here, name)), f"is not a property here; known are {', '.join(known)}")
                for name in value
                if name not in known
            ]
        case "required":
            missing = [name for name in expected if name not in value]
            return [Problem(dotted((*here, name)), f"is required, {_wanted(schema, name)}") for name in missing]
        case "type":
            return [Problem(dotted(here), f"must be {_names(expected)}, not {kind(value)}")]
        case "enum" | "const":
            choices = expected if error.validator == "enum" else [expected]
            return [Problem(dotted(here), f"must be one of {', '.join(map(str, choices))}")]
        case "anyOf" | "oneOf":
            kinds = dict.fromkeys(_names(option.get("type", "value of another form")) for option in expected)
            return [Problem(dotted(here), f"must be {' or '.join(kinds)} of a known form, not {kind(value)}")]
        case _:
            return [Problem(dotted(here), f"must hold to {error.validator} {expected}")]


def _wanted(schema: Schema, name: str) -> str:
    declared = schema.get("properties", {}).get(name, {})
    return _names(declared["type"]) if "type" in declared else "and has no default"


def _names(types: str | list[str]) -> str:
    words = {
        "array": "a list",
        "object": "an object",
        "integer": "a whole number",
        "asset": "an asset",
        "archive": "an archive",
        "boolean": "a boolean",
        "number": "a number",
        "string": "a string",
    }
    return " or ".join(words.get(name, name) for name in ([types] if isinstance(types, str) else types))
