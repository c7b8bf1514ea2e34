"""Generated stack files: whatever they say, the answer is settings or a list of mistakes with their keys, no traceback."""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lab import schema
from settings import InvalidSettings, Settings, load
from settings.labs import LABS
from settings.load import NAMESPACE
from tests.unit.stack_files import VALID, document, make_project, stored

# A place is `group[0].key`, and keys that no stack file should have are quoted.
_PLACE = r'(?:[\w-]+|\[".*?(?:"|\.\.\.)\])(?:\[\d+\]|\.[\w-]+|\[".*?(?:"|\.\.\.)\])*'
_PROBLEM = re.compile(rf"^  {NAMESPACE}:({_PLACE}): ", re.MULTILINE)

# Copies: what is drawn is changed further, and the next draw must find these as they are.
_ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        "", " ", "~", "~nobody-has-this-name/x", "\0", "a\nb", "x" * 5000, "/", "..", "-", "::", "1.2.3.4/0", "255.255.255.255",
        "fe80::1%eth0", "::ffff:1.2.3.4", "ssh-ed25519", "ssh-ed25519 AAAA", "edge-26.8.3", "edge-99.99.99", "1.0", "2.x",
        "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "https://", "\ud800",
        "None", "[", "{}", "NaN", "1e999", 0, -1, 1, 22, 2**31, 2**63, 10**30, -(10**30), 1.5, True, None, [], {}, [[]],
        [None], [{}], {"": ""}, {"secure": 1}, {"kubeconfig": "kubeconfig"}, {"host": "h"}, "smiley", "device",
    ]
).map(copy.deepcopy)  # fmt: skip
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | _ODD
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _names(inner)
    for inner in value if isinstance(value, list) else ():
        yield from _names(inner)


# Every name that a valid file has, so that generated groups look like real ones.
_KEYS = st.sampled_from(sorted({name for lab in VALID.values() for name in _names(dict(lab))}))
_GROUPS = st.dictionaries(_KEYS, _VALUES, max_size=4)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("project"))


@st.composite
def _changed(draw: st.DrawFn) -> dict[str, Any]:
    """A valid stack file with one to four changes anywhere."""
    lab = draw(st.sampled_from(sorted(VALID)))
    config: dict[str, Any] = {"lab": lab, **copy.deepcopy(dict(VALID[lab]))}
    for _ in range(draw(st.integers(1, 4))):
        holder: Any = config
        while True:
            places = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
            if not places:
                break
            place = draw(st.sampled_from(places))
            inner = holder[place]
            if isinstance(inner, dict | list) and inner and draw(st.booleans()):
                holder = inner
                continue
            _change(draw, holder, place)
            break
    return config


def _change(draw: st.DrawFn, holder: Any, place: Any) -> None:
    match draw(st.sampled_from(["replace", "odd", "remove", "rename", "repeat", "wrap", "add"])):
        case "replace":
            holder[place] = draw(_VALUES | _GROUPS)
        case "odd":
            holder[place] = draw(_ODD)
        case "remove":
            del holder[place]
        case "rename" if isinstance(holder, dict):
            holder[draw(_KEYS | st.text(max_size=8))] = holder.pop(place)
        case "repeat" if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[place]))
        case "wrap":
            holder[place] = draw(st.sampled_from([[holder[place]], {"x": holder[place]}]))
        case _ if isinstance(holder, dict):
            holder[draw(_KEYS | st.text(max_size=8))] = draw(_VALUES | _GROUPS)
        case _:
            holder.append(draw(_VALUES | _GROUPS))


def _answer(raw: dict[str, str], encrypted: set[str], project: Path) -> Settings | str:
    """Settings, or a report in which every problem has a place; anything else ends the test."""
    try:
        return load(raw, encrypted, source="stacks/Pulumi.x.yaml", project=project)
    except InvalidSettings as refusal:
        text = str(refusal)
    places = _PROBLEM.findall(text)
    assert places, text
    assert text.startswith(f"{len(places)} problem"), text
    return text


