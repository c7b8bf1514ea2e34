"""An image of one static program, as an archive that `docker load` and `podman load` take; no registry, no engine."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.tools.machine import architecture as machine_architecture

_USER = "65532:65532"  # nobody in particular: the program needs no rights
_PLACE = "workload"  # where the official images of Faces have theirs
_EPOCH = "1970-01-01T00:00:00Z"  # the same program gives the same bytes


@dataclass(frozen=True, kw_only=True)
class ProgramImage:
    """`reference` names the image, as in `localhost/<name>:<tag>`: without a host, Podman would add docker.io."""

    reference: str
    program: Path
    ports: Sequence[int] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    architecture: str = field(default_factory=machine_architecture)

    def archive(self) -> bytes:
        """The archive's bytes, in the layout of `docker save`."""
        layer = _tar({_PLACE: (self.program.read_bytes(), 0o755)})
        digest = hashlib.sha256(layer).hexdigest()
        config = json.dumps(self._config(digest), sort_keys=True).encode()
        config_name = f"{hashlib.sha256(config).hexdigest()}.json"
        layer_name = f"{digest}/layer.tar"
        manifest = [{"Config": config_name, "RepoTags": [self.reference], "Layers": [layer_name]}]
        return _tar(
            {
                config_name: (config, 0o644),
                layer_name: (layer, 0o644),
                "manifest.json": (json.dumps(manifest, sort_keys=True).encode(), 0o644),
            }
        )

    def _config(self, layer_digest: str) -> dict[str, object]:
        return {
            "architecture": self.architecture,
            "os": "linux",
            "created": _EPOCH,
            "config": {
                "User": _USER,
                "Entrypoint": [f"/{_PLACE}"],
                "ExposedPorts": {f"{port}/tcp": {} for port in self.ports},
                "Labels": dict(self.labels),
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
            "history": [{"created": _EPOCH, "created_by": "one static program"}],
        }


def _tar(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return tape.getvalue()
