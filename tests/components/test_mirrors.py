"""A lab without Internet: nothing that the program itself names is asked for at its official place."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.mocks import MockResourceArgs

import stacks
from tests.components.conftest import Declare, Recording, request
from tests.unit.stack_files import load_lab, make_project

MIRRORS = {
    "charts": "oci://harbor.example.com/charts",
    "images": {registry: f"harbor.example.com/{registry}" for registry in ("docker.io", "ghcr.io", "cr.l5d.io")},
    "github": "https://mirror.example.com/github",
}
WORKLOADS = [
    {"name": "smiley", "addresses": ["192.168.1.21"], "device": {}},
    {"name": "color", "addresses": ["192.168.1.41"], "container": {}},
]
OFFICIAL = ("docker.io/", "ghcr.io/", "cr.l5d.io/", "https://", "debian:", "oci://")


@pytest.fixture
def lab(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(make_project(tmp_path))
    usual = Recording.new_resource

    def new_resource(self: Recording, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == "docker:index/image:Image":
            return args.name, {**args.inputs, "repoDigest": "sha256:1", "baseImageName": args.inputs["imageName"]}
        if args.typ == "command:local:Command" and args.name.endswith("-prepare"):
            return args.name, {**args.inputs, "stdout": request(args.name.split("-")[0])}
        return usual(self, args)

    monkeypatch.setattr(Recording, "new_resource", new_resource)

    def lab(**changed: Any) -> Recording:
        docker = {"network": "mesh-exp", "dns-address": "192.168.1.40"}
        keys = {"workloads": WORKLOADS, "docker": docker, "gateway_api": None, "mirrors": MIRRORS, **changed}
        settings = load_lab("twin", tmp_path, **keys)
        return declare(lambda: stacks.compose(settings))

    return lab


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _official(recording: Recording) -> set[str]:
    """Every text of an input that begins as the name of an official place does."""
    inputs = [resource.inputs for resource in recording.resources.values()]
    return {text for text in _texts(json.loads(json.dumps(inputs, default=str))) if text.startswith(OFFICIAL)}


def test_every_image_chart_and_download_that_the_program_names_comes_from_its_mirror(lab: Any) -> None:
    recording = lab()
    assert {text for text in _official(recording) if "example.com" not in text} == set()
    definitions = recording.resources["gateway-api-definitions"].inputs["file"]
    assert definitions.startswith("https://mirror.example.com/github/kubernetes-sigs/gateway-api/releases/download/")
    prober = recording.resources["prober-deployment"].inputs["spec"]["template"]["spec"]["containers"][0]["image"]
    assert prober.startswith("harbor.example.com/docker.io/library/python:")
    built = recording.resources["images-external-base"].inputs["build"]["args"]
    assert built["BASE"] == "harbor.example.com/docker.io/library/debian:bookworm-slim"
    assert built["PROXY_IMAGE"].startswith("harbor.example.com/cr.l5d.io/linkerd/proxy:")
    assert (
        "\nimage harbor.example.com/ghcr.io/buoyantio/faces-smiley:"
        in recording.resources["smiley-device-parts"].inputs["stdin"]
    )


def test_without_mirrors_they_come_from_their_official_places(lab: Any) -> None:
    found = _official(lab(mirrors=None))
    assert any(text.startswith("https://github.com/kubernetes-sigs/gateway-api/") for text in found)
    assert any(text.startswith("cr.l5d.io/linkerd/proxy:") for text in found)


def test_an_image_out_of_an_archive_keeps_the_name_that_it_has_there(lab: Any) -> None:
    Path("image.tar").write_text("")
    edge = {"artefacts": "parts", "image-archive": "image.tar", "image": "ghcr.io/own/smiley:1"}
    assert "\nimage ghcr.io/own/smiley:1 " in lab(edge=edge).resources["smiley-device-parts"].inputs["stdin"]
