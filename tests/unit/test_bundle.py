"""What a device is told, and what its shell makes of it."""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.edge.assets import device_assets
from domain.bundle import bundle, converge_stdin, leave_command, prepare_stdin
from domain.device import Artefact, DeviceAssets, Image, Preflight
from domain.parts import PARTS, readers
from domain.workloads import Workload
from tests.unit.device_fixtures import NODE, SCRIPTS, SHA256, device, sh

CALL = "converge() { echo ran; cat; }\n"
READ = (SCRIPTS / "common").read_text() + (SCRIPTS / "read").read_text()


def _assets(files: dict[str, str], converge: str = CALL) -> DeviceAssets:
    return DeviceAssets(prepare="prepare() { echo ran; cat; }\n", converge=converge, leave="LEAVING\n", files=files)


def _entries(text: str, kind: str) -> list[list[str]]:
    return [line.split(" ")[1:] for line in text.splitlines() if line.startswith(f"{kind} ")]


def _files(text: str) -> dict[str, list[str]]:
    """(mode, owner, when, parts) by path."""
    return {words[-1]: words[:-1] for words in _entries(text, "file")}


def _read(text: str, directory: str) -> subprocess.CompletedProcess[str]:
    return sh(f"{READ}read_bundle {directory}\n", stdin=text)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", codec="utf-8")))
def test_any_content_of_a_file_arrives_as_it_was_sent(content: str) -> None:
    text = converge_stdin(bundle(device(), _assets({"/etc/some-file": content})), _assets({}))
    with TemporaryDirectory() as directory:
        # The whole way: through the shell that reads its script from stdin, and the parser that reads the bundle.
        functions = READ.replace("'", "'\\''")
        done = subprocess.run(
            ["sh", "-s"],
            input=text.replace(CALL, f"eval '{functions}'\nconverge() {{ read_bundle {directory}; }}\n").encode(),
            check=True,
            capture_output=True,
        )
        assert not done.stderr
        index = (Path(directory) / "index").read_text().splitlines()
        number = next(n for n, line in enumerate(index, 1) if line.endswith(" /etc/some-file"))
        assert (Path(directory) / f"content.{number}").read_bytes() == content.encode()


def test_the_same_device_gives_the_same_text() -> None:
    environment = {"B": "2", "A": "1"}
    assert bundle(device(environment=environment), device_assets()) == bundle(
        device(environment=dict(environment)), device_assets()
    )


def test_a_connection_that_is_cut_runs_nothing() -> None:
    assets = _assets({"/etc/some-file": "content\n"})
    for text in (
        converge_stdin(bundle(device(), assets), assets),
        prepare_stdin(Preflight(workload=device().workload, nodes=(NODE,), not_before=0, not_after=1), assets),
    ):
        assert "ran" in sh(text).stdout
        for length in range(0, len(text) - 1, 23):
            assert "ran" not in sh(text[:length]).stdout, text[:length]
        assert "ran" not in sh(text[:-2]).stdout


def test_a_bundle_that_is_not_whole_is_refused() -> None:
    text = bundle(device(), _assets({}))
    with TemporaryDirectory() as directory:
        assert _read(text, directory).returncode == 0
        for broken in (text.removesuffix("end\n"), text.replace("bundle 1", "bundle 2", 1), ""):
            done = _read(broken, directory)
            assert done.returncode == 1
            assert "cut short" in done.stderr


def test_every_part_has_its_unit_and_every_unit_is_a_part() -> None:
    units = {Path(path).name for path in device_assets().files if path.startswith("/etc/systemd/system/")}
    named = {part.unit for part in PARTS} - {"systemd-resolved.service"}
    assert units == named | {"mesh-expansion-watch.service"}
    assert "/etc/containers/systemd/mesh-expansion-workload.container" in device_assets().files


def test_the_redirect_comes_before_the_proxy_and_the_workload_and_the_agent_before_the_proxy() -> None:
    order = [part.name for part in PARTS]
    assert order.index("time") < order.index("agent") < order.index("proxy")
    assert order.index("redirect") < order.index("workload")


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/etc/mesh-expansion/trust-anchors.pem", ("server", "agent", "proxy")),
        ("/etc/mesh-expansion/device.crt", ("agent",)),
        ("/etc/mesh-expansion/proxy.env", ("proxy",)),
        ("/etc/mesh-expansion/routes", ("routes",)),
        ("/etc/mesh-expansion/networks", ("redirect",)),
        ("/etc/mesh-expansion/workload.env", ("workload",)),
        ("/etc/systemd/resolved.conf.d/mesh-expansion.conf", ("resolver",)),
        ("/etc/systemd/system/mesh-expansion-proxy.service", ("systemd", "proxy")),
        ("/etc/systemd/system/mesh-expansion-watch.service", ("systemd",)),
        ("/etc/containers/systemd/mesh-expansion-workload.container", ("systemd", "workload")),
        ("/opt/mesh-expansion/bin/prove-identity", ()),
        ("/opt/mesh-expansion/bin/leave", ()),
    ],
)
def test_a_change_restarts_only_what_reads_the_file(path: str, parts: tuple[str, ...]) -> None:
    assert readers(path) == parts
    # This device has no server of its own.
    here = [part for part in parts if part != "server"]
    assert _files(bundle(device(), device_assets()))[path][-1] == (",".join(here) or "-")


