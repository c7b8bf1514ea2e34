"""`kubernetes:helm.sh/v3:Release`: a chart installed by helm, one resource for all of its objects."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from lab.standins.base import (
    UNKNOWN,
    Call,
    Difference,
    PartialFailure,
    Properties,
    ProviderError,
    Resource,
    State,
    has_unknown,
)
from lab.standins.base.values import Path, Secrets
from lab.standins.kubernetes import chart as charts
from lab.standins.kubernetes import helm_cli, recovery, release_inputs, yamls
from lab.standins.kubernetes.diff import difference
from lab.standins.kubernetes.errors import Unreachable
from lab.standins.kubernetes.fields import below, secret_strings
from lab.standins.kubernetes.helm_cli import HelmError, Room
from lab.standins.kubernetes.manifest import identity, kind_of, parse_identity
from lab.standins.kubernetes.naming import unique_name
from lab.standins.kubernetes.recovery import OWNER_LABEL, Step
from lab.standins.kubernetes.session import Session

INPUTS: Final = "__inputs"
_OUTPUTS: Final = ("status", "resourceNames")
_OBSOLETE: Final = ("checksum", "resourceNames")
_REPLACES: Final = (".name", ".namespace")


class Release(Resource):
    """helm's rules are the official plugin's; an interrupted helm is recovered from (see `recovery`)."""

    token = "kubernetes:helm.sh/v3:Release"  # noqa: S105 - a type's token
    inputs = release_inputs.SCHEMA

    def __init__(self, session: Session) -> None:
        self._session = session

    def _room(self) -> Any:
        return helm_cli.room(self._session.kubeconfig, self._session.options.helm)

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        settled = await asyncio.to_thread(release_inputs.settled, inputs, namespace=self._session.namespace)
        if not settled.get("name"):
            settled["name"] = old.get("name") or unique_name(call.name, call.random_seed)
        if not has_unknown(settled):
            with self._room() as place:
                settled["version"] = await charts.exact_version(place, settled)
        return settled

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        """New inputs against what is there; of that only what is or was an input counts."""
        del call, id
        old_inputs = state.get(INPUTS) or {}
        before = {name: value for name, value in _shaped(state, inputs, old_inputs).items() if name not in _OBSOLETE}
        found = difference(before, inputs, force_new=_REPLACES)
        kept = {
            path: kind
            for path, kind in found.changes.items()
            # Left out and empty are the same to helm; the official plugin writes both.
            if not (kind == "delete" and not _at(before, path))
        }
        return Difference(changes=kept, replace=found.replace & kept.keys())

    async def create(self, call: Call, inputs: Properties) -> State:
        if call.preview:
            return _foretold(inputs)
        return await self._converge(call, inputs, in_state=False)

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        del id, state
        if call.preview:
            return _foretold(inputs)
        return await self._converge(call, inputs, in_state=True)

    async def _converge(self, call: Call, inputs: Properties, *, in_state: bool) -> State:
        namespace, name = str(inputs["namespace"]), str(inputs["name"])
        known = await asyncio.to_thread(recovery.revisions, self._session.client, namespace, name)
        owner = recovery.owner_of(call.urn)
        plan = recovery.plan(known, owner=owner, in_state=in_state, take_any=self._session.options.upsert_existing)
        if plan.step is Step.FOREIGN:
            raise ProviderError(
                f"release {namespace}/{name} exists (status {plan.status}) but is not in this stack's state: choose another "
                f"name, remove it with `helm uninstall {name} --namespace {namespace}`, or take it over with "
                f"`pulumi import` (id {namespace}/{name})"
            )
        secrets = secret_strings(inputs, call.secrets)
        with self._room() as place:
            try:
                await self._recover(call, place, plan, inputs)
                chart = await charts.locate(place, inputs)
                verb = "upgrade" if plan.step in {Step.UPGRADE, Step.ROLL_BACK} else "install"
                flags = (
                    release_inputs.upgrade_flags(inputs) if verb == "upgrade" else release_inputs.install_flags(inputs)
                )
                arguments = [
                    verb,
                    name,
                    *chart.arguments,
                    f"--namespace={namespace}",
                    f"--labels={OWNER_LABEL}={owner}",
                    *flags,
                ]
                await helm_cli.run(
                    chart.room, [*arguments, "--hide-notes"], values=inputs.get("values") or {}, secrets=secrets
                )
            except HelmError as problem:
                raise await self._failure(call, place, inputs, str(problem)) from None
            except asyncio.CancelledError:
                raise await self._failure(call, place, inputs, "cancelled before it was ready") from None
            return await self._look(call, place, inputs, namespace, name)

    async def _recover(self, call: Call, place: Room, plan: recovery.Plan, inputs: Properties) -> None:
        namespace, name = str(inputs["namespace"]), str(inputs["name"])
        if plan.step in {Step.REINSTALL, Step.ROLL_BACK}:
            await call.log.warning(
                f"release {namespace}/{name} was left in {plan.status} by an interrupted run: {plan.step.value}"
            )
        if plan.step is Step.REINSTALL:
            await self._uninstall(place, namespace, name, inputs, wait=True)
        elif plan.step is Step.ROLL_BACK:
            await helm_cli.run(
                place, ["rollback", name, str(plan.roll_back_to), f"--namespace={namespace}", "--no-hooks"]
            )

    async def _failure(self, call: Call, place: Room, inputs: Properties, reason: str) -> ProviderError:
        """A release that is there keeps its place in the state, so that the next `up` goes on with it."""
        namespace, name = str(inputs["namespace"]), str(inputs["name"])
        try:
            left = await self._look(call, place, inputs, namespace, name)
        except ProviderError:
            return ProviderError(f"Helm release {namespace}/{name}: {reason}")
        said = f"Helm release {namespace}/{name} was created, but failed to initialize completely: {reason}"
        return PartialFailure(left.id, left.outputs, [said], secrets=left.secrets)

    async def _look(self, call: Call, place: Room, inputs: Properties, namespace: str, name: str) -> State:
        """The release as helm has it now. Raises HelmError when there is none."""
        where = [name, f"--namespace={namespace}"]
        release, about = await asyncio.gather(
            helm_cli.run_json(place, ["status", *where]), helm_cli.run_json(place, ["get", "metadata", *where])
        )
        outputs: Properties = {
            **inputs,
            "values": release_inputs.merge(inputs.get("values") or {}, release.get("config") or {}),
            "version": about["version"],
            "resourceNames": resource_names(release.get("manifest") or ""),
            "status": {
                "name": name,
                "namespace": namespace,
                "chart": about["chart"],
                "version": about["version"],
                "appVersion": about.get("appVersion") or "",
                "revision": int(release["version"]),
                "status": release["info"]["status"],
            },
            INPUTS: dict(inputs),
        }
        return State(id=f"{namespace}/{name}", outputs=outputs, inputs=dict(inputs), secrets=_secrets(call.secrets))

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        namespace, name = parse_identity(id)
        try:
            known = await asyncio.to_thread(recovery.revisions, self._session.client, namespace, name)
        except Unreachable as problem:
            await call.log.warning(str(problem))
            if self._session.options.delete_unreachable:
                return None
            if self._session.options.skip_update_unreachable:
                return State(id=id, outputs=state)
            raise
        if not known or known[-1].status == "uninstalled":
            return None
        with self._room() as place:
            if inputs or state.get(INPUTS):
                return await self._look(call, place, inputs or state[INPUTS], namespace, name)
            found = await self._look(call, place, {"name": name, "namespace": namespace}, namespace, name)
        status = found.outputs["status"]
        adopted = {
            "name": name,
            "namespace": namespace,
            "chart": status["chart"],
            "version": status["version"],
            "values": found.outputs["values"],
            "timeout": release_inputs.DEFAULT_TIMEOUT,
        }
        return State(
            id=id,
            outputs={**found.outputs, **adopted, INPUTS: adopted},
            inputs=adopted,
            secrets=found.secrets | {("values",)},
        )

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        namespace, name = parse_identity(id)
        try:
            known = await asyncio.to_thread(recovery.revisions, self._session.client, namespace, name)
        except Unreachable as problem:
            if not self._session.options.delete_unreachable:
                raise
            await call.log.warning(f"{problem}; dropped from the state as deleteUnreachable says")
            return
        if known:
            with self._room() as place:
                await self._uninstall(
                    place, namespace, name, state, wait=bool(state.get("atomic") or not state.get("skipAwait"))
                )

    @staticmethod
    async def _uninstall(place: Room, namespace: str, name: str, inputs: Mapping[str, Any], *, wait: bool) -> None:
        seconds = inputs.get("timeout") or release_inputs.DEFAULT_TIMEOUT
        flags = ["--ignore-not-found", f"--timeout={seconds}s", *(["--wait"] if wait else [])]
        await helm_cli.run(place, ["uninstall", name, f"--namespace={namespace}", *flags])


def _foretold(inputs: Properties) -> State:
    outputs: Properties = {**inputs, **dict.fromkeys(_OUTPUTS, UNKNOWN), INPUTS: dict(inputs)}
    return State(outputs=outputs, secrets=frozenset({(INPUTS,)}))


def _secrets(secrets: Secrets) -> Secrets:
    """Inputs are kept as one secret, since values often hold secrets that nobody marked."""
    known = frozenset(path for path in secrets if path[0] != INPUTS)
    return known | below((INPUTS,), secrets) | {(INPUTS,)}


def _shaped(live: Any, new: Any, old: Any) -> Any:
    """`live` cut down to what the program says now or said before."""
    if not isinstance(live, dict):
        return live
    new, old = (side if isinstance(side, dict) else {} for side in (new, old))
    return {key: _shaped(value, new.get(key), old.get(key)) for key, value in live.items() if key in new or key in old}


def _at(values: Any, path: Path) -> Any:
    for step in path:
        values = values[step]
    return values


def resource_names(manifest: str) -> dict[str, list[str]]:
    """Names of a rendered manifest's objects by `Kind.group/apiVersion`, such as `Deployment.apps/apps/v1`."""
    found: dict[str, set[str]] = {}
    for obj in yamls.documents(manifest):
        if isinstance(obj, dict) and obj.get("kind"):
            kind = kind_of(obj)
            group_kind = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
            found.setdefault(f"{group_kind}/{kind.api_version}", set()).add(identity(obj))
    return {key: sorted(names) for key, names in sorted(found.items())}
