"""Where a Release's chart comes from, as arguments for helm; credentials in files of the private room."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import yaml

from lab.standins.base.errors import InvalidInputs, Problem
from lab.standins.base.values import Properties
from lab.standins.kubernetes import helm_cli
from lab.standins.kubernetes.helm_cli import HelmError, Room

_REPOSITORY_NAME: Final = "chart-source"


@dataclass(frozen=True)
class Chart:
    """`room` has the environment in which the arguments work."""

    room: Room
    arguments: list[str]


async def locate(place: Room, inputs: Properties) -> Chart:
    """A directory, a packed chart, `repo/name`, a name with `repositoryOpts.repo`, or `oci://...`."""
    options = inputs.get("repositoryOpts") or {}
    reference, repository = str(inputs["chart"]), str(options.get("repo") or "")
    if Path(reference).exists():
        reference, repository = str(Path(reference).resolve()), ""
    files = [
        f"--{flag}={options[name]}"
        for name, flag in (("caFile", "ca-file"), ("certFile", "cert-file"), ("keyFile", "key-file"))
        if options.get(name)
    ]
    if options.get("password"):
        place, reference = await _with_credentials(place, reference, options)
        repository = ""
    elif repository.startswith("oci://"):
        reference, repository = f"{repository.rstrip('/')}/{reference}", ""
    chosen = [f"--version={inputs['version']}"] if inputs.get("version") else []
    if inputs.get("devel") and not inputs.get("version"):
        chosen.append("--devel")
    if repository:
        chosen.append(f"--repo={repository}")
    if inputs.get("verify"):
        chosen += ["--verify", f"--keyring={inputs['keyring']}"]
    return Chart(place, [reference, *chosen, *files])


async def _with_credentials(place: Room, reference: str, options: Properties) -> tuple[Room, str]:
    """Helm takes a password on its command line, where every user of the machine sees it; files keep it from there."""
    repository, user, password = (
        str(options.get("repo") or ""),
        str(options.get("username") or ""),
        str(options["password"]),
    )
    address = reference if reference.startswith("oci://") else repository
    if address.startswith("oci://"):
        room = place.with_environment(HELM_REGISTRY_CONFIG=str(place.directory / "registry.json"))
        host = urlsplit(address).netloc
        await helm_cli.run(
            room,
            ["registry", "login", host, f"--username={user}", "--password-stdin"],
            stdin=password,
            secrets=[password],
        )
        return room, reference if reference.startswith("oci://") else f"{repository.rstrip('/')}/{reference}"
    entry = {
        "name": _REPOSITORY_NAME,
        "url": repository,
        "username": user,
        "password": password,
        "pass_credentials_all": True,
    }
    entry |= {name: options[name] for name in ("caFile", "certFile", "keyFile") if options.get(name)}
    config = place.write("repositories.yaml", yaml.safe_dump({"apiVersion": "", "repositories": [entry]}))
    room = place.with_environment(
        HELM_REPOSITORY_CONFIG=str(config), HELM_REPOSITORY_CACHE=str(place.directory / "repository")
    )
    await helm_cli.run(room, ["repo", "update", _REPOSITORY_NAME], secrets=[password])
    return room, f"{_REPOSITORY_NAME}/{reference}"


async def exact_version(place: Room, inputs: Properties) -> str:
    """The version that helm would take now. Raises InvalidInputs when there is no such chart."""
    try:
        chart = await locate(place, inputs)
        shown = yaml.safe_load(await helm_cli.run(chart.room, ["show", "chart", *chart.arguments]))
    except HelmError as problem:
        raise InvalidInputs(
            [Problem("chart", f"{problem}; check the chart's name, version and repositoryOpts.repo")]
        ) from None
    return str(shown["version"])
