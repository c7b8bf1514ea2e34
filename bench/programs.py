"""The Pulumi programs that are timed. Each declares its devices from the file `work.json` beside it."""

from pathlib import Path

import pulumi
import pulumi_command as command

from bench import work
from bench.work import Work
from components.edge.assets import device_assets
from components.edge.connection import Connection
from components.edge.device import EdgeDevice, EdgeDeviceArgs
from components.edge.fleet import Fleet, FleetState
from domain.bundle import bundle, converge_stdin, prepare_stdin

_CERTIFICATE = "CERTIFICATE"
# The same steps in one session. A device signs for itself here, with a key that no real device would be given.
_ALL_IN_ONE = """\
set -e
umask 077
cat >/run/authority.crt <<'AUTHORITY'
{authority}AUTHORITY
cat >/run/authority.key <<'AUTHORITY_KEY'
{key}AUTHORITY_KEY
sh -s >/dev/null <<'PREPARE'
{prepare}PREPARE
openssl x509 -req -in /etc/mesh-expansion/device.csr -CA /run/authority.crt -CAkey /run/authority.key \\
    -days {days} -out /run/device.crt 2>/dev/null
awk '$0 == "|{marker}" {{ while ((getline line < "/run/device.crt") > 0) print "|" line; next }} {{ print }}' <<'CONVERGE' | sh -s
{converge}CONVERGE
"""


def devices() -> None:
    """`EdgeDevice`, as stacks/machines.py declares it."""
    given = _given()
    fleet = Fleet(
        state=pulumi.Output.from_input(given.authority_pem).apply(
            lambda anchors: FleetState(nodes=[given.node], trust_anchors_pem=anchors)
        ),
        namespace=work.NAMESPACE,
        device_ca_certificate_pem=given.authority_pem,
        device_ca_key_pem=pulumi.Output.secret(given.authority_key_pem),
        certificate_generation=1,
        certificate_days=work.CERTIFICATE_DAYS,
        service_network=work.SERVICE_NETWORK,
        route_services=False,
        dns_port=work.DNS_PORT,
        spire_port=work.SPIRE_PORT,
        spire_address=None,
        image_archive=None,
        pushed={},
        pushed_architecture=None,
    )
    for port in given.ports:
        workload = given.workload(port)
        EdgeDevice(
            f"{workload.name}-device",
            EdgeDeviceArgs(
                workload=workload,
                connection=_connection(given, port),
                fleet=fleet,
                image=work.IMAGE,
                architectures=["amd64", "arm64"],
                environment={"FACES_SERVICE": "smiley"},
                gpio=[],
                gone=False,
            ),
        )


def plain_same_work() -> None:
    """One plain command a device that does all of the same work there."""
    given, assets = _given(), device_assets()
    for port in given.ports:
        _plain(
            given,
            port,
            _ALL_IN_ONE.format(
                authority=given.authority_pem,
                key=given.authority_key_pem,
                prepare=prepare_stdin(given.preflight(port), assets),
                converge=converge_stdin(bundle(given.device(port, _CERTIFICATE), assets), assets),
                days=work.CERTIFICATE_DAYS,
                marker=_CERTIFICATE,
            ),
        )


def plain_empty() -> None:
    """One plain command a device that does nothing there."""
    given = _given()
    for port in given.ports:
        _plain(given, port, ":\n")


def _plain(given: Work, port: int, stdin: str) -> None:
    command.remote.Command(
        given.workload(port).name,
        connection=_connection(given, port).arguments(),
        create="sh -s",
        stdin=stdin,
    )


def _connection(given: Work, port: int) -> Connection:
    return Connection(host=given.address, port=port, user="root", host_key=given.host_key, private_key=given.client_key)


def _given() -> Work:
    return Work.read(Path("work.json"))
