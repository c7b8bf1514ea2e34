"""Each rule of the policy pack: what it lets pass, and what it stops and how it says so."""

import base64
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import versions
from policy.rules import RESOURCE_RULES, STACK_RULES
from policy.rules.certificate_lifetime import RULE as LIFETIME
from policy.rules.host_key import RULE as HOST_KEY
from policy.rules.pinned_image import RULE as IMAGE
from policy.rules.plain_secret import RULE as SECRET
from policy.rules.resource import UNKNOWN, Resource, Secret, read
from policy.rules.rule import ResourceRule, StackRule
from tests.unit.policy_fixtures import COMMAND, SELF_SIGNED, SIGNED, kube, resource


def told(rule: ResourceRule, item: Resource) -> str:
    return "\n".join(rule.check(item))


def test_the_engines_marks_are_read_at_any_depth() -> None:
    signature = "4dabf18193072939515e22adb298388d"
    sent = {
        "plain": "text",
        "list": [{signature: "1b47061264138c4ac30d75fd1eb44270", "value": {"token": "hush"}}],
        "later": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "file": {signature: "c44067f5952c0a294b673a41bacd8c17", "path": "/tmp/x"},
    }
    assert read(sent) == {
        "plain": "text",
        "list": [Secret({"token": "hush"})],
        "later": UNKNOWN,
        "file": {"path": "/tmp/x"},
    }


def test_the_pack_is_of_the_projects_version_and_of_the_engines() -> None:
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert yaml.safe_load((root / "policy" / "PulumiPolicy.yaml").read_text())["version"] == project["version"]
    assert f"\npulumi=={versions.PULUMI} " in (root / "policy" / "requirements.in").read_text()


def test_rules_have_names_of_their_own_and_a_sentence() -> None:
    rules: list[ResourceRule | StackRule] = [*RESOURCE_RULES, *STACK_RULES]
    assert len({rule.name for rule in rules}) == len(rules) == 7
    assert all(rule.description.endswith(".") for rule in rules)


@pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.name)
def test_no_rule_stumbles_over_a_resource_of_which_nothing_is_known(rule: ResourceRule) -> None:
    for type_ in (SELF_SIGNED, COMMAND, "kubernetes:core/v1:Secret", "docker:index/container:Container", "other:x:Y"):
        keys = ("connection", "image", "validityPeriodHours", "data", "metadata", "sshOpts", "kind")
        assert not told(rule, resource(type_, **dict.fromkeys(keys, UNKNOWN)))
        assert not told(rule, resource(type_))


def test_a_secret_that_is_marked_passes_at_any_depth() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n"
    assert not told(
        SECRET, resource("other:x:Y", values=Secret({"keyPEM": key}), password=Secret("x"), list=[Secret(key)])
    )


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"values": {"tls": {"keyPEM": "-----BEGIN PRIVATE KEY-----\nMHcC"}}}, "values.tls.keyPEM holds a private key"),
        (
            {"files": ["x", base64.b64encode(b"-----BEGIN RSA PRIVATE KEY-----\nMHcC").decode()]},
            "files[1] holds a private",
        ),
        (
            {"kubeconfig": "users:\n- user:\n    client-key-data: LS0tLS1CRUdJTiBFQw==\n"},
            "kubeconfig holds a kubeconfig with credentials",
        ),
        ({"connection": {"privateKey": "anything"}}, "connection.privateKey holds a secret by its name"),
        ({"script": "curl -H 'Authorization: ghp_" + "a" * 36 + "'"}, "script holds a token of GitHub"),
    ],
)
def test_a_secret_in_plain_text_is_named_by_its_path_and_never_shown(inputs: dict[str, Any], path: str) -> None:
    message = told(SECRET, resource("other:x:Y", **inputs))
    assert path in message
    assert "pulumi.Output.secret" in message
    assert "MHcC" not in message
    assert "a" * 36 not in message


def test_certificates_and_public_keys_are_no_secrets() -> None:
    texts = ["-----BEGIN CERTIFICATE-----\nMIIB", "-----BEGIN PUBLIC KEY-----\nMFkw", "ssh-ed25519 AAAA"]
    program = "class Settings:\n    token: str\n    client-key-data: none\n"
    assert not told(SECRET, resource("other:x:Y", texts=texts, token="", data={"ca.crt": texts[0], "x.py": program}))


def test_what_is_in_a_secret_of_the_cluster_is_secret_whatever_it_looks_like() -> None:
    plain = kube("core/v1", "Secret", "s", "faces", stringData={"user": "admin"})
    assert "stringData.user of a Secret is in plain text" in told(SECRET, plain)
    for data in (Secret({"user": "admin"}), {"user": Secret("admin")}):
        assert not told(SECRET, kube("core/v1", "Secret", "s", "faces", stringData=data))


