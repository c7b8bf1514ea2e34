"""A lab without Internet: what stands in for registries and for GitHub."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from domain.mirrors import Mirrors

CREATE = Path(__file__).parents[2] / "assets" / "cluster" / "k3d" / "create"
MIRRORS = Mirrors(
    images={"docker.io": "harbor.example.com/dockerhub", "ghcr.io": "registry.example.com:5000/"},
    github="https://mirror.example.com/github/",
)


@pytest.mark.parametrize(
    ("official", "mirrored"),
    [
        ("debian:bookworm-slim", "harbor.example.com/dockerhub/library/debian:bookworm-slim"),
        ("docker.io/python:3", "harbor.example.com/dockerhub/library/python:3"),
        ("docker.io/rancher/k3s:v1", "harbor.example.com/dockerhub/rancher/k3s:v1"),
        ("kindest/node:v1@sha256:0a", "harbor.example.com/dockerhub/kindest/node:v1@sha256:0a"),
        ("ghcr.io/buoyantio/faces-smiley:2.0.0", "registry.example.com:5000/buoyantio/faces-smiley:2.0.0"),
        ("cr.l5d.io/linkerd/proxy:edge-26.8.3", "cr.l5d.io/linkerd/proxy:edge-26.8.3"),
        ("localhost/lab/workload:1", "localhost/lab/workload:1"),
        ("localhost:5000/workload", "localhost:5000/workload"),
    ],
)
def test_an_image_is_asked_for_where_its_registry_is_mirrored(official: str, mirrored: str) -> None:
    assert MIRRORS.image(official) == mirrored
    assert Mirrors().image(official) == official


def test_only_what_is_on_github_is_downloaded_from_its_mirror() -> None:
    release = "k3s-io/k3s/releases/download/v1/k3s"
    assert MIRRORS.download(f"https://github.com/{release}") == f"https://mirror.example.com/github/{release}"
    assert MIRRORS.download("https://example.com/x") == "https://example.com/x"
    assert Mirrors().download(f"https://github.com/{release}") == f"https://github.com/{release}"


def test_nodes_of_k3s_pull_every_image_through_the_mirrors() -> None:
    assert json.loads(MIRRORS.registries())["mirrors"] == {
        "docker.io": {"endpoint": ["https://harbor.example.com"], "rewrite": {"^(.*)$": "dockerhub/$1"}},
        "ghcr.io": {"endpoint": ["https://registry.example.com:5000"]},
    }
    assert Mirrors().registries() == ""


_K3D = """#!/bin/sh
[ "$1 $2" = "cluster create" ] || exit 0
echo "$@" >"$SAID"
while [ $# -gt 0 ]; do
    [ "$1" != --registry-config ] || cp "$2" "$SAID.registries"
    shift
done
"""


@pytest.mark.parametrize("registries", ["", MIRRORS.registries()])
def test_k3d_is_given_the_mirrors_where_there_are_some(tmp_path: Path, registries: str) -> None:
    for name, text in (("k3d", _K3D), ("kubectl", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    told = dict.fromkeys(("NAME", "NETWORK", "IMAGE", "SERVERS", "AGENTS", "HTTP_PORT", "HTTPS_PORT", "MARK"), "1")
    told |= {"MADE": "1", "ADOPT": "no", "K3S_ARGUMENTS": "--disable=traefik@server:*", "REGISTRIES": registries}
    environment = {f"CLUSTER_{name}": value for name, value in told.items()}
    said = tmp_path / "said"
    place = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SAID": str(said)}
    subprocess.run(["sh", CREATE], env={**place, **environment}, check=True, capture_output=True)
    assert ("--registry-config" in said.read_text()) == bool(registries)
    given = Path(f"{said}.registries")
    assert (given.read_text() if given.exists() else "") == registries
