"""Checks and verdicts of the docker stand-in that need no engine."""

import asyncio
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from lab.standins.base import UNKNOWN, Call, Difference, InvalidInputs, Properties
from lab.standins.docker.build_context import context_archive, context_digest
from lab.standins.docker.container import Container
from lab.standins.docker.container_state import drifted_inputs
from lab.standins.docker.engine import Engine
from lab.standins.docker.image import Image, build_parameters
from lab.standins.docker.network import Network
from lab.standins.docker.provider import docker_provider
from lab.standins.docker.remote_image import RemoteImage
from lab.standins.docker.resource import DockerResource
from lab.standins.docker.volume import Volume

NOWHERE = Engine(host="unix:///nonexistent/docker.sock")


def checked(resource: DockerResource, inputs: Properties, old: Properties | None = None) -> Properties:
    return asyncio.run(resource.check(Call(name="app", random_seed=b"seed"), old or {}, inputs))


def verdict(resource: DockerResource, before: Properties, after: Properties) -> Difference:
    old = checked(resource, before)
    call = Call(name="app", old_inputs=old)
    return asyncio.run(resource.diff(call, "id", {}, checked(resource, after, old)))


def reasons(resource: DockerResource, inputs: Properties) -> str:
    with pytest.raises(InvalidInputs) as refused:
        checked(resource, inputs)
    return str(refused.value)


def container(**more: Any) -> Properties:
    return {"image": "app:1", "name": "app", **more}


def test_a_name_is_made_once_and_kept() -> None:
    first = checked(Container(NOWHERE), {"image": "app:1"})
    assert first["name"].startswith("app-")
    assert checked(Container(NOWHERE), {"image": "app:2"}, first)["name"] == first["name"]


def test_a_name_of_the_operators_own_that_is_taken_out_gives_a_new_one() -> None:
    named = checked(Container(NOWHERE), container(name="mine"))
    assert checked(Container(NOWHERE), {"image": "app:1"}, named)["name"] != "mine"


@pytest.mark.parametrize(
    "change",
    [
        {"image": "app:2"},
        {"hostname": "other"},
        {"command": ["b", "a"]},
        {"envs": ["A=2"]},
        {"networksAdvanced": [{"name": "other"}]},
        {"ports": [{"internal": 81}]},
        {"capabilities": {"adds": ["NET_RAW"]}},
        {"labels": [{"label": "a", "value": "2"}]},
        {"uploads": [{"file": "/f", "content": "2"}]},
        {"privileged": True},
    ],
)
def test_a_container_is_replaced_by_what_only_creation_takes(change: Properties) -> None:
    before = container(
        hostname="app",
        command=["a", "b"],
        envs=["A=1"],
        networksAdvanced=[{"name": "edge"}],
        ports=[{"internal": 80}],
        capabilities={"adds": ["NET_ADMIN"]},
        labels=[{"label": "a", "value": "1"}],
        uploads=[{"file": "/f", "content": "1"}],
    )
    found = verdict(Container(NOWHERE), before, {**before, **change})
    assert found.changes
    assert all(found.replaces(path) for path in found.changes)
    assert found.delete_before_replace


@pytest.mark.parametrize(
    "change",
    [
        {"restart": "always"},
        {"memory": 64},
        {"destroyGraceSeconds": 5},
        {"mustRun": False},
        {"tmpfs": {"/run": ""}},
        {"healthcheck": {"tests": ["CMD", "true"]}},
    ],
)
def test_a_container_is_updated_in_place_by_what_the_official_plugin_updates(change: Properties) -> None:
    found = verdict(Container(NOWHERE), container(), container(**change))
    assert found.changes
    assert not any(found.replaces(path) for path in found.changes)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"envs": ["A=1", "B=2"]}, {"envs": ["B=2", "A=1"]}),
        ({"dns": ["1.1.1.1", "9.9.9.9"]}, {"dns": ["9.9.9.9", "1.1.1.1"]}),
        (
            {"networksAdvanced": [{"name": "n", "aliases": ["a", "b"]}]},
            {"networksAdvanced": [{"name": "n", "aliases": ["b", "a"]}]},
        ),
        ({"ports": [{"internal": 80}]}, {"ports": [{"internal": 80, "protocol": "tcp"}]}),
        ({}, {"privileged": False, "domainname": "", "dns": []}),
        ({"hostname": "app"}, {}),
    ],
)
def test_order_of_sets_defaults_and_empty_values_are_no_change(before: Properties, after: Properties) -> None:
    assert not verdict(Container(NOWHERE), container(**before), container(**after)).changes


