"""Every kind of Kubernetes object, custom ones and patches included, as one kind of resource."""

import asyncio
from dataclasses import replace
from typing import Final

from lab.standins.base import (
    Call,
    Difference,
    InvalidInputs,
    PartialFailure,
    Properties,
    ProviderError,
    Resource,
    State,
)
from lab.standins.base.schema import Schema
from lab.standins.base.values import UNKNOWN, has_unknown
from lab.standins.kubernetes import apply
from lab.standins.kubernetes.await_ import rules
from lab.standins.kubernetes.await_.loop import NotReady, gone, ready
from lab.standins.kubernetes.checkpoint import API_VERSION, INPUTS, MANAGER, importable, manager_of, parts, state_of
from lab.standins.kubernetes.checks import problems_of
from lab.standins.kubernetes.diff import difference
from lab.standins.kubernetes.errors import ApiError, NoSuchKind, Unreachable
from lab.standins.kubernetes.fields import for_engine, for_server, without_unknowns
from lab.standins.kubernetes.forcenew import IDENTITY, force_new
from lab.standins.kubernetes.manifest import (
    AUTONAMED,
    DELETION_PROPAGATION,
    PATCH_FIELD_MANAGER,
    Object,
    annotated_true,
    annotation,
    identity,
    is_definition,
    is_known_kind,
    is_patch,
    kind_of,
    kind_of_type,
    name_of,
    namespace_of,
    normalized,
    parse_identity,
    pruned,
)
from lab.standins.kubernetes.naming import adopt_name, is_named, name_new
from lab.standins.kubernetes.session import Session

_PROPAGATION: Final = {"orphan": "Orphan", "background": "Background"}
_ANYTHING: Final[Schema] = {"type": "object"}
_DRY_RUN_REFUSED: Final = "dry run"
_GONE: Final = (
    "If the cluster was deleted, remove its objects from the state with deleteUnreachable on the provider "
    "or PULUMI_K8S_DELETE_UNREACHABLE=true"
)


