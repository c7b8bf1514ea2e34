"""Values on their way between the engine and a stand-in."""

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import rpc

from lab.standins.base import UNKNOWN, Archive, Asset, has_unknown
from lab.standins.base.values import decode, dotted, encode

PLAIN = {
    "text": "a",
    "whole": 3,
    "fraction": 0.5,
    "yes": True,
    "none": None,
    "list": [1, {"inner": "x"}],
    "object": {"key.with/dots": "y"},
}


def test_plain_values_come_back_as_they_were() -> None:
    assert decode(encode(PLAIN)) == (PLAIN, frozenset())


def test_secrecy_travels_as_paths_and_comes_back_at_the_same_place() -> None:
    secrets = frozenset({("text",), ("list", 1, "inner"), ("object",)})
    encoded = encode(PLAIN, secrets)
    assert encoded.fields["text"].struct_value.fields[rpc._special_sig_key].string_value == rpc._special_secret_sig
    assert decode(encoded) == (PLAIN, secrets)


def test_unknowns_of_every_kind_are_one_value() -> None:
    numbers = struct_pb2.Struct(fields={"n": struct_pb2.Value(string_value="3eeb2bf0-c639-47a8-9e75-3b44932eb421")})
    assert decode(numbers)[0]["n"] is UNKNOWN
    assert decode(encode({"deep": [{"n": UNKNOWN}]}))[0]["deep"][0]["n"] is UNKNOWN
    assert has_unknown({"deep": [{"n": UNKNOWN}]})
    assert not has_unknown(PLAIN)


@pytest.mark.parametrize(
    "value",
    [
        Asset("path", "/a/file", "aa"),
        Asset("text", "content", "bb"),
        Asset("elided", "", "cc"),
        Archive("path", "/a/directory", "dd"),
        Archive("elided", "", "ee"),
        Archive("assets", {"inner": Asset("text", "x", "ff")}, "00"),
    ],
)
def test_assets_keep_their_kind_and_their_hash(value: Asset | Archive) -> None:
    assert decode(encode({"source": value}))[0] == {"source": value}


def test_paths_read_as_the_engine_writes_them() -> None:
    assert dotted(("spec", "ports", 0, "name")) == "spec.ports[0].name"
    assert dotted(("labels", "a.b/c")) == 'labels["a.b/c"]'
