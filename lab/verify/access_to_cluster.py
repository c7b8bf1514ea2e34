"""The kubeconfig of a lab's cluster: the one that the stack file names, or what the stack made, for this run alone."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lab import paths
from lab.doctor.command import find
from lab.verify.kubectl import Kubectl
from lab.verify.program import run
from settings import Settings, files
from settings.cluster import ClusterSettings, DualStackClusterSettings

_SECONDS = 60


@asynccontextmanager
async def kubectl_of(settings: Settings, stack: str, project: Path = paths.CHECKOUT) -> AsyncIterator[Kubectl]:
    """OSError when nothing leads to the cluster."""
    async with kubeconfig_of(settings, stack, project) as (file, context):
        yield Kubectl(file, context)


@asynccontextmanager
async def kubeconfig_of(
    settings: Settings, stack: str, project: Path = paths.CHECKOUT
) -> AsyncIterator[tuple[Path, str | None]]:
    """The kubeconfig's file and the context in it, None for its own. OSError when nothing leads to the cluster."""
    cluster = settings.cluster
    if isinstance(cluster, ClusterSettings | DualStackClusterSettings):
        file = project / files.expanded(cluster.kubeconfig)
        if not file.is_file():
            raise OSError(f"there is no {file}, which cluster.kubeconfig names: the lab is not up")
        yield file, cluster.context
        return
    with tempfile.TemporaryDirectory(prefix="mesh-expansion-verify-") as directory:
        file = Path(directory) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(await _made(stack))
        yield file, None


async def _made(stack: str) -> str:
    """Out of the stack's state, where it is encrypted."""
    command = ("stack", "output", "--show-secrets", "kubeconfig", "--stack", stack, "--non-interactive")
    done = await run(find("pulumi") or "pulumi", "--cwd", str(paths.CHECKOUT), *command, seconds=_SECONDS)
    if done.status != 0 or not done.out.strip():
        raise OSError(f"stack {stack} has no kubeconfig: it is not up ({done.last})")
    return done.out
