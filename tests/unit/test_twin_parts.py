"""The parts of the twin's devices: real ones where they are given, else stand-ins, and no mixture that cannot work."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.standins.image import ProgramImage
from lab.twin import parts
from lab.twin.errors import TwinError

PROXY_AND_CONTROLLERS = ("linkerd2-proxy", "linkerd-controller", "linkerd-policy-controller")
BUILT = ("linkerd2-proxy", "spire-agent", "spire-server", "spire-controller-manager", "faces-workload")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout whose tools are small scripts, each from a cache entry of its own."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LAB_PARTS", raising=False)
    (tmp_path / "home" / "bin").mkdir(parents=True)
    for name in BUILT:
        _tool(tmp_path, name, "stand-in, built from lab/standins")
    return tmp_path


def _tool(root: Path, name: str, origin: str) -> None:
    file = root / "cache" / name / "bin" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n# {name}, {origin}\n")
    file.chmod(0o755)
    (root / "cache" / name / "source.json").write_text(json.dumps({"origin": origin}))
    link = root / "home" / "bin" / name
    link.unlink(missing_ok=True)
    link.symlink_to(file)


def _given(root: Path, *names: str) -> Path:
    directory = root / "given"
    directory.mkdir()
    for name in names:
        (directory / name).write_text(f"real {name}")
        (directory / name).chmod(0o755)
    return directory


def test_without_real_parts_everything_is_a_stand_in_and_says_so(home: Path) -> None:
    found = parts.gather(home / "parts")
    assert not any(part.real for part in found)
    assert parts.summary(found).startswith("stand-ins: linkerd2-proxy, spire-agent, ")
    for part in found:
        assert hashlib.sha256(part.path.read_bytes()).hexdigest() == part.sha256


def test_a_part_that_is_there_already_stays_untouched(home: Path) -> None:
    before = {part.name: part.path.stat() for part in parts.gather(home / "parts")}
    after = {part.name: part.path.stat() for part in parts.gather(home / "parts")}
    assert {name: (now.st_ino, now.st_mtime_ns) for name, now in after.items()} == {
        name: (then.st_ino, then.st_mtime_ns) for name, then in before.items()
    }


def test_an_official_release_among_the_tools_is_real(home: Path) -> None:
    for name in ("spire-agent", "spire-server"):
        _tool(home, name, "official")
    found = {part.name: part for part in parts.gather(home / "parts")}
    assert found["spire-agent"].real
    assert found["spire-server"].real
    assert not found["linkerd2-proxy"].real


def test_real_parts_that_the_operator_gives_are_taken_and_given_up_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _given(home, *PROXY_AND_CONTROLLERS, "spire-agent", "spire-server")
    monkeypatch.setenv("LAB_PARTS", str(given))
    found = {part.name: part for part in parts.gather(home / "parts")}
    assert [name for name, part in found.items() if part.real] == [
        "linkerd2-proxy",
        "spire-agent",
        "spire-server",
        "linkerd-controller",
        "linkerd-policy-controller",
    ]
    assert (home / "parts" / "linkerd2-proxy").read_text() == "real linkerd2-proxy"
    monkeypatch.delenv("LAB_PARTS")
    assert not any(part.real for part in parts.gather(home / "parts"))
    assert not (home / "parts" / "linkerd-controller").exists()
    assert (given / "linkerd-controller").exists()


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("spire-agent",), "lacks spire-server"),
        (("spire-server", *PROXY_AND_CONTROLLERS), "lacks spire-agent"),
        (("linkerd2-proxy",), "lacks linkerd-controller and linkerd-policy-controller"),
        (("linkerd-controller", "linkerd-policy-controller"), "lacks linkerd2-proxy"),
        (("README",), "holds none of linkerd2-proxy"),
    ],
)
def test_parts_that_cannot_work_together_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...], says: str
) -> None:
    monkeypatch.setenv("LAB_PARTS", str(_given(home, *names)))
    with pytest.raises(TwinError, match=says):
        parts.gather(home / "parts")


def test_a_directory_that_is_not_there_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PARTS", str(home / "nowhere"))
    with pytest.raises(TwinError, match=r"LAB_PARTS is '.*nowhere'"):
        parts.gather(home / "parts")


def test_a_tool_that_was_not_built_is_named_with_the_fix(home: Path) -> None:
    (home / "home" / "bin" / "spire-agent").unlink()
    with pytest.raises(TwinError, match=r"spire-agent is not in .*make tools"):
        parts.gather(home / "parts")


def test_the_image_of_a_program_is_the_same_bytes_each_time_and_holds_what_it_says(tmp_path: Path) -> None:
    program = tmp_path / "thing"
    program.write_bytes(b"\x7fELF thing")
    image = ProgramImage(reference="localhost/x/thing:1", program=program, ports=(8000,), architecture="arm64")
    assert image.archive() == image.archive()
    with tarfile.open(fileobj=io.BytesIO(image.archive())) as archive:

        def content(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file
            return file.read()

        (manifest,) = json.loads(content("manifest.json"))
        config = json.loads(content(manifest["Config"]))
        layer = content(manifest["Layers"][0])
    assert manifest["RepoTags"] == ["localhost/x/thing:1"]
    assert config["architecture"] == "arm64"
    assert config["config"]["ExposedPorts"] == {"8000/tcp": {}}
    assert config["config"]["User"] not in ("", "0", "root")
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        (member,) = files.getmembers()
    assert (member.name, member.mode) == ("workload", 0o755)
    assert config["config"]["Entrypoint"] == ["/workload"]
