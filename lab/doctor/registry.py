"""Which checks a lab has. Whoever adds a lab or a check adds a line here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial

from lab.doctor import (
    certificates,
    cluster,
    devices,
    docker_engine,
    docker_network,
    made_cluster,
    ports,
    programs,
    releases,
    routes,
    tools,
)
from lab.doctor.check import Check
from lab.doctor.context import Context
from lab.doctor.finding import Finding
from settings.cluster import K3dClusterSettings, K3sClusterSettings, KindClusterSettings
from settings.edge_checks import provisioned
from settings.labs import TwinSettings

PLUGINS = ("kubernetes", "tls", "command")


def always() -> Iterator[Check]:
    """What every lab needs, whatever its stack file says."""
    for program in (tools.PULUMI, tools.KUBECTL, tools.HELM):
        yield _check("tools", program.name, partial(tools.check, program))


def checks(context: Context) -> Iterator[Check]:
    """Those of one lab."""
    settings = context.settings
    made = settings.cluster if context.usable("cluster") else None
    contained = context.usable("workloads") and any(workload.container for workload in settings.workloads)
    yield _check("versions", "versions", partial(releases.check, context))
    yield _check("tools", "plugins", partial(tools.check_plugins, (*PLUGINS, *(["docker"] if contained else []))))
    if isinstance(made, K3dClusterSettings):
        yield _check("tools", "k3d", partial(tools.check, tools.K3D))
    if isinstance(made, KindClusterSettings):
        yield _check("tools", "kind", partial(tools.check, tools.KIND))
    # It comes with the engine that `make up` installs.
    if isinstance(made, KindClusterSettings) or (contained and not context.waits):
        yield _check("tools", "docker", partial(tools.check, tools.DOCKER))
    if wanted := _engine(context, contained=contained):
        yield _check("docker", "Docker engine", partial(docker_engine.check, wanted))
    host = settings.docker.host
    if (
        not context.waits
        and context.usable("cluster", "docker")
        and (network := _network(context, contained=contained))
    ):
        yield _check("docker.network", f"Docker network {network.name}", partial(docker_network.check, network, host))
    if isinstance(made, KindClusterSettings):
        ranges = made.load_balancer_addresses
        yield _check("docker.network", "load balancer", partial(docker_network.check_load_balancer, ranges, host))
        yield _check("cluster.made", f"kind cluster {made.name}", partial(made_cluster.check_kind, context, made))
    if isinstance(made, K3dClusterSettings):
        published = (("cluster.http-port", made.http_port), ("cluster.https-port", made.https_port))
        yield _check("ports", "ports of this machine", partial(ports.check, published, made.name, host))
        yield _check("cluster.made", f"k3d cluster {made.name}", partial(made_cluster.check_k3d, context, made))
    if isinstance(made, K3sClusterSettings) and context.usable("ssh", "edge"):
        subject = f"cluster machine {made.host}"
        yield _check("ssh.reach", subject, partial(made_cluster.check_k3s, context, made))
    if made is not None and (kubectl := cluster.brought(settings, context.project)) is not None:
        yield _check("cluster.reach", "cluster", partial(cluster.check, context))
        if not context.waits:
            yield _check("cluster.routes", "routes", partial(routes.check, kubectl))
    yield _check("certificates", "certificates", partial(certificates.check, context))
    machines = list(devices.checks(context))
    yield from machines
    if machines and not context.waits:
        yield _check("artefacts", "what devices get", partial(_artefacts, context))


def _engine(context: Context, *, contained: bool) -> docker_engine.Wanted | None:
    settings = context.settings
    twin = isinstance(settings, TwinSettings) and bool(provisioned(settings))
    what = [
        words
        for words, needed in (
            ("the cluster runs on", isinstance(settings.cluster, K3dClusterSettings | KindClusterSettings)),
            ("edge containers run on", contained and not twin),
            ("the twin's devices and containers run on", twin),
        )
        if needed
    ]
    if not what:
        return None
    given = contained and not context.waits
    return docker_engine.Wanted(
        host=settings.docker.host if given else None,
        what=" and ".join(what),
        installs=twin,
    )


def _network(context: Context, *, contained: bool) -> docker_network.Wanted | None:
    """The network that containers and a k3d cluster share."""
    settings = context.settings
    own, cluster = settings.docker, settings.cluster
    if isinstance(cluster, K3dClusterSettings):
        name, subnet, key = cluster.network, None if cluster.adopt else cluster.subnet, "cluster.subnet"
    elif contained and own.network is not None:
        name, subnet, key = own.network, own.subnet, "docker.subnet"
    else:
        return None
    return docker_network.Wanted(name=name, subnet=subnet, key=key, ours=name in context.state.networks)


async def _artefacts(context: Context) -> AsyncIterator[Finding]:
    """After every machine was looked at: only then is it known what they are."""
    await asyncio.gather(*(look() for look in context.looks), return_exceptions=True)
    async for finding in programs.check(context.settings, context.architectures, context.project):
        yield finding


def _check(name: str, subject: str, run: Callable[[], AsyncIterator[Finding]]) -> Check:
    return Check(name=name, subject=subject, run=run)
