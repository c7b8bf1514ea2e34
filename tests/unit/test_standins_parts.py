"""Parts of the stand-ins that need no engine."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lab.standins.base import Call, Properties
from lab.standins.command.connection import with_defaults
from lab.standins.command.globs import matching
from lab.standins.language_python import packages
from lab.standins.language_python.options import OptionError, interpreter
from lab.standins.tls import keys
from lab.standins.tls.certificates import SelfSignedCert

SETTINGS: Properties = {
    "allowedUses": ["cert_signing"],
    "isCaCertificate": True,
    "subject": {"commonName": "x", "country": "DE", "streetAddresses": ["a", "b"]},
    "validityPeriodHours": 1,
}


def _certificate(**changed: Any) -> x509.Certificate:
    pem = keys.outputs(keys.generate("ECDSA", "P256", 0))["privateKeyPem"]
    made = asyncio.run(SelfSignedCert().create(Call(), {**SETTINGS, "privateKeyPem": pem, **changed}))
    return x509.load_pem_x509_certificate(made.outputs["certPem"].encode())


@pytest.mark.parametrize(("asked", "written"), [(None, None), (-1, None), (0, None), (1, 1), (3, 3)])
def test_a_path_length_is_written_from_one_on_as_the_official_plugin_does(
    asked: int | None, written: int | None
) -> None:
    constraints = _certificate(maxPathLength=asked).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert constraints.path_length == written


def test_a_subject_is_in_the_official_order() -> None:
    assert _certificate().subject.rfc4514_string() == "CN=x,STREET=b,STREET=a,C=DE"


@pytest.mark.parametrize("algorithm", ["RSA", "ECDSA", "ED25519"])
def test_a_key_in_pem_is_read_back(algorithm: str) -> None:
    pem = keys.outputs(keys.generate(algorithm, "P256", 2048))["privateKeyPem"]
    assert keys.algorithm(keys.parse(pem, "privateKeyPem")) == algorithm
    assert load_pem_private_key(pem.encode(), None)


def test_files_are_chosen_by_rules_in_their_order(tmp_path: Path) -> None:
    for name in ("assets/logos/logo.svg", "src/index.js", "src/secret.js", "src/deep/other.js"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = matching(tmp_path, {"assetPaths": ["assets/**", "src/*.js", "!**secret.*"]})
    assert list(found["assets"]) == ["assets/logos/logo.svg", "src/index.js"]


def test_a_connection_has_the_official_defaults() -> None:
    found = with_defaults({"host": "a", "proxy": {"host": "b", "port": 2222}})
    assert (found["user"], found["port"], found["dialErrorLimit"], found["perDialTimeout"]) == ("root", 22, 10, 15)
    assert (found["proxy"]["user"], found["proxy"]["port"]) == ("root", 2222)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"toolchain": "poetry"}, "toolchain is 'poetry'"),
        ({"typechecker": "mypy"}, "option 'typechecker' is not supported"),
        ({"virtualenv": 3}, "must be the path of a directory"),
        ({"virtualenv": "nowhere"}, "run `pulumi install`"),
    ],
)
def test_a_runtime_option_that_cannot_be_honoured_is_named(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=re.escape(words)):
        interpreter(tmp_path, options)


def test_plugins_are_found_in_a_virtualenv() -> None:
    found = asyncio.run(packages.plugins(Path(sys.executable)))
    assert {"tls", "command", "kubernetes", "docker"} <= {plugin["name"] for plugin in found}
    assert all(plugin["version"] for plugin in found)
