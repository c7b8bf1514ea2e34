"""A client of the engine whose failures are one clear message."""

from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker.errors import APIError, DockerException
from requests.exceptions import RequestException

from lab.docker.errors import DockerError


@contextmanager
def connected(host: str) -> Iterator[docker.DockerClient]:
    """A client of the engine at `host`; whatever goes wrong in the engine, or on the way to it, is a DockerError."""
    try:
        client = docker.DockerClient(base_url=host, timeout=120)
        try:
            yield client
        finally:
            client.close()
    except APIError as refused:
        raise DockerError(f"the Docker engine refused: {refused.explanation or refused}") from refused
    except (DockerException, RequestException) as lost:
        raise DockerError(f"the Docker engine at {host} does not answer any more: {lost}") from lost
