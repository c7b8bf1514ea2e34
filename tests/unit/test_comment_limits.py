"""However long a preview is, its comment fits; whatever is secret in it, the comment does not say."""

import base64
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lab.comment.comment import comment
from lab.comment.preview import read
from lab.comment.redaction import MASK, clean, is_secret
from tests.conftest import issuing
from tests.unit.comment_fixtures import changed, kubernetes, preview, route, step

_GITHUB = 65_536
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_KEY = issuing()("somebody").key_pem
_CANARY = "the-very-secret-value"
_OPS = st.sampled_from(
    [
        "create",
        "update",
        "delete",
        "replace",
        "create-replacement",
        "delete-replaced",
        "read",
        "import",
        "discard",
        "same",
    ]
)
_WORDS = st.text(st.one_of(st.characters(), st.sampled_from("`<>|*_#@[]()\n")), max_size=40)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_WORDS, inner, max_size=4)),
    max_leaves=12,
)
# Where a secret may stand, each as a mapping of inputs.
_HIDDEN = [
    {"password": _CANARY},
    {"environment": {"API_TOKEN": [_CANARY, {"deep": _CANARY}]}},
    {"privateKey": {"inner": _CANARY}},
    {"kubeconfig": f"client-key-data: {base64.b64encode(_KEY.encode()).decode()}"},
    {"stdin": f"x{_KEY}"},
    {"any": {_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": _CANARY}},
    {"any": {_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": f'"{_CANARY}"'}},
    {"config": f"v1:bm9uY2Vub25jZQ==:{base64.b64encode(_CANARY.encode()).decode()}"},
    {"url": f"https://user:{_CANARY}@example.com/"},
    {_KEY: "a key as a name"},
]
_LEAKS = (_CANARY, "PRIVATE KEY", base64.b64encode(_CANARY.encode()).decode(), _KEY.splitlines()[1])


def _no_leak(text: str) -> None:
    assert not [leak for leak in _LEAKS if leak in text]
    joined = re.sub(r"\s", "", _KEY.splitlines()[1])
    assert joined not in text


@st.composite
def _large(draw: st.DrawFn) -> str:
    """Thousands of steps, made of a few that were drawn."""
    kinds = st.sampled_from([_PLAIN, "kubernetes:policy.linkerd.io/v1beta3:Server", "kubernetes:core/v1:Secret"])
    few = [
        step(
            draw(_OPS),
            draw(kinds),
            draw(_WORDS),
            before=draw(st.dictionaries(_WORDS, _VALUES, max_size=3)),
            after=draw(st.dictionaries(_WORDS, _VALUES, max_size=3)),
            replaceReasons=draw(st.lists(_WORDS, max_size=30)),
            detailedDiff=draw(st.dictionaries(_WORDS, st.just({"kind": "update", "inputDiff": True}), max_size=20)),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    number = draw(st.sampled_from([1, 30, 1000]))
    steps = [{**item, "urn": f"{item['urn']}-{index}"} for index in range(number) for item in few]
    messages = [{"severity": draw(st.sampled_from(["error", "warning"])), "message": draw(_WORDS) * 300}] * (
        number // 10
    )
    return preview(*steps, diagnostics=messages)


_PLAIN = "command:remote:Command"


@hypothesis_settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(_large())
def test_the_comment_of_any_preview_fits_and_its_folds_are_closed(text: str) -> None:
    written = comment(read(text))
    assert len(written.encode()) < _GITHUB
    outside = re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", written)
    assert outside.count("<details>") == outside.count("</details>")


def test_of_thousands_of_changes_the_comment_says_how_many_it_leaves_out() -> None:
    steps = [
        step(
            "update",
            _PLAIN,
            f"device-{index}-parts",
            before={"update": "a" * 300},
            after={"update": "b" * 300},
            detailedDiff={"update": {"kind": "update"}},
        )
        for index in range(5000)
    ]
    gone = [step("delete", _PLAIN, f"gone-{index}", before={}) for index in range(300)]
    written = comment(read(preview(*steps, *gone)))
    assert len(written) < _GITHUB
    assert "### Preview of `twin`: 300 deleted, 5000 updated" in written
    assert "- and 260 more, which the list of every change has" in written
    left = [int(number) for number in re.findall(r"and ([0-9]+) more, which the job's own log has", written)]
    assert len(left) == 2
    listed = len(re.findall(r"^[~-] (?:device|gone)-\d+", written, re.MULTILINE))
    assert listed + left[0] == 5300
    assert written.count("update:\n") + left[1] == 5000


@pytest.mark.parametrize("hidden", _HIDDEN)
def test_no_secret_is_in_a_comment_wherever_it_stands(hidden: dict[str, Any]) -> None:
    paths = {path: {"kind": "update", "inputDiff": True} for path in (*hidden, *(f"x.{key}" for key in hidden))}
    steps = [
        step("update", _PLAIN, "one", before={**hidden, "x": hidden}, after={"a": [hidden]}, detailedDiff=paths),
        step("update", _PLAIN, "two", before={}, after={**hidden, "x": hidden}, detailedDiff={"a[0]": {}, **paths}),
        step("replace", _PLAIN, "three", before={}, after=hidden, replaceReasons=[*hidden]),
    ]
    messages = [{"severity": severity, "message": f"it said: {_KEY}"} for severity in ("error", "warning")]
    written = comment(read(preview(*steps, diagnostics=messages)))
    _no_leak(written)
    assert MASK in written


def test_nothing_of_a_kubernetes_secret_is_in_a_comment() -> None:
    token, name, inputs = kubernetes("Secret", "mine", None)
    before, after = {**inputs, "stringData": {"plain": "x"}}, {**inputs, "stringData": {"plain": _CANARY}}
    paths = {"stringData.plain": {"kind": "update", "inputDiff": True}, "stringData": {"kind": "update"}}
    _no_leak(comment(read(preview(step("update", token, name, before=before, after=after, detailedDiff=paths)))))


@hypothesis_settings(max_examples=100, deadline=None)
@given(_VALUES, st.sampled_from(_HIDDEN), st.text(max_size=20))
def test_cleaning_finds_a_secret_at_any_depth(value: Any, hidden: dict[str, Any], key: str) -> None:
    _no_leak(repr(clean({key: [value, {"deeper": [hidden]}]})))


@pytest.mark.parametrize("before", range(3))
def test_a_private_key_in_base64_is_known_wherever_it_begins(before: int) -> None:
    assert is_secret(base64.b64encode(b"x" * before + b"-----BEGIN EC PRIVATE KEY-----\nMHcC").decode())


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN CERTIFICATE-----", "spiffe://root.linkerd.cluster.local/smiley", "https://example.com/a@b", "v1: 2"],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert clean({"value": text, "secretName": text, "tokenPath": text}) == {
        "value": text,
        "secretName": text,
        "tokenPath": text,
    }


def test_what_matters_most_is_kept_when_there_is_too_much() -> None:
    names = ["\U0001f600" * 200 + str(index) for index in range(500)]
    steps = [
        step("replace", _PLAIN, name, before={}, after={}, replaceReasons=["\U0001f600" * 500] * 20) for name in names
    ]
    steps.append(changed("update", route({"smiley": 80, "smiley2": 20}), route({"smiley": 10, "smiley2": 90})))
    written = comment(read(preview(*steps)))
    assert len(written.encode()) < _GITHUB
    assert "Replaced and deleted" in written
    assert "smiley 80 % → 10 %" in written
