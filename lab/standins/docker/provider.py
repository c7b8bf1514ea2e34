"""The docker provider: its configuration and its resources."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi_docker

import versions
from lab.standins.base import InvalidInputs, Problem, Properties, Provider, inputs_of
from lab.standins.docker.container import Container
from lab.standins.docker.engine import Engine
from lab.standins.docker.image import Image
from lab.standins.docker.network import Network
from lab.standins.docker.remote_image import RemoteImage
from lab.standins.docker.resource import NOT_SUPPORTED
from lab.standins.docker.volume import Volume

DEFAULT_HOST = "unix:///var/run/docker.sock"
UNSUPPORTED_CONFIG = {
    "caMaterial": "put ca.pem, cert.pem and key.pem into a directory and set certPath",
    "certMaterial": "put ca.pem, cert.pem and key.pem into a directory and set certPath",
    "keyMaterial": "put ca.pem, cert.pem and key.pem into a directory and set certPath",
    "context": "set host to the context's endpoint",
    "sshOpts": "forward the engine's socket with ssh and set host to it",
}
UNSUPPORTED_LOGIN = ("configFile", "configFileContent")


@dataclass(frozen=True, kw_only=True)
class DockerProvider(Provider):
    """Configures the one engine of the process."""

    engine: Engine = field(default_factory=Engine)

    async def check_config(self, config: Properties) -> Properties:
        """Refuses what the stand-in cannot do."""
        found = [
            Problem(name, f"{NOT_SUPPORTED}: {advice}")
            for name, advice in UNSUPPORTED_CONFIG.items()
            if config.get(name)
        ]
        if str(config.get("host", "")).startswith("ssh://"):
            found.append(Problem("host", f"ssh:// {NOT_SUPPORTED}: {UNSUPPORTED_CONFIG['sshOpts']}"))
        logins = config.get("registryAuth")
        for index, login in enumerate(logins if isinstance(logins, list) else []):
            found += [
                Problem(f"registryAuth[{index}].{name}", f"{NOT_SUPPORTED}: set username and password")
                for name in UNSUPPORTED_LOGIN
                if login.get(name)
            ]
        if found:
            raise InvalidInputs(found)
        return config

    async def configure(self, config: Mapping[str, Any]) -> None:
        """The stack's configuration first, then the environment, then the official default."""
        certificates = config.get("certPath") or os.environ.get("DOCKER_CERT_PATH")
        self.engine.host = config.get("host") or os.environ.get("DOCKER_HOST") or DEFAULT_HOST
        self.engine.certificates = Path(certificates).expanduser() if certificates else None
        self.engine.logins = {
            login["address"].removeprefix("https://").rstrip("/"): {
                "username": login.get("username", ""),
                "password": login.get("password", ""),
            }
            for login in config.get("registryAuth") or []
            if not login.get("authDisabled")
        }

    async def close(self) -> None:
        """Drop the connections."""
        self.engine.close()


def docker_provider() -> DockerProvider:
    """The plugin, not yet configured."""
    engine = Engine()
    kinds = (Network, Container, Volume, RemoteImage, Image)
    return DockerProvider(
        name="docker",
        version=versions.PLUGIN_DOCKER,
        resources=tuple(kind(engine) for kind in kinds),
        config=inputs_of(pulumi_docker.ProviderArgs),
        engine=engine,
    )