def test_one_changed_variable_shows_as_one_change() -> None:
    found = verdict(Container(NOWHERE), container(envs=["A=1", "B=2"]), container(envs=["B=3", "A=1"]))
    assert len(found.changes) == 1


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"restart": "sometimes"}, "restart: must be one of no, on-failure, always, unless-stopped"),
        ({"mounts": [{"type": "npipe", "target": "/x"}]}, "mounts[0].type: must be one of bind, volume, tmpfs"),
        (
            {"volumes": [{"hostPath": "relative", "containerPath": "/x"}]},
            "volumes[0].hostPath: must be an absolute path",
        ),
        ({"volumes": [{"hostPath": "/x"}]}, "volumes[0]: needs either containerPath"),
        ({"uploads": [{"file": "/x"}]}, "uploads[0]: needs exactly one of content, contentBase64, source"),
        ({"healthcheck": {"interval": "10"}}, "healthcheck.interval: '10' is no duration"),
        ({"rm": True, "restart": "always"}, "rm: cannot be set together with a restart policy"),
        ({"gpus": "all"}, "gpus: is not supported by the lab's stand-in"),
        (
            {"mounts": [{"type": "volume", "target": "/x", "volumeOptions": {"subpath": "a"}}]},
            "subpath: is not supported",
        ),
    ],
)
def test_bad_inputs_of_a_container_are_named_with_what_is_expected(inputs: Properties, words: str) -> None:
    assert words in reasons(Container(NOWHERE), container(**inputs))


def test_what_a_preview_does_not_know_yet_is_not_refused() -> None:
    inputs = container(envs=UNKNOWN, restart=UNKNOWN, volumes=[{"volumeName": UNKNOWN, "containerPath": "/x"}])
    assert checked(Container(NOWHERE), inputs)["envs"] is UNKNOWN


def test_every_change_of_a_network_or_a_volume_replaces_it() -> None:
    network = verdict(
        Network(NOWHERE), {"name": "n", "internal": True}, {"name": "n", "internal": False, "attachable": True}
    )
    volume = verdict(Volume(NOWHERE), {"name": "v"}, {"name": "v", "driverOpts": {"type": "tmpfs"}})
    for found in (network, volume):
        assert found.changes
        assert all(found.replaces(path) for path in found.changes)


def test_keeping_an_image_locally_is_an_update_and_another_name_a_replacement() -> None:
    kept = verdict(RemoteImage(NOWHERE), {"name": "a:1"}, {"name": "a:1", "keepLocally": True})
    other = verdict(RemoteImage(NOWHERE), {"name": "a:1"}, {"name": "a:2"})
    assert not any(kept.replaces(path) for path in kept.changes)
    assert all(other.replaces(path) for path in other.changes)
    assert kept.changes
    assert other.changes


FOUND: dict[str, Any] = {
    "Name": "/app",
    "State": {"Running": True},
    "HostConfig": {
        "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
        "Memory": 0,
        "CpuShares": 0,
        "CpusetCpus": "",
    },
}


def test_a_container_that_was_stopped_by_hand_no_longer_runs_as_it_must() -> None:
    inputs = checked(Container(NOWHERE), container())
    assert drifted_inputs(FOUND, inputs) == inputs
    assert drifted_inputs({**FOUND, "State": {"Running": False}}, inputs)["mustRun"] is False