class KubernetesObject(Resource):
    """The API server knows the schema of each kind, so it is the one that checks fields (`fieldValidation=Strict`)."""

    inputs = _ANYTHING
    secret_inputs = frozenset()

    def __init__(self, token: str, session: Session) -> None:
        self.token = token  # type: ignore[misc] # one class serves every kind
        self._session = session

    async def check(self, call: Call, old: Properties, inputs: Properties) -> Properties:
        obj, before = for_server(inputs), for_server(old)
        obj.setdefault("apiVersion", kind_of_type(self.token).api_version)
        obj.setdefault("kind", kind_of_type(self.token).kind)
        obj = normalized(obj)
        if found := problems_of(obj, patch=self._is_patch(obj)):
            raise InvalidInputs(found)
        if before:
            adopt_name(obj, before)
        if not is_named(obj):
            name_new(obj, call.name, call.random_seed)
        await asyncio.to_thread(self._place, obj)
        return dict(for_engine(obj))

    def _place(self, obj: Object) -> None:
        """Writes the default namespace into a namespaced object that names none."""
        meta = obj.get("metadata")
        if is_definition(obj) and self._session.reachable:
            self._session.client.discovery.plan(obj)
        if not isinstance(meta, dict) or meta.get("namespace"):
            return
        if self._session.namespaced(kind_of(obj)):
            meta["namespace"] = self._session.namespace

    def _is_patch(self, obj: Object) -> bool:
        return is_patch(self.token, str(obj.get("kind")))

    async def diff(self, call: Call, id: str, state: Properties, inputs: Properties) -> Difference:
        del call, id
        old_inputs, live = parts(state)
        new = normalized(for_server(inputs))
        old: Object = normalized(pruned(normalized(live), normalized(old_inputs)))
        old.setdefault("apiVersion", new.get("apiVersion"))
        old.setdefault("kind", new.get("kind"))
        namespaced = await asyncio.to_thread(self._session.namespaced, kind_of(new))
        for obj in (old, new):
            _settle_namespace(obj, namespaced=namespaced)
        if name_of(new) and isinstance(old.get("metadata"), dict):
            old["metadata"]["name"] = name_of(live)
        options = self._session.options
        patterns = (
            IDENTITY
            if self._is_patch(new)
            else force_new(
                new, mutable_config_maps=options.mutable_config_maps, mutable_secrets=options.mutable_secrets
            )
        )
        found = difference(old, new, force_new=patterns, zero_is_absent=is_known_kind(kind_of(new)))
        same_place = name_of(new) == name_of(live) and (namespace_of(new) or "") == (
            namespace_of(live) if namespaced else ""
        )
        return Difference(
            changes=found.changes,
            replace=found.replace,
            delete_before_replace=bool(found.replace)
            and is_named(new)
            and not annotated_true(new, AUTONAMED)
            and same_place,
        )

    async def create(self, call: Call, inputs: Properties) -> State:
        obj = for_server(inputs)
        if call.preview:
            return State(outputs=await self._foretold(obj, inputs))
        client, manager = self._session.client, annotation(obj, PATCH_FIELD_MANAGER) or manager_of(call.urn)
        forced = apply.force(obj, always=self._session.options.patch_force)

        def work() -> Object:
            if self._is_patch(obj):
                return apply.patch(client, obj, manager=manager, forced=forced)
            return apply.make(client, obj, manager=manager, upsert=self._session.options.upsert_existing, forced=forced)

        live, cancelled = await apply.with_retries(work, call.log)
        return await self._settled(call, obj, live, manager, cancelled=cancelled)

    async def _foretold(self, obj: Object, inputs: Properties) -> Properties:
        """What the server would make of it; the inputs where it cannot be asked yet. Wrong fields are errors either way."""
        if not self._session.reachable:
            return inputs
        client, partial = self._session.client, has_unknown(obj) or self._is_patch(obj)
        asked = without_unknowns(obj)
        asked.setdefault("metadata", {}).setdefault("name", "preview")
        try:
            if self._is_patch(obj):
                made = await asyncio.to_thread(
                    lambda: client.apply(asked, manager=apply.CREATOR, force=True, dry_run=True)
                )
            else:
                made = await asyncio.to_thread(lambda: client.create(asked, manager=apply.CREATOR, dry_run=True))
        except NoSuchKind:
            return inputs
        except ApiError as problem:
            tolerated = (
                problem.already_exists or problem.forbidden or problem.not_found or _DRY_RUN_REFUSED in problem.message
            )
            if (partial or tolerated) and not problem.about_fields:
                return inputs
            raise
        if partial:
            return inputs
        made.pop("status", None)
        return dict(for_engine(made))

    async def read(self, call: Call, id: str, state: Properties, inputs: Properties) -> State | None:
        old_inputs, old_live = (normalized(for_server(inputs)), parts(state)[1]) if inputs else parts(state)
        namespace, name = parse_identity(id)
        kind = (
            kind_of(old_inputs if old_inputs.get("kind") else old_live)
            if old_inputs or old_live
            else kind_of_type(self.token)
        )
        try:
            live = await asyncio.to_thread(self._session.client.get, kind, namespace, name)
        except NoSuchKind:
            return None
        except ApiError as problem:
            if problem.not_found:
                return None
            raise
        except Unreachable as problem:
            return await self._unreachable(call, id, state, problem)
        found = pruned(normalized(live), old_inputs) if old_inputs else importable(live)
        manager = str(state.get(MANAGER) or manager_of(call.urn))
        made = state_of(call, found, live, manager, api_version=str(state.get(API_VERSION) or ""))
        return replace(made, id=id, inputs=made.outputs[INPUTS])

    async def _unreachable(self, call: Call, id: str, state: Properties, problem: Unreachable) -> State | None:
        await call.log.warning(str(problem))
        if self._session.options.delete_unreachable:
            return None
        if self._session.options.skip_update_unreachable:
            return State(id=id, outputs=state)
        raise ProviderError(f"the state of the object cannot be read: {problem}. {_GONE}")

    async def update(self, call: Call, id: str, state: Properties, inputs: Properties) -> State:
        obj = normalized(for_server(inputs))
        _, old_live = parts(state)
        manager = annotation(obj, PATCH_FIELD_MANAGER) or str(state.get(MANAGER) or manager_of(call.urn))
        if call.preview and (has_unknown(obj) or not self._session.reachable):
            return State(outputs=inputs)
        client = self._session.client

        def work() -> Object:
            live = client.get(kind_of(obj), namespace_of(old_live), name_of(old_live))
            return apply.change(
                client,
                live,
                obj,
                manager=manager,
                forced=apply.force(obj, always=self._session.options.patch_force),
                owned=not self._is_patch(obj),
                dry_run=call.preview,
            )

        try:
            live, cancelled = await apply.to_the_end(work)
        except (ApiError, NoSuchKind) as problem:
            if call.preview and (isinstance(problem, NoSuchKind) or problem.forbidden):
                return State(outputs=inputs)
            # Items of a list that are changed in their key (a Service's port) stand beside the old ones until the take-over.
            unsure = isinstance(problem, ApiError) and problem.reason == "Invalid" and not problem.about_fields
            if call.preview and unsure and apply.still_to_take_over(old_live):
                return State(outputs=inputs)
            if isinstance(problem, ApiError) and problem.not_found:
                raise ProviderError(
                    f"{id} is gone from the cluster: {problem}. Run `pulumi refresh`, then `pulumi up`"
                ) from None
            raise
        if call.preview:
            return State(outputs=dict(for_engine(live)))
        before = str(state.get(MANAGER) or manager)
        if before != manager:
            await asyncio.to_thread(apply.relinquish, client, live, before)
        return await self._settled(call, obj, live, manager, cancelled=cancelled)

    async def _settled(self, call: Call, obj: Object, live: Object, manager: str, *, cancelled: bool) -> State:
        """Waits until the object is ready; what was made stays in the state however the wait ends."""
        client, last = self._session.client, live
        if is_definition(obj):
            client.discovery.forget()

        def seen(current: Object) -> None:
            nonlocal last
            last = current

        reasons: list[str]
        try:
            if cancelled:
                raise asyncio.CancelledError  # noqa: TRY301 - a cancel that came a little earlier
            judge = rules.judge_of(client, obj)
            timeout = rules.timeout_of(call.timeout, obj)
            return state_of(
                call, obj, await ready(client, live, judge, timeout=timeout, log=call.log, seen=seen), manager
            )
        except NotReady as problem:
            last = problem.live
            reasons = [*problem.reasons, *await rules.why_not(client, last)]
        except asyncio.CancelledError:
            reasons = ["cancelled before it was ready"]
        except ProviderError as problem:
            reasons = [str(problem)]
        state = state_of(call, obj, last, manager)
        where = f"{kind_of(obj).kind} {identity(last)} was created or changed, but did not become ready"
        raise PartialFailure(state.id, state.outputs, [where, *dict.fromkeys(reasons)], secrets=state.secrets)

    async def delete(self, call: Call, id: str, state: Properties) -> None:
        inputs, live = parts(state)
        namespace, name = parse_identity(id)
        try:
            client = self._session.client
            if self._is_patch(live):
                manager = str(state.get(MANAGER) or manager_of(call.urn))
                await apply.to_the_end(lambda: apply.relinquish(client, live, manager))
                return
            policy = _PROPAGATION.get(annotation(inputs, DELETION_PROPAGATION).lower(), "Foreground")
            await apply.to_the_end(lambda: client.delete(kind_of(live), namespace, name, propagation=policy))
            if rules.waits_for_deletion(inputs):
                await gone(client, live, timeout=rules.timeout_of(call.timeout, inputs), log=call.log)
        except NoSuchKind:
            return
        except ApiError as problem:
            if not problem.not_found:
                raise
        except Unreachable as problem:
            if not self._session.options.delete_unreachable:
                raise ProviderError(f"{problem}. {_GONE}") from None
            await call.log.warning(f"{problem}; dropped from the state as deleteUnreachable says")
        except NotReady as problem:
            raise ProviderError(f"{kind_of(live).kind} {id}: {'; '.join(problem.reasons)}") from None
        finally:
            if is_definition(live) and self._session.reachable:
                self._session.client.discovery.forget()


class SecretObject(KubernetesObject):
    """A Secret: all of its data is secret, whether the program says so or not."""

    secret_inputs = frozenset({"data", "stringData"})
    secret_outputs = frozenset({"data", "stringData"})


def _settle_namespace(obj: Object, *, namespaced: bool) -> None:
    meta = obj.setdefault("metadata", {})
    if meta is UNKNOWN or meta.get("namespace") is UNKNOWN:
        return
    if namespaced:
        meta["namespace"] = meta.get("namespace") or "default"
    else:
        meta.pop("namespace", None)
