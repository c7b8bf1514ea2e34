"""tls.CertRequest, SelfSignedCert and LocallySignedCert: what they say, what replaces them, and when they are due."""

from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.plugins.harness import Result, Stack

# `changed` picks the one argument that differs in the second program; every resource has one change of its own.
PROGRAM = """
def certificate(name, **changed):
    settings = dict(
        private_key_pem=root_key.private_key_pem, is_ca_certificate=True, allowed_uses=["cert_signing", "crl_signing"],
        validity_period_hours=240, early_renewal_hours=24, subject={"common_name": "root.linkerd.cluster.local"},
    )
    return tls.SelfSignedCert(name, **(settings | changed))

def request(name, **changed):
    settings = dict(
        private_key_pem=leaf_key.private_key_pem, subject={"common_name": "leaf", "organization": "lab"},
        dns_names=["leaf.example"], ip_addresses=["192.0.2.7"], uris=["spiffe://root.linkerd.cluster.local/leaf"],
    )
    return tls.CertRequest(name, **(settings | changed))

def signed(name, **changed):
    settings = dict(
        ca_private_key_pem=root_key.private_key_pem, ca_cert_pem=root.cert_pem, cert_request_pem=leaf_request.cert_request_pem,
        allowed_uses=["cert_signing", "crl_signing"], is_ca_certificate=True, max_path_length=1, set_subject_key_id=True,
        validity_period_hours=48, early_renewal_hours=4,
    )
    return tls.LocallySignedCert(name, **(settings | changed))

root_key = tls.PrivateKey("root-key", algorithm="ECDSA", ecdsa_curve="P256")
leaf_key = tls.PrivateKey("leaf-key", algorithm="ECDSA", ecdsa_curve="P256")
root = certificate("root")
leaf_request = request("request")
signed("signed")
"""
CHANGES = {
    "self-uses": 'certificate("self-uses", allowed_uses=["cert_signing"])',
    "self-subject": 'certificate("self-subject", subject={"common_name": "other"})',
    "self-validity": 'certificate("self-validity", validity_period_hours=241)',
    "self-ca": 'certificate("self-ca", is_ca_certificate=False)',
    "self-ski": 'certificate("self-ski", set_subject_key_id=True)',
    "self-aki": 'certificate("self-aki", set_authority_key_id=True)',
    "self-path": 'certificate("self-path", max_path_length=2)',
    "self-dns": 'certificate("self-dns", dns_names=["a.example"])',
    "self-key": 'certificate("self-key", private_key_pem=leaf_key.private_key_pem)',
    "self-early": 'certificate("self-early", early_renewal_hours=25)',
    "self-due": 'certificate("self-due", early_renewal_hours=240)',
    "request-subject": 'request("request-subject", subject={"common_name": "leaf"})',
    "request-uris": 'request("request-uris", uris=[])',
    "signed-path": 'signed("signed-path", max_path_length=2)',
    "signed-uses": 'signed("signed-uses", allowed_uses=["client_auth"])',
    "signed-validity": 'signed("signed-validity", validity_period_hours=49)',
    "signed-ski": 'signed("signed-ski", set_subject_key_id=False)',
    "signed-early": 'signed("signed-early", early_renewal_hours=5)',
}
UPDATES = {"self-early", "signed-early"}
MAKERS = {"self": "certificate", "request": "request", "signed": "signed"}
BEFORE = PROGRAM + "".join(f'{MAKERS[name.split("-")[0]]}("{name}")\n' for name in CHANGES)
AFTER = PROGRAM + "\n".join(CHANGES.values())


@pytest.fixture(scope="module")
def certificates(stack: Stack) -> Stack:
    """A stack with the chain, and one more resource for each change that is tried."""
    stack.program(BEFORE)
    assert set(stack.up().changes().values()) == {"create"}
    return stack


def _certificate(stack: Stack, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(stack.resource(name)["outputs"]["certPem"].encode())


def test_a_second_up_changes_nothing(certificates: Stack) -> None:
    certificates.expect_no_changes()


def test_a_refresh_changes_nothing(certificates: Stack) -> None:
    certificates.refresh("--expect-no-changes")


def test_the_root_is_an_authority_without_path_length(certificates: Stack) -> None:
    root = _certificate(certificates, "root")
    root.verify_directly_issued_by(root)
    assert root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "root.linkerd.cluster.local"
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value) == (True, x509.BasicConstraints(ca=True, path_length=None))
    usage = root.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature
    assert (root.not_valid_after_utc - root.not_valid_before_utc).total_seconds() == 240 * 3600
    assert (
        x509.SubjectKeyIdentifier.from_public_key(root.public_key())
        == root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    )


