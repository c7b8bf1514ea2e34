"""What `lab doctor` reads out of stack file and state, without the engine and without a secret."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab import paths, recovery
from lab.doctor import certificates, configuration, releases, state
from lab.doctor.finding import Status
from tests.conftest import Issue
from tests.unit.doctor_fixtures import STACK, context_of, findings, one, write_stack


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kubeconfig").write_text("{}")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / ".lab"))
    return tmp_path


def test_every_mistake_is_a_finding_with_its_key_and_its_fix_and_the_rest_can_be_used(project: Path) -> None:
    write_stack(project, trust={"issuer-dayz": 3}, linkerd={"version": "edge-25.11.1"}, faces={"on-edge": ["smiley"]})
    written = configuration.read(STACK, project)
    found = findings(configuration.check(written))
    by_subject = {finding.subject: finding for finding in found if finding.status is Status.FAILED}
    assert by_subject.keys() == {"trust.issuer-dayz", "linkerd.version", "faces.on-edge"}
    assert by_subject["trust.issuer-dayz"].next == "did you mean 'issuer-days'?"
    assert "its proxy cannot talk to a SPIRE agent" in by_subject["linkerd.version"].next
    assert written.settings is not None
    assert written.unusable == {"trust"}
    assert [finding.cause for finding in found if finding.subject == "trust"] == [
        "what depends on it, because of the mistakes in it"
    ]


def test_a_stack_file_that_fits_is_one_line(project: Path) -> None:
    write_stack(project)
    assert one(configuration.check(configuration.read(STACK, project))).status is Status.OK


def test_a_secret_stays_unread_and_is_no_mistake(project: Path, issue: Issue) -> None:
    root = issue("root", days=100)
    own = {"anchors": root.pem, "issuer": issue("issuer", by=root, days=50).pem}
    write_stack(project, trust={"own": own}, trust_issuer_key={"secure": "v1:abc:def"})
    written = configuration.read(STACK, project)
    assert not written.problems
    assert written.encrypted == {"trust-issuer-key"}
    (unread, fits) = findings(configuration.check(written))
    assert (unread.subject, unread.status) == ("trust-issuer-key", Status.NOT_CHECKED)
    assert fits.status is Status.OK
    assert "v1:abc" not in repr(findings(configuration.check(written)))


def test_a_secret_inside_a_group_leaves_the_rest_of_the_group_to_be_checked(project: Path) -> None:
    workloads = [
        {"name": "a_b", "service": "a", "addresses": ["198.51.100.1"], "environment": {"TOKEN": {"secure": "v1:x"}}}
    ]
    write_stack(project, workloads=workloads)
    written = configuration.read(STACK, project)
    assert [problem.key for problem in written.problems] == ["workloads[0].name"]
    assert written.encrypted == {"workloads"}


@pytest.mark.parametrize("text", ["config: [", "config: 3", "\x00", "config: !!python/object:os.system {}"])
def test_a_file_that_is_no_stack_file_is_a_finding(project: Path, text: str) -> None:
    write_stack(project).write_text(text)
    written = configuration.read(STACK, project)
    assert written.settings is None
    assert one(configuration.check(written)).status is Status.FAILED


@pytest.mark.parametrize("text", ["", "- a", "config:", "config: {}", "config: {mesh-expansion:lab: nothing}"])
def test_a_file_that_names_no_lab_says_which_there_are(project: Path, text: str) -> None:
    write_stack(project).write_text(text)
    found = findings(configuration.check(configuration.read(STACK, project)))
    (lab,) = [finding for finding in found if finding.subject == "lab"]
    assert lab.status is Status.FAILED
    assert "one of twin, k3d-lab, pi-lab, dual-stack" in lab.cause


def test_a_stack_that_nobody_has_is_refused_with_those_that_there_are(project: Path) -> None:
    write_stack(project)
    with pytest.raises(configuration.NoStackFile, match="there are here"):
        configuration.read("other", project)


def test_an_example_is_read_as_it_is_and_not_copied(project: Path) -> None:
    file = write_stack(project)
    example = project / "stacks" / "examples" / file.name
    example.parent.mkdir()
    file.rename(example)
    written = configuration.read(STACK, project)
    assert written.example
    assert not file.exists()
    found = one(configuration.check(written))
    assert (found.subject, found.status) == ("examples/Pulumi.here.yaml", Status.OK)
    assert "the example" in found.cause


def test_what_up_makes_by_itself_is_no_failure_before_the_first_up(project: Path) -> None:
    makes = project / ".lab" / "twin"
    write_stack(project, cluster={"kubeconfig": ".lab/twin/kubeconfig"}, edge={"image-archive": "elsewhere.tar"})
    before = findings(configuration.check(configuration.read(STACK, project, makes=makes)))
    assert [(finding.status, finding.next) for finding in before][:1] == [(Status.NOT_CHECKED, "make up")]
    assert not [finding for finding in before if finding.status is Status.FAILED]
    after = findings(configuration.check(configuration.read(STACK, project)))
    assert [finding.subject for finding in after] == ["cluster.kubeconfig"]


def _state(project: Path, stack: str = STACK, **latest: Any) -> None:
    file = paths.home() / "state" / ".pulumi" / "stacks" / recovery.PROJECT / f"{stack}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"checkpoint": {"latest": latest}}))
    (paths.home() / "passphrase").write_text("x")


def _resource(kind: str, name: str, **outputs: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:pulumi:here::mesh-expansion::{kind}::{name}", "outputs": outputs}


SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}


def test_the_state_tells_what_is_up_and_when_certificates_end_and_no_secret(project: Path) -> None:
    end = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    _state(
        project,
        resources=[
            _resource("pulumi:pulumi:Stack", "here", trustAnchors="PEM", key=SECRET),
            _resource(
                "tls:index/locallySignedCert:LocallySignedCert",
                "trust-issuer-1-certificate",
                validityEndTime="2030-01-02T03:04:05Z",
            ),
            _resource("tls:index/privateKey:PrivateKey", "trust-issuer-1-key", privateKeyPem=SECRET),
            _resource("command:local:Command", "cluster-mark", stdout="0f0f"),
        ],
    )
    read = state.read(STACK)
    assert read.exists
    assert dict(read.outputs) == {"trustAnchors": "PEM"}
    assert dict(read.ends) == {"trust-issuer-1-certificate": end}
    assert read.mark == "0f0f"


def test_an_update_that_was_killed_or_that_runs_is_said(project: Path) -> None:
    _state(project, pending_operations=[{}, {}], resources=[_resource("a", "b")])
    write_stack(project)
    written, known = configuration.read(STACK, project), state.read(STACK)
    killed = one(state.check(written, known, []))
    assert (killed.status, killed.next) == (Status.WARNING, f"make up STACK={STACK}")
    running, _ = findings(state.check(written, known, ["pid 7 on this machine"]))
    assert running.status is Status.FAILED
    assert "pid 7" in running.cause
    assert f"pulumi cancel -s {STACK}" in running.next


def test_a_passphrase_that_is_lost_is_said_before_the_engine_asks_for_it(project: Path) -> None:
    _state(project, resources=[_resource("a", "b")])
    write_stack(project)
    (paths.home() / "passphrase").unlink()
    found = one(state.check(configuration.read(STACK, project), state.read(STACK), []))
    assert found.status is Status.FAILED
    assert str(paths.home() / "passphrase") in found.cause


@pytest.mark.parametrize("text", ["", "{", '{"checkpoint": 3}', '{"checkpoint": {"latest": {"resources": [{}]}}}'])
def test_a_state_that_cannot_be_read_is_said_and_not_a_traceback(project: Path, text: str) -> None:
    _state(project)
    recovery.state_file(STACK).write_text(text)
    write_stack(project)
    found = one(state.check(configuration.read(STACK, project), state.read(STACK), []))
    assert found.status is Status.FAILED
    assert "cannot be read" in found.cause


@pytest.mark.parametrize(
    ("days", "status", "words"),
    [(-1, Status.FAILED, "expired on"), (10, Status.WARNING, "in 9 days"), (100, Status.OK, "1 good for 30 days")],
)
@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("trust-issuer-1-certificate", "raise trust.issuer by one"),
        ("trust-root-1-certificate", "add a generation to trust.roots"),
        ("spire-trust-upstream-1-certificate", "raise spire.upstream by one"),
        ("spire-trust-devices-1-certificate", "raise spire.device-ca by one"),
        ("smiley-device-certificate-1", "raise spire.device by one"),
    ],
)
def test_a_certificate_that_ends_soon_is_said_with_what_makes_a_new_one(
    project: Path, days: int, status: Status, words: str, name: str, following: str
) -> None:
    known = state.State(ends={name: datetime.now(UTC) + timedelta(days=days)})
    found = one(certificates.check(context_of(project, state=known)))
    assert found.status is status
    assert words in found.cause
    if status is not Status.OK:
        assert found.subject == name
        assert found.next.startswith(following)


def test_certificates_of_ones_own_are_looked_at_too(project: Path, issue: Issue) -> None:
    root = issue("root", days=300)
    own = {"anchors": root.pem, "issuer": issue("issuer", by=root, days=20).pem}
    context = context_of(project, trust={"own": own}, trust_issuer_key={"secure": "v1:x"})
    soon, fine = findings(certificates.check(context))
    assert (soon.subject, soon.status) == ("trust.own.issuer", Status.WARNING)
    assert fine.status is Status.OK


def test_there_is_nothing_to_say_of_certificates_before_the_first_up(project: Path) -> None:
    assert one(certificates.check(context_of(project))).status is Status.NOT_CHECKED


def test_a_version_that_nobody_tested_is_a_warning_and_a_bad_one_is_left_to_the_configuration(project: Path) -> None:
    found = {finding.subject: finding for finding in findings(releases.check(context_of(project)))}
    assert {finding.status for finding in found.values()} == {Status.OK}
    other = context_of(project, linkerd={"version": "edge-26.8.2"}, faces={"chart-version": "9.9"})
    found = {finding.subject: finding for finding in findings(releases.check(other))}
    assert found["linkerd.version"].status is Status.WARNING
    assert "faces.chart-version" not in found
