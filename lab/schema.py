"""JSON schemas of the stack files, for editors: made from the settings, one a lab."""

import json
from pathlib import Path
from typing import Any

from lab import paths
from settings import secrets
from settings.labs import LABS
from settings.load import NAMESPACE

# What the engine itself writes into a stack file, or reads there.
_ENGINE = {
    "secretsprovider": {"type": "string", "description": "what encrypts the stack's secrets"},
    "encryptedkey": {"type": "string", "description": "the encrypted key of a cloud's secrets provider"},
    "encryptionsalt": {
        "type": "string",
        "description": "belongs to the passphrase that the stack's secrets were encrypted with",
    },
    "environment": {"description": "Pulumi ESC environments"},
}
_SECURE = {
    "type": "object",
    "description": "an encrypted value: `pulumi config set --secret` writes it",
    "properties": {"secure": {"type": "string"}},
    "required": ["secure"],
    "additionalProperties": False,
}
_ENCRYPTED = {"$ref": "#/$defs/Encrypted"}


def schema(lab: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the whole stack file of a lab."""
    model = LABS[lab]
    made = model.model_json_schema(by_alias=True)
    hidden = secrets.keys(model)
    keys = {
        f"{NAMESPACE}:{key}": _secret(value) if key in hidden else _plain(value)
        for key, value in made["properties"].items()
    }
    needed = [f"{NAMESPACE}:{key}" for key in made.get("required", [])]
    groups = {name: _group(group) for name, group in made["$defs"].items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Stack file of the lab {lab}",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "config": {
                "type": "object",
                "description": (model.__doc__ or "").strip(),
                "properties": keys,
                "required": needed,
                # Keys of others, such as kubernetes:context, are none of this program's business.
                "patternProperties": {f"^(?!{NAMESPACE}:)[^:]+:.": {}},
                "additionalProperties": False,
            },
            **_ENGINE,
        },
        "required": ["config"],
        "$defs": {**groups, "Encrypted": _SECURE},
    }


def text(lab: str) -> str:
    """The schema as the file that an editor reads."""
    return json.dumps(schema(lab), indent=2) + "\n"


def directory() -> Path:
    """Where the schemas lie."""
    return paths.CHECKOUT / "stacks" / "schema"


def write() -> None:
    """Write every lab's schema."""
    directory().mkdir(exist_ok=True)
    for lab in LABS:
        (directory() / f"{lab}.json").write_text(text(lab))


def _group(made: dict[str, Any]) -> dict[str, Any]:
    properties = {key: _plain(value) for key, value in made.get("properties", {}).items()}
    return {name: value for name, value in made.items() if name != "title"} | {"properties": properties}


def _plain(made: dict[str, Any]) -> dict[str, Any]:
    """Without what an editor shows to no use: titles made of names, and what a group is when nothing is said."""
    dropped = {"title"} if not isinstance(made.get("default"), dict) else {"title", "default"}
    kept = {name: value for name, value in made.items() if name not in dropped}
    if kept.get("default", ...) is None:
        del kept["default"]
    if "patternProperties" in kept:  # else other names could have any value
        kept["additionalProperties"] = False
    return _encryptable(kept)


def _encryptable(made: dict[str, Any]) -> dict[str, Any]:
    """A text may also be there encrypted, whatever key it belongs to; a choice of a few words may not."""
    several = made.get("anyOf")
    if made.get("type") == "string" and not {"enum", "const"} & made.keys():
        checks = {name: made.pop(name) for name in ("type", "pattern") if name in made}
        return {**made, "anyOf": [checks, _ENCRYPTED]}
    if several and any(item.get("type") == "string" and "enum" not in item for item in several):
        return {**made, "anyOf": [*several, _ENCRYPTED]}
    return made


def _secret(made: dict[str, Any]) -> dict[str, Any]:
    return {"description": f"{made['description']}: pulumi config set --secret", **_ENCRYPTED}
