"""What a docker plugin does on a real engine, the official one or the stand-in: whatever is first on PATH."""

import signal
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from docker import DockerClient
from docker.errors import NotFound

from lab import docker as lab_docker
from tests.plugins.harness import Stack

IMAGE = "mesh-expansion-lab/busybox:1"
SECRET = "correct-horse-battery-staple"
PRELUDE = """
import pulumi_docker as docker

RUN = "{run}"
IMAGE = "{image}"
SLEEP = ["sleep", "1000"]
"""


class Lab:
    """A stack and the engine that it works on; `run` is part of every name on the engine, so that runs may meet."""

    def __init__(self, stack: Stack, client: DockerClient, host: str) -> None:
        self.stack = stack
        self.client = client
        self.run = f"t{uuid4().hex[:8]}"
        stack.environment["DOCKER_HOST"] = host

    def program(self, source: str) -> None:
        self.stack.program(PRELUDE.format(run=self.run, image=IMAGE) + textwrap.dedent(source))

    def preview(self, source: str) -> dict[str, str]:
        """What would change, by the resource's name."""
        self.program(source)
        return self.stack.preview().changes()

    def up(self, source: str) -> dict[str, str]:
        """What was changed, by the resource's name."""
        self.program(source)
        return self.stack.up().changes()

    def container(self, name: str) -> Any:
        return self.client.containers.get(f"{name}-{self.run}")

    def left(self) -> list[str]:
        """Names of this run that the engine still has."""
        kinds: list[list[Any]] = [
            self.client.containers.list(all=True),
            self.client.networks.list(),
            self.client.volumes.list(),
        ]
        return [each.name for found in kinds for each in found if self.run in each.name]

    def clear(self) -> None:
        """Whatever a failed test has left."""
        for container in self.client.containers.list(all=True, filters={"name": self.run}):
            container.remove(force=True, v=True)
        for network in self.client.networks.list():
            if self.run in str(network.name):
                network.remove()
        for volume in self.client.volumes.list(filters={"name": self.run}):
            volume.remove(force=True)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, DockerClient]]:
    """An engine, used under a name of the tests' own: at the end one that was started for them alone is stopped."""
    name = str(tmp_path_factory.mktemp("docker"))
    with pytest.MonkeyPatch.context() as context:
        context.setenv("LAB_HOME", name)
        found = lab_docker.ensure()
    client = found.client()
    lab_docker.busybox_image(client)
    yield found.host, client
    client.close()
    with pytest.MonkeyPatch.context() as context:
        context.setenv("LAB_HOME", name)
        lab_docker.down()


@pytest.fixture
def lab(engine: tuple[str, DockerClient], make_stack: Callable[[], Stack]) -> Iterator[Lab]:
    host, client = engine
    made = Lab(make_stack(), client, host)
    yield made
    made.clear()


LIFE = f"""
network = docker.Network("network", name=f"network-{{RUN}}")
volume = docker.Volume("volume", name=f"volume-{{RUN}}")
image = docker.RemoteImage("image", name=IMAGE, keep_locally=True)
server = docker.Container(
    "server",
    name=f"server-{{RUN}}",
    image=image.name,
    command=["httpd", "-f", "-p", "8080", "-h", "/www"],
    hostname="server-host",
    networks_advanced=[{{"name": network.id, "aliases": ["pages"]}}],
    uploads=[{{"file": "/www/index.html", "content": "it works"}}],
    volumes=[{{"volume_name": volume.name, "container_path": "/data"}}],
    envs=["PLAIN=1", pulumi.Output.secret("PASSWORD={SECRET}")],
    capabilities={{"adds": ["NET_ADMIN"], "drops": ["MKNOD"]}},
    labels=[{{"label": "lab", "value": "test"}}],
)
client = docker.Container(
    "client", name=f"client-{{RUN}}", image=IMAGE, command=SLEEP, networks_advanced=[{{"name": network.id}}]
)
pulumi.export("address", server.network_datas[0].ip_address)
pulumi.export("image", image.image_id)
"""


