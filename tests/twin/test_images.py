"""The images of edge containers, built and run on the lab's engine: by the program's own components, with SPIRE beside them."""

import json
import random
import shutil
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from docker.types import IPAMConfig, IPAMPool

from lab import docker as lab_docker
from lab.docker import DockerEngine
from tests.plugins.harness import Stack
from tests.twin.images_bench import SPIFFE_ID, Bench, ClusterDns, authorities, declare, spire_server, until

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """An engine, used under a name of the tests' own: at the end one that was started for them alone is stopped."""
    name = str(tmp_path_factory.mktemp("docker"))
    with pytest.MonkeyPatch.context() as context:
        context.setenv("LAB_HOME", name)
        found = lab_docker.ensure()
    yield found
    with pytest.MonkeyPatch.context() as context:
        context.setenv("LAB_HOME", name)
        lab_docker.down()


@pytest.fixture(scope="module")
def bench(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Images built, a server with the workload's entry, the container up and proven: one `up`, by the real engine."""
    client = engine.client()
    directory = tmp_path_factory.mktemp("spire")
    run = f"t{uuid4().hex[:8]}"
    subnet = f"10.213.{random.randrange(256)}"  # noqa: S311
    pool = IPAMPool(subnet=f"{subnet}.0/24", gateway=f"{subnet}.1")
    network = client.networks.create(run, ipam=IPAMConfig(pool_configs=[pool]))
    server = None
    stack = Stack(tmp_path_factory.mktemp("stack"))
    made = Bench(client, stack, run, f"{subnet}.1", f"{subnet}.41", directory)
    try:
        pems = authorities(directory)
        server = spire_server(made)
        declare(made, pems, engine.host)
        stack.up()
        yield made
    finally:
        stack.destroy(check=False)
        if server:
            server.terminate()
            server.wait(10)
        made.clear()
        network.remove()
        client.close()


def test_the_container_proves_the_workloads_identity_to_whoever_asks(bench: Bench) -> None:
    assert SPIFFE_ID in bench.handshake(4143)
    assert bench.container.attrs["State"]["Health"]["Status"] == "healthy", "so `up` waited for it"
    assert f"ready: {SPIFFE_ID}" in bench.log()
    assert bench.stack.outputs()["hostname"] == "smiley-docker-ext1"
    assert bench.inside("hostname") == "smiley-docker-ext1\n"


def test_a_second_up_changes_nothing_and_restarts_nothing(bench: Bench) -> None:
    started = bench.container.attrs["State"]["StartedAt"]
    bench.stack.up("--refresh", "--expect-no-changes")
    assert bench.container.attrs["State"]["StartedAt"] == started


def test_plaintext_never_reaches_the_workload(bench: Bench) -> None:
    assert "smiley" in bench.inside("curl", "--silent", "http://127.0.0.1:8000/center/"), (
        "the workload itself does answer"
    )
    for port in (8000, 4143, 4140, 4190, 4191):
        asked = subprocess.run(
            ["curl", "--silent", "--max-time", "5", f"http://{bench.address}:{port}/center/"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "smiley" not in asked.stdout, f"port {port} answered {asked.stdout!r}"


def test_no_part_of_the_mesh_runs_as_root_and_the_workload_is_a_user_of_its_own(bench: Bench) -> None:
    listed = bench.inside("ps", "-eo", "comm:20,user:20")
    users = dict(line.split() for line in listed.splitlines())
    assert users["linkerd2-proxy"] == "mesh-proxy"
    assert users["spire-agent"] == "mesh-agent"
    assert users["start"] == "app_user"


def test_the_key_stays_where_it_was_made_and_nothing_secret_shows(bench: Bench) -> None:
    key = bench.inside("cat", "/opt/spire/identity/device.key")
    body = key.splitlines()[1]
    assert "BEGIN PRIVATE KEY" in key and len(body) == 64
    assert (
        bench.container.exec_run(["stat", "-c", "%a %U", "/opt/spire/identity/device.key"]).output
        == b"600 mesh-agent\n"
    )
    shown = {"log": bench.log(), "inspect": json.dumps(bench.container.attrs)}
    shown |= {str(path): text for path, text in bench.stack.written()}
    for where, text in shown.items():
        assert body not in text, where
        assert "PRIVATE KEY" not in text, where
        assert "token" not in text.lower() or where not in ("log", "inspect"), where
    for user in ("app_user", "mesh-proxy"):
        refused = bench.container.exec_run(["cat", "/opt/spire/identity/device.key"], user=user)
        assert refused.exit_code != 0, user


def test_outbound_to_the_cluster_goes_through_the_proxy_and_the_rest_does_not(bench: Bench) -> None:
    rules = bench.inside("iptables", "-t", "nat", "-S", "MESH_EXPANSION_OUT")
    redirected = [line.split()[3] for line in rules.splitlines() if "REDIRECT" in line]
    assert redirected == ["10.42.0.0/24", "10.43.0.0/16"]
    routes = bench.inside("ip", "route", "show", "10.42.0.0/24")
    assert f"via {bench.gateway}" in routes


def test_names_of_the_cluster_are_asked_of_the_cluster(bench: Bench) -> None:
    with socketserver.ThreadingUDPServer((bench.gateway, 30000), ClusterDns) as dns:
        threading.Thread(target=dns.serve_forever, daemon=True).start()
        found = bench.inside("getent", "ahostsv4", "face.faces.svc.cluster.local")
        dns.shutdown()
    assert found.startswith("10.43.0.7 ")


def test_a_container_that_cannot_reach_the_server_ends_and_says_what_is_missing(bench: Bench) -> None:
    own = bench.container
    given = own.attrs["Config"]
    environment = {
        **dict(line.split("=", 1) for line in given["Env"]),
        "SPIRE_SERVER": f"{bench.gateway}:9",
        "START_SECONDS": "2",
    }
    lost = bench.client.containers.create(
        given["Image"],
        name=f"{bench.run}-lost",
        environment=environment,
        network=bench.run,
        cap_add=["NET_ADMIN"],
        volumes={f"{bench.run}-smiley-identity": {"bind": "/opt/spire/identity", "mode": "ro"}},
    )
    archive, _ = own.get_archive("/opt/spire/certs/.")
    lost.put_archive("/opt/spire/certs", b"".join(archive))
    try:
        lost.start()
        assert lost.wait(timeout=30)["StatusCode"] == 1
        said = lost.logs().decode()
    finally:
        lost.remove(force=True)
    assert "the SPIRE agent is not healthy within 2 s" in said
    assert f"is {bench.gateway}:9 the SPIRE server" in said
    assert "proxy started" not in said, "the proxy never starts without an agent"


@pytest.mark.parametrize("part", ["spire-agent", "linkerd2-proxy", "start"])
def test_the_container_ends_with_any_of_its_parts_and_comes_back_with_its_identity(bench: Bench, part: str) -> None:
    before = bench.container.attrs["RestartCount"]
    kill = ["pkill", "-KILL", "-x", part]
    until(f"{part} runs", lambda: bench.container.exec_run(kill).exit_code == 0, 10)
    until(f"the container is back after the death of {part}", lambda: bench.proven(before + 1))
    assert "ended with status 137: so does this container" in bench.log()
    assert SPIFFE_ID in bench.handshake(4143)


def test_stopping_is_quick_and_ends_every_part_in_order(bench: Bench) -> None:
    begun = time.monotonic()
    bench.container.stop(timeout=10)
    assert time.monotonic() - begun < 8
    assert bench.container.attrs["State"]["ExitCode"] == 0
    assert "asked to end" in bench.log()
    bench.container.start()
    until("the container is back", bench.proven)


def test_destroy_takes_container_key_and_images_away(bench: Bench) -> None:
    assert len(_built(bench)) == 3
    bench.stack.destroy()
    assert not bench.client.containers.list(all=True, filters={"name": bench.run})
    assert not bench.client.volumes.list(filters={"name": bench.run})
    assert not _built(bench)


def _built(bench: Bench) -> list[str]:
    labelled = bench.client.images.list(all=True, filters={"label": f"mesh-expansion/lab={bench.run}"})
    return [tag for image in labelled for tag in image.tags]


def test_a_docker_client_is_there_for_the_preparation() -> None:
    assert shutil.which("docker")
