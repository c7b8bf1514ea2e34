"""Applications beside Faces, and pods that let in by default what the settings say: the same in every lab."""

from collections.abc import Sequence

import pulumi

from components.chart import ChartSource
from components.cluster.cluster import Cluster
from components.emissary import Emissary, EmissaryArgs
from components.emojivoto import Emojivoto, EmojivotoArgs
from components.faces import Faces
from components.policy.fresh_pods import FreshPods, FreshPodsArgs
from settings import Settings
from settings.apps import BALANCED
from settings.asked import faces_plan


def apps(settings: Settings, cluster: Cluster, faces: Faces, mesh: Sequence[pulumi.Resource]) -> None:
    """Declare those that the lab has; `mesh` is what injects proxies, and what says whom they let in."""
    after = pulumi.ResourceOptions(provider=cluster.provider, depends_on=list(mesh))
    default_inbound = settings.policy.default_inbound
    if default_inbound:
        FreshPods(
            "faces-fresh",
            FreshPodsArgs(
                deployments={part: faces.leaves_with(part) for part in sorted(faces.plan.chart_services)},
                namespace=faces.namespace,
                default_inbound=default_inbound,
            ),
            after,
        )
    if settings.emojivoto:
        Emojivoto(
            "emojivoto",
            EmojivotoArgs(
                version=settings.emojivoto.version,
                image=settings.mirrors.places.image,
                web_service_type=settings.emojivoto.web_service_type,
                routes=settings.emojivoto.routes,
                default_inbound=default_inbound,
            ),
            after,
        )
    if settings.emissary:
        Emissary(
            "emissary",
            EmissaryArgs(
                version=settings.emissary.version,
                charts=ChartSource(settings.mirrors.charts),
                faces=faces.namespace,
                service_type=settings.emissary.service_type,
            ),
            after,
        )


def balanced(settings: Settings, front: str) -> dict[str, str]:
    """Where people find what stands behind the load balancer, whose port 80 is at the URL `front`: outputs of the stack."""
    ingress, web = settings.emissary, settings.emojivoto
    if ingress and ingress.service_type == BALANCED:
        return {"gui": f"{front}faces/"}
    if faces_plan(settings).gui_service_type == BALANCED:
        return {"gui": front}
    return {"emojivoto": front} if web and web.web_service_type == BALANCED else {}
