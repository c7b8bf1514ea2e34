"""Are programs and images for devices made for their processors?"""

import functools
import io
import json
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.doctor import image_registry, programs
from lab.doctor.finding import Finding, Status
from tests.unit.doctor_fixtures import context_of, findings

MACHINES = {"amd64": 0x3E, "arm64": 0xB7}
IMAGE = "ghcr.io/example/faces:1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "kubeconfig").write_text("{}")
    (tmp_path / "parts").mkdir()
    return tmp_path


def _elf(file: Path, architecture: str) -> None:
    file.write_bytes(b"\x7fELF" + bytes(14) + struct.pack("<H", MACHINES[architecture]) + bytes(40))


def _archive(file: Path, *architectures: str) -> None:
    contents = {f"{name}.json": json.dumps({"architecture": name}) for name in architectures}
    contents["manifest.json"] = json.dumps([{"Config": f"{name}.json"} for name in architectures])
    with tarfile.open(file, "w") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def _check(project: Path, wanted: dict[str, str], **edge: Any) -> dict[str, Finding]:
    workloads = [{"name": name, "addresses": [f"198.51.100.{index}"]} for index, name in enumerate(wanted, 1)]
    context = context_of(project, edge=edge, workloads=workloads)
    return {finding.subject: finding for finding in findings(programs.check(context.settings, wanted, project))}


def test_programs_for_another_processor_are_named_with_the_devices_that_have_it(project: Path) -> None:
    _elf(project / "parts" / "linkerd2-proxy", "amd64")
    _elf(project / "parts" / "spire-agent", "arm64")
    _archive(project / "image.tar", "amd64")
    edge = {"artefacts": "parts", "image_archive": None, "image-archive": "image.tar"}
    del edge["image_archive"]
    found = _check(project, {"smiley": "arm64", "color": "amd64"}, **edge)
    assert found["edge.artefacts"].status is Status.FAILED
    assert found["edge.artefacts"].cause == "linkerd2-proxy is made for amd64, but smiley is arm64"
    assert found["edge.image-archive"].cause == "its image is made for amd64, but smiley is arm64"
    assert found["edge.image-archive"].next.startswith("docker pull --platform linux/arm64")


def test_programs_and_image_that_fit_every_device_are_well(project: Path) -> None:
    _elf(project / "parts" / "linkerd2-proxy", "arm64")
    (project / "parts" / "spire-agent").write_text("#!/bin/sh\n")  # runs anywhere
    _archive(project / "image.tar", "amd64", "arm64")
    found = _check(project, {"smiley": "arm64"}, artefacts="parts", **{"image-archive": "image.tar"})
    assert {finding.status for finding in found.values()} == {Status.OK}
    many = _check(
        project, {f"w{number}": "amd64" for number in range(5)}, artefacts="parts", **{"image-archive": "image.tar"}
    )
    assert many["edge.artefacts"].cause == "linkerd2-proxy is made for arm64, but w0, w1, w2 and 2 more are amd64"


def test_an_archive_of_something_else_is_no_image(project: Path) -> None:
    (project / "image.tar").write_text("nothing")
    found = _check(project, {"smiley": "arm64"}, artefacts="parts", **{"image-archive": "image.tar"})
    assert found["edge.image-archive"].status is Status.FAILED
    assert found["edge.image-archive"].next.startswith("docker save")


def test_what_is_pushed_counts_only_when_it_is_all_the_same(project: Path) -> None:
    edge = {"artefacts": "parts"}
    settings = context_of(project, edge=edge).settings
    assert programs.pushed_architecture(settings, project) is None
    _elf(project / "parts" / "linkerd2-proxy", "arm64")
    assert programs.pushed_architecture(settings, project) == "arm64"
    _elf(project / "parts" / "spire-agent", "amd64")
    assert programs.pushed_architecture(settings, project) is None


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        (None, Status.FAILED, "it is there for amd64, but smiley is arm64"),
        (image_registry.NoImage("has none"), Status.FAILED, "has none"),
        (image_registry.Unknown("does not answer"), Status.NOT_CHECKED, "does not answer"),
    ],
)
def test_an_image_that_devices_pull_is_asked_for_at_its_registry(
    project: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception | None, status: Status, words: str
) -> None:
    def architectures(reference: str) -> set[str]:
        assert reference == IMAGE
        if raised:
            raise raised
        return {"amd64"}

    monkeypatch.setattr(image_registry, "architectures", architectures)
    found = _check(project, {"smiley": "arm64"}, image=IMAGE)[IMAGE]
    assert found.status is status
    assert words in found.cause
    assert found.next == f"docker manifest inspect {IMAGE}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (IMAGE, ("ghcr.io", "example/faces", "1")),
        ("busybox", ("registry-1.docker.io", "library/busybox", "latest")),
        ("rancher/k3s:v1", ("registry-1.docker.io", "rancher/k3s", "v1")),
        ("localhost:5000/a/b", ("localhost:5000", "a/b", "latest")),
        (f"quay.io/a/b:1@sha256:{'0' * 64}", ("quay.io", "a/b", f"sha256:{'0' * 64}")),
    ],
)
def test_an_images_name_is_read_as_podman_and_docker_do(text: str, parts: tuple[str, str, str]) -> None:
    assert image_registry.parse(text) == parts


def _registry(handler: Callable[[httpx.Request], httpx.Response]) -> set[str]:
    return image_registry.architectures(IMAGE, httpx.Client(transport=httpx.MockTransport(handler)))


def _status(status: int, _: httpx.Request) -> httpx.Response:
    return httpx.Response(status)


def test_a_registry_is_asked_as_anybody_may_ask() -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path == "/token":
            assert request.url.params["scope"] == "repository:example/faces:pull"
            return httpx.Response(200, json={"token": "t"})
        if "Authorization" not in request.headers:
            challenge = 'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:example/faces:pull"'
            return httpx.Response(401, headers={"WWW-Authenticate": challenge})
        platforms = [{"platform": {"architecture": name}} for name in ("amd64", "arm64", "unknown")]
        return httpx.Response(200, json={"manifests": platforms})

    assert _registry(answer) == {"amd64", "arm64"}
    assert asked == ["/v2/example/faces/manifests/1", "/token", "/v2/example/faces/manifests/1"]


def test_an_image_for_one_processor_says_so_in_its_configuration() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "/blobs/" in request.url.path:
            return httpx.Response(200, json={"architecture": "arm64"})
        return httpx.Response(200, json={"config": {"digest": "sha256:0"}})

    assert _registry(answer) == {"arm64"}


def test_a_registry_that_has_no_such_image_is_told_from_one_that_does_not_answer() -> None:
    with pytest.raises(image_registry.NoImage, match="has no example/faces of version 1"):
        _registry(lambda _: httpx.Response(404))
    for status in (401, 403, 500):
        with pytest.raises(image_registry.Unknown):
            _registry(functools.partial(_status, status))

    def unreachable(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no way")

    with pytest.raises(image_registry.Unknown, match="no way"):
        _registry(unreachable)
    with pytest.raises(image_registry.Unknown, match="kept by no registry"):
        image_registry.architectures("localhost/a:b")