def test_what_the_root_signs_names_it_and_keeps_the_request(certificates: Stack) -> None:
    root, signed = _certificate(certificates, "root"), _certificate(certificates, "signed")
    signed.verify_directly_issued_by(root)
    request = x509.load_pem_x509_csr(certificates.resource("request")["outputs"]["certRequestPem"].encode())
    names = x509.SubjectAlternativeName
    assert request.is_signature_valid
    assert signed.subject == request.subject
    assert (
        signed.extensions.get_extension_for_class(names).value
        == request.extensions.get_extension_for_class(names).value
    )
    assert signed.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 1
    authority = signed.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    assert authority == root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest


def test_the_state_tells_the_times_and_the_kind_of_key(certificates: Stack) -> None:
    outputs = certificates.resource("signed")["outputs"]
    end = _certificate(certificates, "signed").not_valid_after_utc
    assert outputs["validityEndTime"].startswith(end.strftime("%Y-%m-%dT%H:%M:%S"))
    assert outputs["readyForRenewal"] is False
    assert outputs["caKeyAlgorithm"] == "ECDSA"
    assert certificates.resource("root")["outputs"]["keyAlgorithm"] == "ECDSA"
    assert certificates.resource("signed")["id"] == str(_certificate(certificates, "signed").serial_number)


def test_no_private_key_is_written_in_clear(certificates: Stack) -> None:
    for path, text in certificates.written():
        assert "PRIVATE KEY" not in text, path


def test_only_another_renewal_time_is_an_update(certificates: Stack) -> None:
    certificates.program(AFTER)
    assert certificates.preview().changes() == {name: "update" if name in UPDATES else "replace" for name in CHANGES}


def test_a_certificate_that_is_due_is_replaced_without_any_change(make_stack: Callable[[], Stack]) -> None:
    due = make_stack()
    due.program(PROGRAM + 'certificate("due", early_renewal_hours=240)')
    due.up()
    assert due.resource("due")["outputs"]["readyForRenewal"] is True
    assert due.preview().changes() == {"due": "replace"}


def test_the_changes_are_made_as_foretold(certificates: Stack) -> None:
    certificates.program(AFTER.replace("early_renewal_hours=240)", "early_renewal_hours=25)"))
    kept = certificates.resource("self-early")["outputs"]["certPem"]
    made = certificates.up()
    assert made.verdict("self-path") == "replace"
    assert made.verdict("self-early") == "update"
    assert certificates.resource("self-early")["outputs"]["certPem"] == kept
    assert (
        _certificate(certificates, "self-path")
        .extensions.get_extension_for_class(x509.BasicConstraints)
        .value.path_length
        == 2
    )
    uses = _certificate(certificates, "signed-uses").extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert list(uses.value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    certificates.expect_no_changes()


GOOD = {
    "privateKeyPem": "hush-hush",
    "allowedUses": ["cert_signing"],
    "validityPeriodHours": 1,
    "subject": {"commonName": "x"},
}


def _refused(stack: Stack, changed: dict[str, object]) -> Result:
    inputs = GOOD | changed
    stack.program(f'pulumi.CustomResource("tls:index/selfSignedCert:SelfSignedCert", "certificate", {inputs!r})')
    refused = stack.preview(check=False)
    assert refused.code
    assert "hush-hush" not in refused.output
    return refused


def test_bad_input_is_refused_by_its_name_and_without_the_key(scratch: Stack) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"allowedUses": ["signing"]}, "allowedUses"),
        ({"validityPeriodHours": "long"}, "validityPeriodHours"),
        ({"validityPeriodHours": -1}, "validityPeriodHours"),
        ({"earlyRenewalHours": -1}, "earlyRenewalHours"),
    ]
    for changed, named in cases:
        refused = _refused(scratch, changed)
        assert refused.names(named), refused.output


@pytest.mark.stricter  # the official plugin ignores properties that it does not know
def test_properties_that_a_certificate_does_not_have_are_refused(scratch: Stack) -> None:
    assert _refused(scratch, {"subject": {"commonNames": "x"}}).names("commonNames")
    assert _refused(scratch, {"maxPathLen": 0}).names("maxPathLen")


@pytest.mark.stricter  # the official plugin shows the value
def test_a_value_of_the_wrong_type_is_refused_without_showing_it(scratch: Stack) -> None:
    refused = _refused(scratch, {"validityPeriodHours": "in-the-wrong-place", "caKey": "elsewhere"})
    assert refused.names("validityPeriodHours")
    assert "in-the-wrong-place" not in refused.output
    assert "elsewhere" not in refused.output


def test_a_key_that_is_none_is_refused_without_showing_it(scratch: Stack) -> None:
    scratch.program('tls.SelfSignedCert("c", private_key_pem="hush-hush", allowed_uses=[], validity_period_hours=1)')
    refused = scratch.up(check=False)
    assert refused.code
    assert "hush-hush" not in refused.output
    assert "key" in refused.output