def test_a_container_that_need_not_run_may_be_stopped() -> None:
    inputs = checked(Container(NOWHERE), container(mustRun=False))
    assert drifted_inputs({**FOUND, "State": {"Running": False}}, inputs) == inputs


def test_a_restart_policy_and_a_name_that_were_changed_by_hand_are_seen() -> None:
    host = {**FOUND["HostConfig"], "RestartPolicy": {"Name": "always"}}
    seen = drifted_inputs({**FOUND, "Name": "/renamed", "HostConfig": host}, checked(Container(NOWHERE), container()))
    assert (seen["name"], seen["restart"]) == ("renamed", "always")


def test_a_changed_file_of_the_context_changes_its_digest_and_an_ignored_one_does_not(tmp_path: Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY app /app\n")
    (tmp_path / ".dockerignore").write_text("# comments\n*.log\n")
    (tmp_path / "app").write_text("1")
    first = context_digest(str(tmp_path), str(dockerfile))
    (tmp_path / "noise.log").write_text("x")
    assert context_digest(str(tmp_path), str(dockerfile)) == first
    (tmp_path / "app").write_text("2")
    assert context_digest(str(tmp_path), str(dockerfile)) != first


def test_a_dockerfile_outside_of_the_context_is_sent_along(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    outside = tmp_path / "Dockerfile"
    outside.write_text("FROM scratch\n")
    archive, name = context_archive(str(context), str(outside))
    with tarfile.open(fileobj=io.BytesIO(archive)) as sent:
        dockerfile = sent.extractfile(name)
        assert dockerfile is not None
        assert dockerfile.read() == b"FROM scratch\n"


def test_a_missing_dockerfile_is_named_with_the_likely_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("app").mkdir()
    Path("app/Dockerfile").write_text("FROM scratch\n")
    said = reasons(Image(NOWHERE), {"imageName": "a:1", "build": {"context": "app", "dockerfile": "Dockerfile"}})
    assert "build.dockerfile: there is no file at 'Dockerfile'" in said
    assert "did you mean 'app/Dockerfile'?" in said


def test_a_login_that_changes_builds_no_image_again(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = {"imageName": "a:1", "build": {"context": str(tmp_path)}}
    before = {**image, "registry": {"server": "localhost:5000", "password": "old"}}
    after = {**image, "registry": {"server": "localhost:5000", "password": "new"}}
    assert not verdict(Image(NOWHERE), before, after).changes
    assert verdict(Image(NOWHERE), before, {**image, "imageName": "a:2"}).changes


def test_buildkit_builds_unless_the_first_builder_is_asked_for() -> None:
    build = {"platform": "linux/amd64", "args": {"A": "1"}, "target": "last"}
    asked = build_parameters("a:1", build, "Dockerfile")
    assert (asked["version"], asked["buildargs"], asked["target"]) == ("2", '{"A": "1"}', "last")
    assert build_parameters("a:1", {**build, "builderVersion": "BuilderV1"}, "Dockerfile")["version"] == "1"


def test_configuration_that_the_stand_in_cannot_follow_is_refused() -> None:
    with pytest.raises(InvalidInputs, match="host: ssh:// is not supported"):
        asyncio.run(docker_provider().check_config({"host": "ssh://pi@smiley"}))
    with pytest.raises(InvalidInputs, match="caMaterial: is not supported"):
        asyncio.run(docker_provider().check_config({"caMaterial": "x"}))


def test_an_engine_that_does_not_answer_is_named_with_the_fix() -> None:
    creating = Network(NOWHERE).create(Call(name="n"), checked(Network(NOWHERE), {"name": "n"}))
    with pytest.raises(
        Exception, match=r"network n: create: no Docker engine answers at unix:///nonexistent.*docker:host"
    ):
        asyncio.run(creating)


def test_a_preview_of_a_creation_asks_no_engine() -> None:
    inputs = checked(Container(NOWHERE), container())
    state = asyncio.run(Container(NOWHERE).create(Call(name="app", preview=True), inputs))
    assert state.outputs["networkDatas"] is UNKNOWN
    assert state.outputs["image"] == "app:1"
