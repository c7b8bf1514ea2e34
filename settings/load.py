"""From the strings that Pulumi hands over to settings, or to one report of everything that is wrong."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from domain.problem import Problem, place, report
from settings import checks, explanation, secrets
from settings.labs import LABS
from settings.model import Settings

NAMESPACE = "mesh-expansion"

# Stands in for a cluster that cannot be read, so that everything that does not concern it is checked all the same.
_NO_CLUSTER = {"kubeconfig": ""}


class InvalidSettings(ValueError):
    """The stack file cannot be used; the text lists every problem."""


class Examined(NamedTuple):
    """What can be made of a stack file: `unusable` names keys of the top level that `settings` holds something else for."""

    settings: Settings | None
    unusable: set[str]
    problems: list[Problem]


def read_stack(stack: str, project: str = NAMESPACE) -> Settings:
    """Settings of the stack whose program is running, in a project of that name.

    Raises InvalidSettings with every problem at once.
    """
    from pulumi.runtime.config import CONFIG, is_config_secret  # noqa: PLC0415 - the rest is used without an engine

    if project != NAMESPACE:  # `pulumi config set KEY` would write keys that nobody reads
        wrong = Problem(
            "name", repr(project), f"{NAMESPACE}, with which every key begins", f"write `name: {NAMESPACE}` there"
        )
        raise InvalidSettings(f"1 problem in Pulumi.yaml; nothing was changed.\n  {wrong}")
    prefix = f"{NAMESPACE}:"
    raw = {key.removeprefix(prefix): value for key, value in CONFIG.get().items() if key.startswith(prefix)}
    secret = {key for key in raw if is_config_secret(prefix + key)}
    return load(raw, secret, source=f"stacks/Pulumi.{stack}.yaml", project=Path.cwd(), stack=stack)


def load(raw: Mapping[str, str], secret: Collection[str], *, source: str, project: Path, stack: str = "") -> Settings:
    """Settings from raw configuration, of the lab that `lab` names, or else of the one that is called as `stack` is.

    `raw` maps keys without the namespace to what Pulumi stores: text, or JSON for anything nested. `secret` names the
    keys that are encrypted. `source` is the file to name in messages, `project` the directory that paths start from.
    Raises InvalidSettings.
    """
    found = examine(raw, secret, project=project, stack=stack)
    if found.problems or found.settings is None:
        raise InvalidSettings(report(found.problems, source, NAMESPACE))
    return found.settings


def examine(raw: Mapping[str, str], secret: Collection[str], *, project: Path, stack: str = "") -> Examined:
    """As `load`, for one who goes on with what can be used."""
    if not raw.get("lab"):  # the engine hands over what Pulumi.yaml says when the stack file says nothing
        raw = {**raw, "lab": stack if stack in LABS else ""}
    model = LABS.get(raw["lab"], Settings)
    found = [*_lab(raw["lab"]), *secrets.problems(model, raw, secret)]
    values = {}
    for key, text in raw.items():
        try:
            values[key] = _value(model, key, text)
        except ValueError as error:
            found.append(_unreadable(key, error))
    settings, unusable, wrong = _validated(model, values, secret)
    # What holds a private key is not looked at, so that no check shows it.
    unusable |= raw.keys() - values.keys() | {key for key in raw if secrets.is_misplaced(model, key, raw[key])}
    found += wrong
    if settings is not None:
        found += checks.problems(settings, project, unusable)
    found = [secrets.masked(problem, [values.get(key) for key in secret]) for problem in found]
    return Examined(settings, unusable, list(dict.fromkeys(found)))


def _lab(lab: str) -> list[Problem]:
    if lab in LABS:
        return []
    return [
        Problem(
            "lab",
            repr(lab) if lab else "it is not set",
            f"one of {', '.join(LABS)}",
            "write the lab's name, or call the stack by it and leave the key out",
        )
    ]


def _value(model: type[Settings], key: str, text: str) -> Any:
    """Text stays text for keys that hold text; everything else is JSON. ValueError for what no value can be made of."""
    field = explanation.keys(model).get(key)
    is_text = key == "lab" or (field is not None and field.annotation in (str, str | None))
    try:
        value = text if is_text else json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError:
        value = text
    from_json(json.dumps(value))
    return value


def _validated(
    model: type[Settings], values: Mapping[str, Any], secret: Collection[str]
) -> tuple[Settings | None, set[str], list[Problem]]:
    """The settings, the keys of the top level that are defaults or stand-ins in them because what is given is no use, and why."""
    try:
        return model.model_validate_json(json.dumps(values), by_alias=True, by_name=False), set(), []
    except ValidationError as error:
        details = error.errors()
    if model is Settings:  # no lab is chosen, so nothing is known of its cluster
        details = [item for item in details if item["loc"][0] not in ("lab", "cluster")]
    problems = [explanation.problem(model, item, secret) for item in details]
    unusable = {str(item["loc"][0]) for item in details} | ({"lab", "cluster"} if model is Settings else set())
    usable = {key: value for key, value in values.items() if key not in unusable}
    if "cluster" in unusable:
        usable["cluster"] = _NO_CLUSTER
    if model is Settings:
        usable["lab"] = ""
    return model.model_validate_json(json.dumps(usable), by_alias=True, by_name=False), unusable, problems


def _unreadable(key: str, error: ValueError) -> Problem:
    return Problem(
        place(key),
        f"a value of which nothing can be made: {error}",
        "text, numbers, lists or keys with values",
        "correct it",
    )
