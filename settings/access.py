"""From a stack file's `policy` to rules, and where they are in force."""

from collections.abc import Mapping, Sequence

from domain.access import EVERYBODY, Access, Rule, Target
from domain.workloads import Workload
from settings.asked import faces_plan, workload_list
from settings.edge_checks import provisioned
from settings.model import Settings


def access(settings: Settings) -> Access:
    """Who may call whom in the lab of these settings.

    Services of workloads outside are judged where this lab brings one of them up, and wherever `policy` says a word about
    access; those of pods as soon as a rule names one.
    """
    faces, workloads = faces_plan(settings), workload_list(settings)
    gone = {workload.name for workload in settings.workloads if workload.device and workload.device.gone}
    judged = provisioned(settings) or settings.policy.model_fields_set & {"mode", "access"}
    outside = sorted({workload.service for workload in workloads}) if judged else []
    named = {service for rule in settings.policy.access or () for service in rule.to}
    return Access(
        mode=settings.policy.mode,
        rules=_rules(settings, outside),
        targets=[
            *(_outside(service, workloads) for service in outside),
            *_inside(faces.chart_services, named - set(faces.on_edge)),
        ],
        outside=[workload.name for workload in workloads if workload.name not in gone],
    )


def _rules(settings: Settings, outside: Sequence[str]) -> list[Rule]:
    if settings.policy.access is None:
        return [Rule(name=EVERYBODY, to=tuple(outside), meshed=True)]
    return [
        Rule(
            name=rule.name,
            to=tuple(rule.to),
            service_accounts=tuple(rule.callers.service_accounts),
            workloads=tuple(rule.callers.workloads),
            networks=tuple(dict.fromkeys(rule.callers.networks)),
            meshed=rule.callers.meshed,
        )
        for rule in settings.policy.access
    ]


def _outside(service: str, workloads: Sequence[Workload]) -> Target:
    grpc = any(workload.protocol == "grpc" for workload in workloads if workload.service == service)
    return Target(service=service, outside=True, labels={"service": service}, grpc=grpc)


def _inside(services: Mapping[str, Mapping[str, str]], named: set[str]) -> list[Target]:
    return [Target(service=name, outside=False, labels=services[name]) for name in services if name in named]
