"""`python -m lab.standins.docker <engine address>`."""

from lab.standins.base import serve
from lab.standins.docker.provider import docker_provider

serve(docker_provider())