def test_whatever_must_start_again_is_a_part() -> None:
    known = {*(part.name for part in PARTS), "systemd", "-"}
    for _, _, _, parts in _files(bundle(device(), device_assets())).values():
        assert set(parts.split(",")) <= known


def test_programs_may_be_run_and_only_the_workload_s_environment_is_kept_from_readers() -> None:
    files = _files(bundle(device(), device_assets()))
    assert {path for path, (mode, *_) in files.items() if mode == "0600"} == {"/etc/mesh-expansion/workload.env"}
    assert {path for path, (mode, *_) in files.items() if mode == "0755"} == {
        path for path in files if path.startswith("/opt/mesh-expansion/bin/")
    }
    assert {owner for _, owner, *_ in files.values()} == {"root:root"}


def test_the_workload_s_unit_is_made_by_quadlet_where_podman_has_it() -> None:
    files = _files(bundle(device(), device_assets()))
    when = {path: words[2] for path, words in files.items() if words[2] != "always"}
    assert when == {
        "/etc/containers/systemd/mesh-expansion-workload.container": "quadlet",
        "/etc/systemd/system/mesh-expansion-workload.service": "plain",
    }


def test_no_key_is_sent_to_a_device() -> None:
    text = bundle(device(), device_assets())
    assert "PRIVATE KEY" not in text
    assert "/etc/mesh-expansion/device.key" not in _files(text)


def test_artefacts_and_image_say_where_they_come_from_and_what_they_must_be() -> None:
    text = bundle(device(), device_assets())
    assert _entries(text, "artefact") == [
        ["linkerd2-proxy", "proxy", SHA256, "pushed:/var/lib/mesh-expansion/incoming/linkerd2-proxy", "-"],
        ["spire-agent", "agent", SHA256, "https://example.com/spire.tar.gz", "bin/spire-agent"],
    ]
    assert _entries(text, "image") == [
        ["example.com/faces:1", SHA256, "pushed:/var/lib/mesh-expansion/incoming/workload.tar"]
    ]
    pulled = bundle(device(image=Image(reference="example.com/faces:1")), device_assets())
    assert _entries(pulled, "image") == [["example.com/faces:1", "-", "pull"]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"artefacts": (Artefact(name="spire-agent", sha256="0f"),)}, "'0f' is no SHA-256"),
        (
            {"artefacts": (Artefact(name="a", sha256=SHA256, source="http://example.com/a"),)},
            "'http://example.com/a' is not fetched over https",
        ),
        ({"image": Image(reference="faces 1")}, "'faces 1' has blanks"),
        ({"environment": {"A-B": "1"}}, "'A-B' is no name"),
    ],
)
def test_what_a_device_cannot_be_given_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=r"expected .*; fix: ") as error:
        bundle(device(**changes), device_assets())
    assert words in str(error.value)


@pytest.mark.parametrize("port", [22, 4140, 4143, 4190, 4191])
def test_a_workload_on_a_port_of_ssh_or_the_proxy_is_refused(port: int) -> None:
    workload = Workload(name="smiley", service="smiley", addresses=device().workload.addresses, port=port)
    with pytest.raises(ValueError, match=f"port: {port} is taken"):
        bundle(device(workload=workload), device_assets())


def test_parameters_of_the_preflight_reach_the_script_whatever_they_hold() -> None:
    workload = Workload(name="smiley", service="smiley", addresses=device().workload.addresses)
    preflight = Preflight(workload=workload, nodes=(NODE,), not_before=5, not_after=7, pushed="amd64")
    show = (
        'prepare() { echo "$WORKLOAD,$PORT,$ADDRESSES,$NODES,$NOT_BEFORE,$NOT_AFTER,$ARCHITECTURES,$PUSHED"; cat; }\n'
    )
    assets = DeviceAssets(prepare=show, converge="", leave="LEAVING\n", files={})
    assert sh(prepare_stdin(preflight, assets)).stdout == (
        "smiley,8000,192.0.2.21,192.0.2.10,5,7,amd64 arm64,amd64\nLEAVING\n"
    )


def test_leaving_a_machine_that_has_nothing_of_ours_succeeds() -> None:
    command = leave_command(parts=True, sudo=True)
    assert command.endswith("then sudo -n /opt/mesh-expansion/bin/leave parts; fi")
    missing = leave_command(parts=False, sudo=False).replace("/opt/", "/nowhere/")
    assert sh(missing).returncode == 0
