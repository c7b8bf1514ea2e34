"""What a device with a SPIRE server of its own is told, and what its scripts do."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.edge.assets import device_assets
from domain.bundle import bundle, prepare_stdin
from domain.device import Artefact, Device, Endpoint, LocalServer, Preflight
from domain.parts import PARTS, parts
from tests.unit.device_fixtures import NODE, SCRIPTS, SHA256, device, sh

CHAIN, DEVICE_CA = "-----BEGIN INTERMEDIATE-----\n", "-----BEGIN DEVICES-----"
CREATE_ENTRY = "/opt/mesh-expansion/bin/create-entry"
PARENT = "spiffe://root.linkerd.cluster.local/spire/agent/device/smiley"
IDENTITY = "spiffe://root.linkerd.cluster.local/smiley"


def _bundled(**changes: Any) -> Device:
    server = LocalServer(chain_pem=CHAIN, device_ca_pem=DEVICE_CA)
    artefacts = (*device().artefacts, Artefact(name="spire-server", sha256=SHA256))
    return replace(device(server=server, spire=Endpoint(host="127.0.0.1", port=30081), artefacts=artefacts), **changes)


def _files(text: str) -> dict[str, str]:
    """Content by path."""
    found: dict[str, str] = {}
    for entry in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE):
        head, _, body = entry.partition("\n")
        if head.startswith("file "):
            found[head.split()[-1]] = "".join(f"{line[1:]}\n" for line in body.splitlines())
    return found


def _restarts(text: str) -> dict[str, str]:
    """What starts again after a change, by path or program."""
    entries = [line.split(" ") for line in text.splitlines() if line.startswith(("file ", "artefact "))]
    return {
        words[-1] if words[0] == "file" else words[1]: words[4] if words[0] == "file" else words[2] for words in entries
    }


def test_a_device_that_asks_the_cluster_s_server_has_nothing_of_one() -> None:
    text = bundle(device(), device_assets())
    assert "mesh-expansion-server" not in "".join(_files(text).keys())
    assert not [path for path in _files(text) if path.endswith(("server.conf", "entry.env", "create-entry", "ca.crt"))]
    assert "unit server " not in text
    assert not [names for names in _restarts(text).values() if "server" in names.split(",")]


def test_the_server_of_the_device_comes_up_after_the_clock_and_before_the_agent() -> None:
    names = [part.name for part in parts(bundled=True)]
    assert names.index("time") < names.index("server") < names.index("agent")
    assert set(names) == {*(part.name for part in PARTS), "server"}
    assert "ClusterStaticEntry" not in bundle(_bundled(), device_assets())


def test_server_and_agent_meet_on_loopback_and_keep_nothing_on_disk() -> None:
    files = _files(bundle(_bundled(), device_assets()))
    server, agent = files["/etc/mesh-expansion/server.conf"], files["/etc/mesh-expansion/agent.conf"]
    assert 'bind_address = "127.0.0.1"\n  bind_port = 30081\n' in server
    assert 'server_address = "127.0.0.1"\n  server_port = 30081\n' in agent
    for text in (server, agent):
        assert 'KeyManager "memory"' in text
        assert "/var/" not in text
    assert 'bundle_file_path = "/etc/mesh-expansion/trust-anchors.pem"' in server
    assert files["/etc/mesh-expansion/intermediate.crt"] == CHAIN
    assert files["/etc/mesh-expansion/device-ca.crt"] == f"{DEVICE_CA}\n"


def test_an_agent_of_the_cluster_s_server_keeps_its_identity_over_a_restart() -> None:
    agent = _files(bundle(device(), device_assets()))["/etc/mesh-expansion/agent.conf"]
    assert 'KeyManager "disk" {\n    plugin_data {\n      directory = "/var/lib/mesh-expansion/agent"\n    }\n' in agent


def test_a_change_starts_again_what_reads_it_the_server_too() -> None:
    restarts = _restarts(bundle(_bundled(), device_assets()))
    for name in ("server.conf", "entry.env", "intermediate.crt", "device-ca.crt"):
        assert restarts[f"/etc/mesh-expansion/{name}"] == "server"
    assert restarts["/etc/mesh-expansion/trust-anchors.pem"] == "server,agent,proxy"
    assert restarts["/etc/systemd/system/mesh-expansion-server.service"] == "systemd,server"
    assert restarts["spire-server"] == "server"


def test_the_agent_starts_again_with_the_server_which_forgot_it() -> None:
    assets = device_assets()
    assert "PartOf=mesh-expansion-server.service" in assets.files["/etc/systemd/system/mesh-expansion-agent.service"]
    unit = assets.bundled["/etc/systemd/system/mesh-expansion-server.service"]
    assert "RuntimeDirectory=mesh-expansion-server\nRuntimeDirectoryMode=0700\n" in unit
    assert "StateDirectory" not in unit


def test_no_key_is_sent_to_a_device_with_a_server() -> None:
    text = bundle(_bundled(), device_assets())
    assert "PRIVATE KEY" not in text
    assert not [path for path in _files(text) if path.endswith(".key")]


def test_the_port_is_looked_at_and_the_key_is_made_only_where_a_server_shall_be() -> None:
    preflight = Preflight(workload=device().workload, nodes=(NODE,), not_before=0, not_after=1)
    assert "\nSERVER_PORT=''\n" in prepare_stdin(preflight, device_assets())
    assert "\nSERVER_PORT=30081\n" in prepare_stdin(replace(preflight, server_port=30081), device_assets())


def _prepared(directory: Path, port: str) -> dict[str, Any]:
    """What `prepare` says after it has looked at the machine and made the user."""
    functions = "".join((SCRIPTS / name).read_text() for name in ("common", "preflight", "prepare"))
    places = f"state={directory}/state record={directory}/state/record data={directory} binaries={directory}/bin\n"
    script = f"""{functions}{places}configuration={directory}
