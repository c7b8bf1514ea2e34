"""What a stand-in says about inputs that the official SDK does not know."""

import pulumi_command
import pulumi_tls
import pytest

from lab.standins.base import UNKNOWN, compare, inputs_of, problems

CERTIFICATE = {"privateKeyPem": "hush-hush", "allowedUses": ["cert_signing"], "validityPeriodHours": 1}


@pytest.mark.parametrize(
    ("changed", "path", "words"),
    [
        ({"validity": 1}, "validity", "known are allowedUses"),
        ({"subject": {"commonNames": "x"}}, "subject.commonNames", "known are commonName"),
        ({"validityPeriodHours": "1"}, "validityPeriodHours", "must be a whole number, not a string"),
        ({"validityPeriodHours": 1.5}, "validityPeriodHours", "must be a whole number, not a fraction"),
        ({"isCaCertificate": "true"}, "isCaCertificate", "must be a boolean, not a string"),
        ({"dnsNames": ["a", 1]}, "dnsNames[1]", "must be a string, not a number"),
        ({"dnsNames": "a"}, "dnsNames", "must be a list, not a string"),
        ({"privateKeyPem": None}, "privateKeyPem", "is required, a string"),
    ],
)
def test_a_wrong_input_is_named_with_what_is_expected_and_without_its_value(
    changed: dict[str, object], path: str, words: str
) -> None:
    found = problems(inputs_of(pulumi_tls.SelfSignedCertArgs), CERTIFICATE | changed)
    assert [problem.property for problem in found] == [path]
    assert words in found[0].reason
    assert "hush-hush" not in found[0].reason


def test_an_unknown_value_passes_for_every_kind() -> None:
    schema = inputs_of(pulumi_tls.SelfSignedCertArgs)
    assert not problems(schema, dict.fromkeys(schema["properties"], UNKNOWN))


def test_a_kind_of_its_own_in_the_sdk_is_a_choice_of_words() -> None:
    found = problems(inputs_of(pulumi_command.local.CommandArgs), {"logging": "all"})
    assert found[0].reason == "must be one of stdout, stderr, stdoutAndStderr, none"


def test_an_asset_is_not_a_string() -> None:
    inputs = {"connection": {"host": "a"}, "remotePath": "/b", "source": "/a"}
    assert [problem.property for problem in problems(inputs_of(pulumi_command.remote.CopyToRemoteArgs), inputs)] == [
        "source"
    ]


def test_a_difference_names_each_leaf_and_replaces_where_it_must() -> None:
    found = compare(
        {"a": {"x": 1, "y": [1, 2]}, "gone": "v", "same": None},
        {"a": {"x": True, "y": [1]}, "new": 0},
        replace_on={"a.x", "gone"},
    )
    assert found.changes == {("a", "x"): "update", ("a", "y", 1): "delete", ("gone",): "delete", ("new",): "add"}
    assert [path for path in found.changes if found.replaces(path)] == [("a", "x"), ("gone",)]
