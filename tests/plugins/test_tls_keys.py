"""tls.PrivateKey: every kind of key, kept secret, made once."""

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.plugins.harness import Stack

KINDS = {
    "p224": 'algorithm="ECDSA"',
    "p256": 'algorithm="ECDSA", ecdsa_curve="P256"',
    "p384": 'algorithm="ECDSA", ecdsa_curve="P384"',
    "p521": 'algorithm="ECDSA", ecdsa_curve="P521"',
    "rsa": 'algorithm="RSA"',
    "ed": 'algorithm="ED25519"',
}
OUTPUTS = [
    "private_key_pem",
    "private_key_pem_pkcs8",
    "private_key_openssh",
    "public_key_pem",
    "public_key_openssh",
    "public_key_fingerprint_md5",
    "public_key_fingerprint_sha256",
]
PROGRAM = "".join(
    f'k = tls.PrivateKey("{name}", {arguments})\n'
    + "".join(f'pulumi.export("{name}.{output}", k.{output})\n' for output in OUTPUTS)
    for name, arguments in KINDS.items()
)


@pytest.fixture(scope="module")
def keys(stack: Stack) -> Stack:
    """A stack with a key of each kind; the preview comes first."""
    stack.program(PROGRAM)
    foretold = stack.preview()
    assert foretold.changes() == dict.fromkeys(KINDS, "create")
    assert stack.up().changes() == dict.fromkeys(KINDS, "create")
    return stack


def test_a_second_up_makes_no_new_key(keys: Stack) -> None:
    keys.expect_no_changes()


def test_every_form_of_a_key_is_the_same_key(keys: Stack) -> None:
    outputs = keys.outputs()
    for name in KINDS:
        forms = {output: outputs[f"{name}.{output}"] for output in OUTPUTS}
        key = load_pem_private_key(forms["private_key_pem"].encode(), None)
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        same = load_pem_private_key(forms["private_key_pem_pkcs8"].encode(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey)
        assert forms["public_key_pem"] == public
        assert same.public_key() == key.public_key()
        if name == "p224":  # OpenSSH knows no such curve
            assert not any(forms[output] for output in OUTPUTS if "openssh" in output or "fingerprint" in output)
            continue
        openssh = asyncssh.import_private_key(forms["private_key_openssh"])
        assert openssh.export_public_key("pkcs8-pem").decode() == public
        assert (
            asyncssh.import_public_key(forms["public_key_openssh"]).get_fingerprint()
            == forms["public_key_fingerprint_sha256"]
        )
        assert openssh.get_fingerprint("md5") == f"MD5:{forms['public_key_fingerprint_md5']}"


def test_a_key_has_the_curve_or_the_size_that_was_asked_for(keys: Stack) -> None:
    outputs = keys.outputs()
    loaded = {name: load_pem_private_key(outputs[f"{name}.private_key_pem"].encode(), None) for name in KINDS}
    curves = {name: key.curve.name for name, key in loaded.items() if isinstance(key, ec.EllipticCurvePrivateKey)}
    assert curves == {"p224": "secp224r1", "p256": "secp256r1", "p384": "secp384r1", "p521": "secp521r1"}
    assert isinstance(loaded["rsa"], rsa.RSAPrivateKey)
    assert loaded["rsa"].key_size == 2048


def test_a_refresh_changes_no_key(keys: Stack) -> None:
    before = keys.outputs()
    keys.refresh("--expect-no-changes")
    assert keys.outputs() == before


def test_no_private_key_is_written_in_clear(keys: Stack) -> None:
    for path, text in keys.written():
        assert "PRIVATE KEY" not in text, path
    assert "PUBLIC KEY" in keys.export()


def test_every_change_of_kind_replaces_and_a_default_written_out_does_not(keys: Stack) -> None:
    keys.program(
        """
        tls.PrivateKey("p224", algorithm="ECDSA", ecdsa_curve="P224", rsa_bits=2048)
        tls.PrivateKey("p256", algorithm="ECDSA", ecdsa_curve="P384")
        tls.PrivateKey("rsa", algorithm="RSA", rsa_bits=3072)
        tls.PrivateKey("ed", algorithm="ECDSA", ecdsa_curve="P521")
        tls.PrivateKey("p384", algorithm="ECDSA", ecdsa_curve="P384")
        """
    )
    foretold = keys.preview()
    assert foretold.changes() == {"p256": "replace", "rsa": "replace", "ed": "replace", "p521": "delete"}
    assert foretold.replacing("p256") == {"ecdsaCurve"}
    assert foretold.replacing("rsa") == {"rsaBits"}


def test_bad_input_is_refused_in_the_preview_by_its_name(scratch: Stack) -> None:
    for arguments, named in (
        ({"algorithm": "DSA"}, "algorithm"),
        ({"algorithm": "ECDSA", "ecdsaCurve": "P257"}, "ecdsaCurve"),
        ({"algorithm": "RSA", "rsaBits": "many"}, "rsaBits"),
        ({}, "algorithm"),
    ):
        scratch.program(f'pulumi.CustomResource("tls:index/privateKey:PrivateKey", "key", {arguments!r})')
        refused = scratch.preview(check=False)
        assert refused.code
        assert refused.names(named), refused.output


@pytest.mark.stricter  # the official plugin ignores a property that it does not know
def test_a_property_that_a_key_does_not_have_is_refused(scratch: Stack) -> None:
    arguments = {"algorithm": "RSA", "bits": 4096}
    scratch.program(f'pulumi.CustomResource("tls:index/privateKey:PrivateKey", "key", {arguments!r})')
    refused = scratch.preview(check=False)
    assert refused.code
    assert any("key" in message and "bits" in message for message in refused.messages), refused.output


def test_destroy_leaves_nothing(keys: Stack) -> None:
    keys.destroy()
    assert '"resources"' not in keys.export()
