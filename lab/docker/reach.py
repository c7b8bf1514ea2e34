"""Does a Docker engine answer?"""

from dataclasses import dataclass

import docker
from docker.errors import DockerException

ANSWER_SECONDS = 5


@dataclass(frozen=True, kw_only=True)
class DockerEngine:
    """An engine that answered.

    `host` is what DOCKER_HOST and the `host` input of a docker provider take, e.g. `unix:///var/run/docker.sock`;
    `version` the engine's, e.g. `20.10.24`; `storage` its storage driver; `ours` whether the lab started it.
    """

    host: str
    version: str
    storage: str
    ours: bool = False

    def client(self) -> docker.DockerClient:
        """A client of this engine; the caller closes it."""
        return docker.DockerClient(base_url=self.host)


def answering(host: str, *, ours: bool = False) -> DockerEngine | None:
    """The engine at `host`, or None when nothing answers there within five seconds."""
    try:
        client = docker.DockerClient(base_url=host, timeout=ANSWER_SECONDS)
    except (DockerException, ValueError):
        return None
    try:
        information = client.info()
    except (DockerException, OSError):
        return None
    finally:
        client.close()
    return DockerEngine(
        host=host,
        version=str(information.get("ServerVersion", "")),
        storage=str(information.get("Driver", "")),
        ours=ours,
    )
