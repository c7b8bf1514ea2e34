"""The component package, used from another program as `pulumi package add` would have it used."""

import json
from collections.abc import Callable

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.plugins.harness import CHECKOUT, Stack

PACKAGE = CHECKOUT / "package"

# What `pulumi package add` generates comes down to this class; the official language host alone can generate it.
PROGRAM = """
class Trust(pulumi.ComponentResource):
    anchors_pem: pulumi.Output[str]

    def __init__(self, name, **inputs):
        outputs = dict.fromkeys(("anchorsPem", "issuerCertificatePem", "issuerKeyPem", "expiry"))
        super().__init__("mesh-expansion:index:Trust", name, {**inputs, **outputs}, None, remote=True)

trust = Trust("mine", issuerDays=DAYS)
for name in ("anchorsPem", "issuerCertificatePem", "issuerKeyPem", "expiry"):
    pulumi.export(name, getattr(trust, name))
"""


@pytest.fixture(scope="module")
def other(make_stack: Callable[[], Stack]) -> Stack:
    """Another project, which takes the package from this checkout."""
    stack = make_stack()
    file = stack.directory / "Pulumi.yaml"
    project = yaml.safe_load(file.read_text())
    project["plugins"] = {"providers": [{"name": "mesh-expansion", "path": str(PACKAGE)}]}
    file.write_text(yaml.safe_dump(project))
    return stack


def test_the_package_has_a_schema_with_words_for_every_input(other: Stack) -> None:
    schema = json.loads(other.cli("package", "get-schema", str(PACKAGE)).stdout)
    assert set(schema["resources"]) == {f"mesh-expansion:index:{name}" for name in ("Route", "Trust", "Workloads")}
    for resource in schema["resources"].values():
        assert resource["isComponent"]
        assert all(given.get("description") for given in resource["inputProperties"].values())


def test_another_program_gets_a_component_and_its_outputs(other: Stack) -> None:
    other.program(PROGRAM.replace("DAYS", "30"))
    other.up()
    outputs = other.outputs()
    anchor = x509.load_pem_x509_certificate(outputs["anchorsPem"].encode())
    issuer = x509.load_pem_x509_certificate(outputs["issuerCertificatePem"].encode())
    issuer.verify_directly_issued_by(anchor)
    assert (issuer.not_valid_after_utc - issuer.not_valid_before_utc).days == 30
    assert load_pem_private_key(outputs["issuerKeyPem"].encode(), None).public_key() == issuer.public_key()
    assert set(outputs["expiry"]) == {"root-1", "issuer"}
    assert other.resource("mine")["type"] == "mesh-expansion:index:Trust"
    assert "PRIVATE KEY" not in other.export()
    other.expect_no_changes()


def test_a_wrong_input_is_named(other: Stack) -> None:
    other.program(PROGRAM.replace("DAYS", "'soon'"))
    failed = other.preview(check=False)
    assert failed.code
    assert "soon" in failed.output or "issuerDays" in failed.output
