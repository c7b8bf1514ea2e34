"""Names, directories and command-line marks of the processes inside, and where their binaries are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.twin.errors import TwinError
from lab.twin.inside.errors import NotThereError
from lab.twin.process import Program, locate

RUNNER, SERVER, MANAGER, DNS, PROBER = "runner", "spire-server", "spire-controller-manager", "dns", "prober"
IDENTITY, DESTINATION, POLICY = "linkerd-identity", "linkerd-destination", "linkerd-policy"
PODS = (SERVER, MANAGER, DNS, PROBER, IDENTITY, DESTINATION, POLICY)
_BINARIES = {
    SERVER: "spire-server",
    MANAGER: "spire-controller-manager",
    DNS: "coredns",
    IDENTITY: "linkerd-controller",
    DESTINATION: "linkerd-controller",
    POLICY: "linkerd-policy-controller",
}
_BROUGHT = (IDENTITY, DESTINATION, POLICY)
ISSUER = "/var/run/linkerd/identity/issuer"  # where the controller's container has it
_LONGEST_SOCKET = 107  # bytes of a path that a Unix socket can have


@dataclass(frozen=True, kw_only=True)
class Places:
    """`twin` is the twin's directory; `address` is where what stands behind a NodePort listens."""

    twin: Path
    address: str

    def of(self, name: str) -> Path:
        """Directory of a process: its pid file, log and files."""
        return self.twin / "inside" / name

    @property
    def server_conf(self) -> Path:
        return self.of(SERVER) / "server.conf"

    @property
    def server_socket(self) -> Path:
        """Where SPIRE's controller manager finds the server. NotThereError when the path is too long for a socket."""
        path = self.of(SERVER) / "api.sock"
        if len(str(path)) > _LONGEST_SOCKET:
            raise NotThereError(
                f"{path} has {len(str(path))} characters, a socket's path can have {_LONGEST_SOCKET}; "
                "move the checkout or LAB_HOME to a shorter path"
            )
        return path

    @property
    def manager_conf(self) -> Path:
        return self.of(MANAGER) / "controller-manager-config.yaml"

    @property
    def issuer(self) -> Path:
        """What Linkerd's identity controller signs with, below what stands for its container's root."""
        return self.of(IDENTITY) / "root" / ISSUER.lstrip("/")

    @property
    def corefile(self) -> Path:
        return self.of(DNS) / "Corefile"

    def binary(self, name: str) -> str:
        """The twin's own part where there is one, else the tool of that name. NotThereError when there is neither."""
        part = self.twin / "parts" / name
        if part.is_file():
            return str(part)
        try:
            return locate(name)
        except TwinError as problem:
            raise NotThereError(str(problem)) from problem

    @property
    def possible(self) -> tuple[str, ...]:
        """Names of all processes that the objects can ask for; some need a part that is not there in every twin."""
        return tuple(name for name in PODS if name not in _BROUGHT or self._part(name).is_file())

    def part(self, name: str) -> str:
        """What the process of that name runs, for which there is no stand-in. NotThereError when it was not brought."""
        part = self._part(name)
        if not part.is_file():
            raise NotThereError(f"{part.name} was not brought; the stand-in of the proxy does without")
        return str(part)

    def _part(self, name: str) -> Path:
        return self.twin / "parts" / _BINARIES[name]

    def mark(self, name: str) -> str:
        """The argument by which the process of that name is known."""
        return {
            RUNNER: f"--directory={self.twin}",
            SERVER: str(self.server_conf),
            MANAGER: f"--config={self.manager_conf}",
            DNS: str(self.corefile),
            PROBER: f"-Xtwin={self.of(PROBER)}",
            IDENTITY: f"--issuer={self.issuer}",
            DESTINATION: f"--kubeconfig={self.twin / 'kubeconfig'}",
            POLICY: f"--kubeconfig={self.twin / 'kubeconfig'}",
        }[name]

    def known(self, name: str, python: str) -> Program:
        """The process as far as it takes to find and end it."""
        return Program(
            name=name, binary=_BINARIES.get(name, python), arguments=(), mark=self.mark(name), directory=self.of(name)
        )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A process that the objects ask for. `through` are words before its own, of a command that becomes the process."""

    name: str
    binary: str
    arguments: tuple[str, ...]
    through: tuple[str, ...] = ()
    reads: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None

    def program(self, places: Places) -> Program:
        """As something that can be started."""
        return Program(
            name=self.name,
            binary=self.binary,
            arguments=self.arguments,
            through=self.through,
            mark=places.mark(self.name),
            directory=places.of(self.name),
            port=self.port,
            reads=self.reads,
            environment=self.environment,
        )