def test_two_containers_live_on_one_network_and_leave_nothing(lab: Lab) -> None:
    assert lab.preview(LIFE) == dict.fromkeys(("client", "image", "network", "server", "volume"), "create")
    assert lab.left() == [], "a preview has no side effects"

    lab.up(LIFE)
    server, client = lab.container("server"), lab.container("client")
    outputs = lab.stack.outputs()
    networks = server.attrs["NetworkSettings"]["Networks"]
    assert list(networks) == [f"network-{lab.run}"], "the default network was left"
    assert outputs["address"] == networks[f"network-{lab.run}"]["IPAddress"]
    assert outputs["image"] == lab.client.images.get(IMAGE).id
    assert f"PASSWORD={SECRET}" in server.attrs["Config"]["Env"]
    assert server.attrs["Config"]["Labels"]["lab"] == "test"
    for name in (f"server-{lab.run}", "pages"):
        code, page = client.exec_run(["wget", "-q", "-O-", f"http://{name}:8080/"])
        assert (code, page) == (0, b"it works"), f"{name} is reached by name"
    assert server.exec_run(["hostname"])[1] == b"server-host\n"

    lab.stack.expect_no_changes()
    assert not [path for path, text in lab.stack.written() if SECRET in text], "a secret is stored encrypted only"

    lab.stack.destroy()
    assert lab.left() == []
    assert lab.client.images.get(IMAGE), "keepLocally keeps the image"


def test_bad_inputs_are_errors_in_preview_that_name_the_property(lab: Lab) -> None:
    lab.program(
        """
        bad = {"name": "bad", "colour": "red", "privileged": "perhaps"}
        pulumi.CustomResource("docker:index/container:Container", "bad", bad)
        """
    )
    result = lab.stack.preview(check=False)
    assert result.code != 0
    for property_ in ("colour", "privileged", "image"):
        assert any(property_ in message for message in result.messages), result.output


BOX = """
def box(name, **more):
    given = {"name": f"{name}-{RUN}", "image": IMAGE, "command": SLEEP, **more}
    docker.Container(name, **given)
"""
BEFORE = f"""{BOX}
box("environment", envs=["A=1", "B=1"])
box("command")
box("limits", memory=64, memory_swap=64)
box("policy")
box("reordered", envs=["A=1", "B=1"], dns=["192.0.2.1", "192.0.2.2"])
docker.Network("network")
docker.Volume("volume")
"""
AFTER = f"""{BOX}
box("environment", envs=["A=1", "B=2"])
box("command", command=["sleep", "2000"])
box("limits", memory=128, memory_swap=128)
box("policy", restart="unless-stopped")
box("reordered", envs=["B=1", "A=1"], dns=["192.0.2.2", "192.0.2.1"])
docker.Network("network", labels=[{{"label": "a", "value": "b"}}], opts=FIRST_DELETE)
docker.Volume("volume", labels=[{{"label": "a", "value": "b"}}], opts=FIRST_DELETE)
"""
# A network or volume keeps the name that was made for it, so that its replacement has to wait for the deletion.
FIRST_DELETE = "FIRST_DELETE = pulumi.ResourceOptions(delete_before_replace=True)\n"