def test_an_ssh_connection_with_a_host_key_passes() -> None:
    assert not told(HOST_KEY, resource(COMMAND, connection={"host": "192.0.2.1", "hostKey": "ssh-ed25519 AAAA"}))
    assert not told(HOST_KEY, resource(COMMAND, connection=Secret({"host": "192.0.2.1", "hostKey": UNKNOWN})))


@pytest.mark.parametrize("type_", [COMMAND, "command:remote:CopyToRemote", "command:remote:CopyFile"])
def test_an_ssh_connection_without_a_host_key_is_stopped(type_: str) -> None:
    assert "connection to 192.0.2.1 has no hostKey" in told(HOST_KEY, resource(type_, connection={"host": "192.0.2.1"}))


def test_a_jump_host_needs_its_key_as_well() -> None:
    connection = {"host": "a", "hostKey": "ssh-ed25519 AAAA", "proxy": {"host": "b"}}
    assert "connection.proxy to b has no hostKey" in told(HOST_KEY, resource(COMMAND, connection=connection))


@pytest.mark.parametrize("options", [["-o", "StrictHostKeyChecking=no"], ["-oStrictHostKeyChecking no"]])
def test_docker_over_ssh_must_check_the_host_too(options: list[str]) -> None:
    assert "would be believed" in told(HOST_KEY, resource("pulumi:providers:docker", sshOpts=options))
    assert not told(HOST_KEY, resource("pulumi:providers:docker", sshOpts=["-o", "StrictHostKeyChecking=yes"]))


PINNED = [
    "docker.io/library/python:3.13.5-slim-bookworm",
    "registry:5000/faces/smiley:2.0.0",
    "sha256:" + "a" * 64,
    "debian@sha256:" + "b" * 64,
]
MOVING = ["python", "registry:5000/faces/smiley", "faces:latest", "example.com/x:main"]


def _pod(image: Any) -> Resource:
    return kube(
        "apps/v1",
        "Deployment",
        "d",
        "faces",
        spec={"template": {"spec": {"containers": [{"name": "c", "image": image}]}}},
    )


@pytest.mark.parametrize("image", [*PINNED, UNKNOWN])
def test_a_pinned_image_passes(image: Any) -> None:
    assert not told(IMAGE, _pod(image))
    assert not told(IMAGE, resource("docker:index/container:Container", image=image))


@pytest.mark.parametrize("image", MOVING)
def test_an_image_that_moves_is_stopped_wherever_it_stands(image: str) -> None:
    assert "spec.template.spec.containers[0].image: " in told(IMAGE, _pod(image))
    assert repr(image) in told(IMAGE, resource("docker:index/container:Container", image=image))
    assert repr(image) in told(IMAGE, resource("docker:index/remoteImage:RemoteImage", name=image))


def test_values_of_a_chart_are_looked_at() -> None:
    release = "kubernetes:helm.sh/v3:Release"
    for image in (
        {"repository": "x/y", "tag": "1.2"},
        {"repository": "x/y"},
        {"repository": "x/y", "digest": "sha256:1"},
    ):
        assert not told(IMAGE, resource(release, values={"server": {"image": image}}))
    moving = resource(release, values=Secret({"server": {"image": {"repository": "x/y", "tag": "latest"}}}))
    assert "values.server.image: 'x/y:latest' has a tag that moves" in told(IMAGE, moving)


@pytest.mark.parametrize(("type_", "days"), [(SELF_SIGNED, 3650), (SIGNED, 825), (SIGNED, 1)])
def test_a_lifetime_within_bounds_passes(type_: str, days: int) -> None:
    assert not told(LIFETIME, resource(type_, validityPeriodHours=days * 24, earlyRenewalHours=days * 8))


@pytest.mark.parametrize(
    ("type_", "hours", "early", "said"),
    [
        (SELF_SIGNED, 3651 * 24, 0, "it would live 3651 days; at most 3650"),
        (SIGNED, 826 * 24, 0, "it would live 826 days; at most 825"),
        (SIGNED, 23, 0, "end before the next update"),
        (SIGNED, 48, 48, "every update would replace it"),
    ],
)
def test_a_lifetime_out_of_bounds_is_stopped(type_: str, hours: int, early: int, said: str) -> None:
    assert said in told(LIFETIME, resource(type_, validityPeriodHours=hours, earlyRenewalHours=early))