_QUICK = hypothesis_settings(
    phases=[Phase.explicit, Phase.generate],  # a failure is shown as it was found: making it smaller takes minutes
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(_changed())
@hypothesis_settings(_QUICK, max_examples=150)
def test_a_valid_file_that_was_changed_is_taken_or_refused_with_the_keys(project: Path, config: dict[str, Any]) -> None:
    _answer(*stored(config), project)


@given(
    st.sampled_from([*sorted(LABS), "", "lab"]),
    st.dictionaries(_KEYS | st.text(max_size=8), _VALUES | _GROUPS, max_size=6),
)
@hypothesis_settings(_QUICK, max_examples=100)
def test_no_structure_whatever_ends_in_a_traceback(project: Path, lab: str, config: dict[str, Any]) -> None:
    _answer(*stored({"lab": lab, **config}), project)


def _places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value has neither keys nor entries."""
    if not isinstance(value, dict | list):
        yield place
        return
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _places(inner, (*place, name))


@pytest.mark.parametrize("lab", sorted(VALID))
@pytest.mark.parametrize(
    "odd", ["~nobody-has-this-name/x", "a\0b\n", "x" * 5000, 10**30, None], ids=lambda odd: repr(odd)[:9]
)
def test_an_odd_value_in_any_place_is_taken_or_refused(project: Path, lab: str, odd: Any) -> None:
    for place in _places({key: value for key, value in VALID[lab].items() if key != "mirrors"}):
        config: dict[str, Any] = {"lab": lab, **copy.deepcopy(dict(VALID[lab]))}
        holder: Any = config
        for name in place[:-1]:
            holder = holder[name]
        holder[place[-1]] = odd
        _answer(*stored(config), project)


@pytest.mark.parametrize("key", ["lab", "trust-issuer-key"])
def test_half_a_character_in_a_key_of_text_is_refused_with_its_name(project: Path, key: str) -> None:
    answer = _answer({"lab": "twin", **stored(VALID["twin"])[0], key: "\ud800"}, {"trust-issuer-key"}, project)
    assert isinstance(answer, str)
    assert f"{NAMESPACE}:{key}: a value of which nothing can be made" in answer


_TOP = sorted({key for lab in VALID.values() for key in lab})
_TEXTS = st.text(max_size=20) | st.builds("".join, st.lists(st.sampled_from('{}[]":,\\u0nulE9 -.'), max_size=20))
_TEXTS |= st.sampled_from(
    ["[" * 100_000, '{"a":' * 100_000, '"\\ud800"', "NaN", "-Infinity", "9" * 5000, "1e400", '{"a":NaN}']
)


@given(st.dictionaries(st.sampled_from(_TOP), _TEXTS, max_size=4), st.sets(st.sampled_from(_TOP)))
@hypothesis_settings(_QUICK, max_examples=100)
def test_no_text_whatever_ends_in_a_traceback(project: Path, raw: dict[str, str], encrypted: set[str]) -> None:
    _answer({"lab": "twin", **raw}, encrypted, project)


@cache
def _validator(lab: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema.schema(lab))


@given(_changed())
@hypothesis_settings(_QUICK, max_examples=100)
def test_what_the_schema_refuses_the_settings_refuse(project: Path, config: dict[str, Any]) -> None:
    if config.get("lab") not in [*LABS] or any(_is_structure(value) for value in config.values()):
        return
    if not _validator(str(config["lab"])).is_valid(document(config)):
        assert isinstance(_answer(*stored(config), project), str), document(config)


def _is_structure(value: Any) -> bool:
    """Text that holds JSON: the engine makes no difference between it and what it says."""
    try:
        return isinstance(value, str) and json.loads(value) is not None
    except ValueError:
        return False


@given(st.sampled_from(sorted(VALID)), st.sets(st.sampled_from(["faces", "routes", "spire", "mirrors"]), min_size=1))
@hypothesis_settings(_QUICK, max_examples=30)
def test_every_bad_group_is_named_and_what_does_not_concern_it_is_checked(
    project: Path, lab: str, bad: set[str]
) -> None:
    config = {"lab": lab, **VALID[lab], **dict.fromkeys(bad, True), "linkerd": {"version": "edge-24.1.1"}}
    answer = _answer(*stored(config), project)
    assert isinstance(answer, str)
    assert set(_PROBLEM.findall(answer)) == {*bad, "linkerd.version"}
