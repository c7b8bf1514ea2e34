"""Follows the API's objects and keeps running what they ask for."""

import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from lab.twin.api import Api
from lab.twin.errors import TwinError
from lab.twin.inside import controllers, dns, identity, load_balancer, prober, route_status, spire
from lab.twin.inside.account import Account
from lab.twin.inside.errors import NotThereError
from lab.twin.inside.places import DESTINATION, DNS, IDENTITY, MANAGER, POLICY, PROBER, SERVER, Places, Wanted
from lab.twin.inside.pod import Pod, lay_out, runs

_PATIENCE = 30.0  # seconds that a process has to live before its earlier ends are forgotten
_LONGEST_PAUSE = 10.0


class Runner:
    """One turn after the other: what is asked for is started, what is not is ended."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._accounts: dict[str, Account] = {}
        self._starts: dict[str, tuple[int, float]] = {}  # how often in a row, and when last
        self._said: dict[str, str] = {}

    def connect(self) -> Api:
        """A client of the twin's API server; where it is may change between two runs of the cluster."""
        return Api.of(self._places.twin)

    def turn(self, api: Api) -> None:
        """Look at the objects once, and act. Raises TwinError when the API does not answer: all stays as it is then."""
        wanted = {name: self._wanted(name, ask) for name, ask in self._asks(api)}
        for name, found in wanted.items():
            if found is None:
                self._end(name)
            else:
                self._keep(found)
        load_balancer.hand_out(api)
        if POLICY not in self._places.possible:
            route_status.write(api)

    def _asks(self, api: Api) -> Iterator[tuple[str, Callable[[], Wanted]]]:
        def of_server(container: str) -> tuple[dict[str, object], Pod]:
            return self._pod(api, spire.OWNER, container, SERVER if container == SERVER else MANAGER)

        yield SERVER, lambda: spire.server(api, self._places, *of_server(SERVER))
        yield MANAGER, lambda: self._manager(api, of_server(MANAGER)[1])
        yield DNS, lambda: dns.server(api, self._places, self._kubeconfig)
        yield PROBER, lambda: self._prober(api)
        yield IDENTITY, lambda: self._identity(api)
        yield DESTINATION, lambda: controllers.destination(self._places, self._plane(api), self._kubeconfig)
        yield POLICY, lambda: controllers.policy(self._places, self._plane(api), self._kubeconfig)

    def _identity(self, api: Api) -> Wanted:
        self._places.part(IDENTITY)  # else the issuer's key would be written for nobody
        owner, pod = self._pod(api, identity.OWNER, identity.CONTAINER, IDENTITY)
        return identity.identity(self._places, owner, pod, self._kubeconfig)

    def _plane(self, api: Api) -> dict[str, Any]:
        return _owner(api, controllers.OWNER)

    def _manager(self, api: Api, pod: Pod) -> Wanted:
        return spire.manager(self._places, pod, self._account(api, pod, MANAGER))

    def _prober(self, api: Api) -> Wanted:
        _, pod = self._pod(api, prober.OWNER, prober.CONTAINER, PROBER)
        return prober.prober(self._places, pod, self._account(api, pod, PROBER))

    def _pod(self, api: Api, owner: str, container: str, name: str) -> tuple[dict[str, object], Pod]:
        found = _owner(api, owner)
        return found, lay_out(api, found, container, self._places.of(name) / "root")

    def _account(self, api: Api, pod: Pod, name: str) -> Account:
        account = self._accounts.get(name)
        server = yaml.safe_load(self._kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        if account is None or (account.namespace, account.name, account.server) != (
            pod.namespace,
            pod.account,
            server,
        ):
            account = Account(
                namespace=pod.namespace,
                name=pod.account,
                directory=self._places.of(name) / "account",
                server=server,
                authority=self._places.twin / "certificates" / "authority.pem",
            )
            self._accounts[name] = account
        account.refresh(api)
        return account

    @property
    def _kubeconfig(self) -> Path:
        return self._places.twin / "kubeconfig"

    def _wanted(self, name: str, ask: Callable[[], Wanted]) -> Wanted | None:
        try:
            return ask()
        except NotThereError as problem:
            self._say(name, f"not asked for: {problem}")
            return None

    def _keep(self, wanted: Wanted) -> None:
        program = wanted.program(self._places)
        times, last = self._starts.get(wanted.name, (0, float("-inf")))
        since = time.monotonic() - last
        if not program.find() and since < min(0.5 * 2**times, _LONGEST_PAUSE):
            return
        if program.ensure():
            self._starts[wanted.name] = (0 if since > _PATIENCE else times + 1, time.monotonic())
            where = f" on {self._places.address}:{wanted.port}" if wanted.port else ""
            self._say(wanted.name, f"started{where}", again=True)

    def _end(self, name: str) -> None:
        program = self._places.known(name, sys.executable)
        if program.pid_file.exists():
            program.stop()
            self._say(name, "ended", again=True)

    def _say(self, name: str, text: str, *, again: bool = False) -> None:
        if again or self._said.get(name) != text:
            sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {name}: {text}\n")
        self._said[name] = text

    def trouble(self, problem: TwinError | None) -> None:
        """Say once what keeps turns from being made."""
        self._say("runner", str(problem) if problem else "follows the cluster's objects")


def _owner(api: Api, path: str) -> dict[str, Any]:
    """A Deployment or StatefulSet that asks for pods. NotThereError when it is not there or does not."""
    found = api.get(path)
    if found is None or not runs(found):
        raise NotThereError(f"no pods of {'/'.join(path.split('/')[-3:])}")
    return found
