"""The Docker engine of this machine: the one that answers, or one that the lab installs, starts and stops."""

from lab.docker.engine import DockerEngine, DockerError, down, ensure
from lab.docker.images import busybox_image

__all__ = ["DockerEngine", "DockerError", "busybox_image", "down", "ensure"]