preflight() {{ :; }}; lock() {{ :; }}; make_user() {{ :; }}; chown() {{ :; }}; podman_version() {{ echo 4.3; }}
WORKLOAD=smiley SERVER_PORT={port!r}
prepare </dev/null"""
    done = sh(script)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_device_with_a_server_makes_a_second_key_and_a_request_for_it(tmp_path: Path) -> None:
    without = _prepared(tmp_path, "")
    assert set(without) == {"csr", "facts"}
    assert not (tmp_path / "intermediate.key").exists()
    found = _prepared(tmp_path, "30081")
    assert found["csr"] == without["csr"]
    assert found["intermediate"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert found["intermediate"] != found["csr"]
    keys = [(tmp_path / f"{name}.key") for name in ("device", "intermediate")]
    assert len({key.read_text() for key in keys}) == 2
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}
    assert _prepared(tmp_path, "30081") == found, "another request would be another certificate"


class _Server:
    """A spire-server that remembers what it was asked, and the script that asks it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        program = directory / "spire-server"
        program.write_text(
            f"""#!/bin/sh
echo "$*" >>{directory}/asked
case "$1 $2" in
    "entry show") [ ! -e {directory}/there ] || echo "Entry ID : 1" ;;
    "healthcheck "*) [ -e {directory}/healthy ] || {{ touch {directory}/healthy; echo not yet; exit 1; }} ;;
    "entry create") touch {directory}/there ;;
esac
"""
        )
        program.chmod(0o755)

    def create_entry(self, socket: str = "/dev/null") -> tuple[int, list[str]]:
        script = device_assets().bundled[CREATE_ENTRY]
        script = script.replace("/opt/mesh-expansion/bin", str(self._directory)).replace("-S ", "-e ")
        script = re.sub(r"^socket=.*$", f"socket={socket}", script, flags=re.MULTILINE)
        asked = self._directory / "asked"
        asked.unlink(missing_ok=True)
        settings = _files(bundle(_bundled(), device_assets()))["/etc/mesh-expansion/entry.env"]
        done = sh(f"set -a\n{settings}{script}")
        assert os.access(SCRIPTS / "bundled" / CREATE_ENTRY.lstrip("/"), os.X_OK)
        return done.returncode, asked.read_text().splitlines()


@pytest.fixture
def server(tmp_path: Path) -> _Server:
    return _Server(tmp_path)


def test_the_workload_s_entry_is_made_once_the_server_answers_for_this_device_s_agent(server: _Server) -> None:
    status, asked = server.create_entry()
    assert status == 0
    assert [line.split(" -socketPath")[0] for line in asked] == [
        "healthcheck",
        "healthcheck",
        "entry show",
        "entry create",
    ]
    assert asked[-1] == (
        f"entry create -socketPath /dev/null -parentID {PARENT} -spiffeID {IDENTITY} "
        "-selector unix:uid:2102 -selector unix:path:/opt/mesh-expansion/bin/linkerd2-proxy"
    )


def test_an_entry_that_is_there_stays(server: _Server) -> None:
    server.create_entry()
    status, asked = server.create_entry()
    assert status == 0
    assert [line.split(" -socketPath")[0] for line in asked] == ["healthcheck", "entry show"]


def test_a_device_that_goes_back_to_the_cluster_s_server_keeps_neither_its_authority_s_key_nor_the_program(
    tmp_path: Path,
) -> None:
    for name in ("work", "state", "bin", "incoming"):
        (tmp_path / name).mkdir()
    for name in ("spire-agent", "spire-server"):
        for file in (f"state/artefact-{name}", f"bin/{name}", f"incoming/{name}"):
            (tmp_path / file).touch()
    for name in ("intermediate.key", "intermediate.csr", "device.key"):
        (tmp_path / name).touch()
    functions = "".join((SCRIPTS / name).read_text() for name in ("common", "read", "artefacts", "converge"))
    places = f"state={tmp_path}/state data={tmp_path} binaries={tmp_path}/bin configuration={tmp_path} work={tmp_path}/work\n"
    run = f"{functions}{places}remove_old_artefacts && remove_old_intermediate"
    index = tmp_path / "work" / "index"
    index.write_text(
        f"artefact spire-agent x\nartefact spire-server x\nfile 0644 root:root always server {tmp_path}/intermediate.crt\n"
    )
    assert sh(run).stdout == ""
    index.write_text("artefact spire-agent x\n")
    assert (
        sh(run).stdout
        == f"changed: {tmp_path}/bin/spire-server removed\nchanged: {tmp_path}/intermediate.key removed\n"
    )
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"artefact-spire-agent", "spire-agent", "device.key", "index"}
    assert sh(run).stdout == ""
