"""A pod's files on this machine: what its volumes hold, below one directory that stands for the container's root."""

import base64
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.twin.api import Api
from lab.twin.files import write_private
from lab.twin.inside.errors import NotThereError


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One container of a workload object: `mounts` are the paths inside that have something of this machine behind them.

    `files` are those of ConfigMaps, and those that say which claim a volume is of: a process that runs with others has to
    be started anew.
    """

    namespace: str
    account: str
    container: Mapping[str, Any]
    root: Path
    mounts: tuple[str, ...]
    files: tuple[Path, ...]

    def place(self, path: str) -> Path:
        """Where the container's path is on this machine."""
        return self.root / path.lstrip("/")

    def translate(self, value: Any) -> Any:
        """The value with every text that is a path below a mount turned into the path on this machine."""
        if isinstance(value, dict):
            return {key: self.translate(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [self.translate(entry) for entry in value]
        if isinstance(value, str) and any(value == mount or value.startswith(f"{mount}/") for mount in self.mounts):
            return str(self.place(value))
        return value

    def environment(self) -> dict[str, str]:
        """The container's variables that are plain texts."""
        return {item["name"]: self.translate(item.get("value", "")) for item in self.container.get("env", [])}


def runs(owner: Mapping[str, Any] | None) -> bool:
    """Whether a Deployment or StatefulSet is there to stay and asks for pods."""
    return owner is not None and "deletionTimestamp" not in owner["metadata"] and owner["spec"].get("replicas", 1) > 0


def lay_out(api: Api, owner: Mapping[str, Any], container: str, root: Path) -> Pod:
    """Write what the container's volumes hold, as of now. NotThereError names a container or an object that is missing."""
    namespace, template = owner["metadata"]["namespace"], owner["spec"]["template"]["spec"]
    found = next((item for item in template["containers"] if item["name"] == container), None)
    if found is None:
        raise NotThereError(f"{owner['metadata']['name']} has no container {container}")
    volumes = {volume["name"]: volume for volume in template.get("volumes", [])}
    claims = {claim["metadata"]["name"] for claim in owner["spec"].get("volumeClaimTemplates", [])}
    files: list[Path] = []
    for mount in found.get("volumeMounts", []):
        volume, place = volumes.get(mount["name"], {}), root / mount["mountPath"].lstrip("/")
        if mount["name"] in claims:
            files.append(_claim(api, namespace, f"{mount['name']}-{owner['metadata']['name']}-0", root, place))
            continue
        content = _content(api, namespace, volume)
        if content is None:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        elif "subPath" in mount:
            if mount["subPath"] not in content:
                raise NotThereError(f"volume {mount['name']} has no {mount['subPath']}")
            write_private(place, content[mount["subPath"]])
            files.append(place)
        else:
            written = list(_fill(place, content))
            files += written if "configMap" in volume else []
    return Pod(
        namespace=namespace,
        account=template.get("serviceAccountName", "default"),
        container=found,
        root=root,
        mounts=tuple(mount["mountPath"] for mount in found.get("volumeMounts", [])),
        files=tuple(sorted(files)),
    )


def _content(api: Api, namespace: str, volume: Mapping[str, Any]) -> dict[str, bytes] | None:
    """Files of a volume by name; None for one that starts empty."""
    if "configMap" in volume:
        held = _get(api, namespace, "configmaps", volume["configMap"]["name"])
        return {name: text.encode() for name, text in (held.get("data") or {}).items()}
    if "secret" in volume:
        held = _get(api, namespace, "secrets", volume["secret"]["secretName"])
        return {name: base64.b64decode(text) for name, text in (held.get("data") or {}).items()}
    return None


def _claim(api: Api, namespace: str, name: str, root: Path, place: Path) -> Path:
    """Keep what is at `place` for as long as the claim is the same one; the file that says which."""
    uid = _get(api, namespace, "persistentvolumeclaims", name)["metadata"]["uid"].encode()
    mark = root.with_name(f"claim-{name}")
    if not (mark.exists() and mark.read_bytes() == uid):
        shutil.rmtree(place, ignore_errors=True)
        write_private(mark, uid)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return mark


def _get(api: Api, namespace: str, kind: str, name: str) -> dict[str, Any]:
    held = api.get(f"/api/v1/namespaces/{namespace}/{kind}/{name}")
    if held is None:
        raise NotThereError(f"no {kind} {namespace}/{name}")
    return held


def _fill(directory: Path, content: Mapping[str, bytes]) -> Iterator[Path]:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    for entry in directory.iterdir():
        if entry.is_file() and entry.name not in content and not entry.name.startswith("."):
            entry.unlink()
    for name, text in content.items():
        write_private(directory / name, text)
        yield directory / name
