"""Images of edge containers, built on the engine that runs them, for its own platform.

Several platforms at once are docker-bake.hcl's work. An image is known by its content (`sha256:...`), so that a container
is made anew when what it is made of changes, and never because a tag moved.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_command as command
import pulumi_docker as docker

from domain import labels

_CONTEXT = "assets"


@dataclass(frozen=True, kw_only=True)
class SpireRelease:
    """A release of SPIRE; `sha256` of its archive by architecture (`amd64`, `arm64`), as hexadecimal digits."""

    version: str
    sha256: Mapping[str, str]

    @property
    def build_arguments(self) -> dict[str, str]:
        """Arguments of the external base image's Dockerfile."""
        return {
            "SPIRE_VERSION": self.version,
            **{f"SPIRE_SHA256_{architecture.upper()}": digest for architecture, digest in self.sha256.items()},
        }


@dataclass(frozen=True, kw_only=True)
class EdgeImagesArgs:
    """What the images are made of.

    `tag` tells labs on one engine apart. `base` is a Debian, or an image that has what is needed. `proxy_image` holds
    /usr/lib/linkerd/linkerd2-proxy; `spire` is a release, or an image that holds /opt/spire/bin/spire-agent.
    `workload_images` names, by workload, an image that holds its program at /workload. `docker_host` is the engine, when it
    is not what the environment names.
    """

    tag: str
    base: str
    proxy_image: str
    spire: SpireRelease | str
    workload_images: Mapping[str, str]
    docker_host: str | None = None


class EdgeImages(pulumi.ComponentResource):
    """`workloads`, by name, and `dns_forwarder` are pinned references for containers, which depend on the component.

    Deleting it removes every image that was built, superseded ones too; what they were built on stays.
    """

    workloads: Mapping[str, pulumi.Output[str]]
    dns_forwarder: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mesh:edge:EdgeImages", name, None, opts)
        self._removal(name, args)
        spire = {"SPIRE_IMAGE": args.spire} if isinstance(args.spire, str) else args.spire.build_arguments
        external_base = self._image(
            f"{name}-external-base",
            args.tag,
            "external-base",
            {"BASE": args.base, "PROXY_IMAGE": args.proxy_image, **spire},
        )
        workloads = {
            workload: self._image(
                f"{name}-workload-{workload}",
                args.tag,
                "workload",
                {
                    "BASE": external_base.base_image_name,
                    "BASE_DIGEST": external_base.repo_digest,
                    "WORKLOAD_IMAGE": image,
                },
                as_name=f"workload-{workload}",
            )
            for workload, image in args.workload_images.items()
        }
        dns_forwarder = self._image(f"{name}-dns-forwarder", args.tag, "dns-forwarder", {"BASE": args.base})
        self.workloads = {workload: image.repo_digest for workload, image in workloads.items()}
        self.dns_forwarder = dns_forwarder.repo_digest
        self.register_outputs({"workloads": self.workloads, "dns_forwarder": self.dns_forwarder})

    def _removal(self, name: str, args: EdgeImagesArgs) -> None:
        """Deleting an Image leaves it on the engine. Only what no container uses goes."""
        command.local.Command(
            f"{name}-removal",
            delete=shlex.join(
                ["docker", "image", "prune", "--all", "--force", "--filter", f"label={labels.LAB}={args.tag}"]
            ),
            environment={"DOCKER_HOST": args.docker_host} if args.docker_host else None,
            logging=command.local.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _image(
        self,
        name: str,
        tag: str,
        directory: str,
        arguments: Mapping[str, pulumi.Input[str]],
        *,
        as_name: str | None = None,
    ) -> docker.Image:
        return docker.Image(
            name,
            image_name=f"mesh-expansion/{as_name or directory}:{tag}",
            skip_push=True,
            build=docker.DockerBuildArgs(
                context=_CONTEXT,
                dockerfile=f"{_CONTEXT}/images/{directory}/Dockerfile",
                args={"LAB": tag, **arguments},
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