def test_changes_update_or_replace_as_the_engine_allows(lab: Lab) -> None:
    lab.up(BEFORE)
    names = ("environment", "command", "limits", "policy", "reordered")
    ids = {name: lab.container(name).id for name in names}
    expected = {
        "command": "replace",
        "environment": "replace",
        "limits": "update",
        "network": "replace",
        "policy": "update",
        "volume": "replace",
    }
    assert lab.preview(FIRST_DELETE + AFTER) == expected
    assert lab.up(FIRST_DELETE + AFTER) == expected
    assert {name for name in names if lab.container(name).id == ids[name]} == {"limits", "policy", "reordered"}
    assert lab.container("limits").attrs["HostConfig"]["Memory"] == 128 * 1024 * 1024
    assert lab.container("policy").attrs["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert "B=2" in lab.container("environment").attrs["Config"]["Env"]

    lab.stack.destroy()
    assert lab.left() == []


def test_what_was_removed_or_stopped_by_hand_is_seen_by_refresh_and_repaired(lab: Lab) -> None:
    program = """
    for name in ("removed", "stopped", "renewed"):
        docker.Container(name, name=f"{name}-{RUN}", image=IMAGE, command=SLEEP)
    """
    lab.up(program)
    stopped = lab.container("stopped").id
    lab.container("removed").remove(force=True)
    lab.container("stopped").stop(timeout=0)
    lab.container("renewed").update(restart_policy={"Name": "always"})

    lab.stack.refresh()
    assert lab.up(program) == {"removed": "create", "renewed": "update", "stopped": "update"}
    assert lab.container("removed").status == "running"
    assert lab.container("stopped").status == "running"
    assert lab.container("stopped").id == stopped
    assert lab.container("renewed").attrs["HostConfig"]["RestartPolicy"]["Name"] == "no"

    lab.container("removed").remove(force=True)
    lab.stack.destroy()
    assert lab.left() == [], "what was gone already is no fault"


def test_a_refusal_of_the_engine_names_the_container_and_the_answer(lab: Lab) -> None:
    lab.program(
        """
        nowhere = [{"name": f"nowhere-{RUN}"}]
        docker.Container("lost", name=f"lost-{RUN}", image=IMAGE, command=SLEEP, networks_advanced=nowhere)
        """
    )
    result = lab.stack.up(check=False)
    assert result.code != 0
    assert "lost" in result.output
    assert f"nowhere-{lab.run} not found" in result.output


def test_an_image_is_built_again_when_a_file_of_its_context_changes(lab: Lab) -> None:
    context: Path = lab.stack.directory / "app"
    context.mkdir()
    (context / "Dockerfile").write_text(f'FROM {IMAGE}\nARG TOKEN\nCOPY page /page\nRUN test -n "$TOKEN"\n')
    (context / "page").write_text("one")
    program = f"""
    build = {{"context": "app", "dockerfile": "app/Dockerfile", "args": {{"TOKEN": pulumi.Output.secret("{SECRET}")}}}}
    image = docker.Image("image", image_name=f"mesh-expansion-lab/test:{{RUN}}", build=build, skip_push=True)
    docker.Container("app", name=f"app-{{RUN}}", image=image.repo_digest, command=SLEEP)
    """
    name = f"mesh-expansion-lab/test:{lab.run}"
    lab.up(program)
    first = lab.client.images.get(name).id
    assert lab.container("app").exec_run(["cat", "/page"])[1] == b"one"
    assert not [path for path, text in lab.stack.written() if SECRET in text]
    lab.stack.expect_no_changes()

    (context / "page").write_text("two")
    assert lab.up(program) == {"app": "replace", "image": "update"}
    assert lab.client.images.get(name).id != first
    assert lab.container("app").exec_run(["cat", "/page"])[1] == b"two"

    lab.stack.destroy()
    assert lab.left() == []
    lab.client.images.remove(name, force=True)


def test_an_interrupted_creation_ends_soon_and_leaves_no_container(lab: Lab) -> None:
    lab.program(
        """
        failing = {"tests": ["CMD", "false"], "interval": "1s"}
        docker.Container(
            "sick", name=f"sick-{RUN}", image=IMAGE, command=SLEEP, wait=True, wait_timeout=100, healthcheck=failing
        )
        """
    )
    running = lab.stack.start("up")
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not lab.left():
        time.sleep(0.2)
    assert lab.left() == [f"sick-{lab.run}"]
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(timeout=30) != 0
    with pytest.raises(NotFound):
        lab.container("sick")
