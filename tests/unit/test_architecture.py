"""What docs/architecture.md quotes is what the code has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assets.prober import condition
from assets.prober.settings import Settings as ProberSettings
from components import dns, spire
from components.edge import prober
from domain import device as devices
from domain import proxy, spire_chart, workloads
from domain.device_files import device_files
from domain.parts import parts
from settings import explanation
from settings.model import Settings
from tests.unit.device_fixtures import SCRIPTS, device
from tests.unit.markdown import ROOT, read
from tests.unit.test_house import ALLOWED

FILE = ROOT / "docs" / "architecture.md"
PAGE, TEXT = read(FILE), FILE.read_text()
# What the device makes or keeps by itself, beside what the bundle brings.
_MADE_THERE = {"device.key", "device.csr", "intermediate.key", "intermediate.csr"}


def _row(first: str) -> tuple[str, ...]:
    (row,) = (row for row in PAGE.rows if row[0] == first)
    return row


def _default(key: str) -> Any:
    model: Any = Settings
    *groups, last = key.split(".")
    for group in groups:
        (model,) = (found for _, found in explanation.models(explanation.keys(model)[group].annotation))
    return explanation.keys(model)[last].get_default(call_default_factory=True)


def test_defaults_of_keys_are_the_settings_own() -> None:
    quoted = re.findall(r"`([a-z-]+\.[a-z-]+)` \(`?([^)`]+)`?\)", TEXT)
    assert len(quoted) >= 8
    assert [(key, value, str(_default(key))) for key, value in quoted if str(_default(key)) != value] == []


def test_lifetimes_are_those_of_the_charts_values() -> None:
    server: dict[str, Any] = spire_chart.spire_values(1, "")["spire-server"]
    assert _row("SPIRE's own authority")[3].split(",")[0] == server["caTTL"]
    assert _row("identities of workloads outside")[3].split(",")[0] == server["defaultX509SvidTTL"]
    assert f"Secret {spire_chart.UPSTREAM_SECRET}" in _row("SPIRE's upstream authority, path length 1")[2]


def test_units_are_those_of_a_device_in_the_order_in_which_they_come_up() -> None:
    rows = [row for row in PAGE.rows if row[0].endswith((".service", ".timer"))]
    assert [row[0] for row in rows] == [part.unit for part in parts(bundled=True)]


def test_a_unit_starts_after_what_the_page_says() -> None:
    for row in PAGE.rows:
        file = _unit(row[0])
        if file is None:
            continue
        said = {name.strip() for name in row[2].split(",")} - {""}
        after = " ".join(re.findall(r"^After=(.*)", file.read_text(), re.MULTILINE)).split()
        ours = {name for name in after if name.startswith(("mesh-expansion-", "systemd-resolved"))}
        assert said == {name.removeprefix("mesh-expansion-").removesuffix(".service") for name in ours}, row[0]


def _unit(name: str) -> Path | None:
    found = [file for top in ("root", "bundled") for file in (SCRIPTS / top).rglob("*") if file.name == name]
    return found[0] if found else None


def test_ports_are_those_that_the_proxy_listens_on() -> None:
    environment = proxy.proxy_environment(device())
    for name, port in (("INBOUND", 4143), ("OUTBOUND", 4140), ("CONTROL", 4190), ("ADMIN", 4191)):
        host, _, number = environment[f"LINKERD2_PROXY_{name}_LISTEN_ADDR"].rpartition(":")
        assert int(number) == port == getattr(proxy, name)
        assert _row(number)[1] == {"0.0.0.0": "all", "127.0.0.1": "loopback"}[host]  # noqa: S104 - what it says
    listed = {row[0] for row in PAGE.rows if row[0].isdecimal()}
    assert listed == {str(port) for port in (*proxy.PORTS, workloads.APPLICATION_PORT)}


def test_ports_of_the_cluster_are_those_of_the_code() -> None:
    said = set(re.findall(r"ports? (\d+)(?: and (\d+))?", TEXT))
    expected = (dns.NODE_PORT, spire.NODE_PORT, devices.DESTINATION_PORT, devices.POLICY_PORT)
    assert {number for pair in said for number in pair if number} == {str(port) for port in expected}
    assert (_default("edge.dns-port"), _default("spire.server-port")) == (dns.NODE_PORT, spire.NODE_PORT)


def _files_of_the_page() -> Iterator[str]:
    for row in PAGE.rows:
        directory = ""
        for path in row[0].split(", ") if row[0].startswith("/") else ():
            directory = path.rpartition("/")[0] if path.startswith("/") else directory
            yield path if path.startswith("/") else f"{directory}/{path}"


def test_files_are_those_that_a_device_gets() -> None:
    server = devices.LocalServer(chain_pem="CHAIN", device_ca_pem="CA")
    written = set(device_files(device(server=server)))
    assets = {
        f"/{file.relative_to(SCRIPTS / top)}"
        for top in ("root", "bundled")
        for file in (SCRIPTS / top).rglob("*")
        if file.is_file()
    }
    listed = set(_files_of_the_page())
    covered = {path for path in written | assets if path in listed or any(_below(path, entry) for entry in listed)}
    assert written | assets == covered
    single = {path for path in listed if not path.endswith(("/", "*"))}
    assert single - written - assets == {f"/etc/mesh-expansion/{name}" for name in _MADE_THERE}
    prepare = (SCRIPTS / "prepare").read_text()
    assert "make_key device" in prepare and "make_key intermediate" in prepare and ".csr" in prepare


def _below(path: str, entry: str) -> bool:
    return entry.endswith(("/", "*")) and path.startswith(entry.rstrip("*"))


def test_users_and_the_protocol_of_routes_are_those_of_the_scripts() -> None:
    converge = (SCRIPTS / "converge").read_text()
    assert "make_user mesh-proxy 2102" in converge and "`mesh-proxy` (uid 2102" in TEXT
    assert "make_user mesh-agent ''" in converge and "`mesh-agent`" in TEXT
    (protocol,) = re.findall(r"protocol=(\d+)", (SCRIPTS / "root/opt/mesh-expansion/bin/routes").read_text())
    assert f"protocol {protocol}" in _row("mesh-expansion-routes.service")[1]
    timer = (SCRIPTS / "root/etc/systemd/system/mesh-expansion-watch.timer").read_text()
    assert f"every {re.findall(r'OnUnitInactiveSec=([0-9]+)', timer)[0]} s" in _row("mesh-expansion-watch.timer")[1]


def test_the_probers_times_are_its_own() -> None:
    settings = ProberSettings.read({"PROBE_NAMESPACES": "faces", "PROBE_API": "https://api"})
    assert _row("looks again at one that is well")[1] == f"every {settings.seconds:g} s"
    assert _row("at one that is not")[1] == f"every {settings.soon:g} s"
    assert _row("gives up on an address")[1] == f"after {settings.timeout:g} s"
    assert _row("is no longer Ready")[1].startswith(f"after {condition._FAILURES} failures")
    assert _row("says the same again")[1].startswith(f"after {condition._REPEAT_SECONDS:g} s")
    assert f"`{prober.NAME}` in namespace `{prober.NAMESPACE}`" in TEXT


def test_rooms_and_what_they_import_are_those_that_the_house_keeps() -> None:
    said = {row[0]: {name for name in row[1].split(", ") if name} for row in PAGE.rows if row[0] in ALLOWED}
    assert said == {room: allowed - {room} for room, allowed in ALLOWED.items()}


def test_an_identity_is_written_as_the_code_writes_it() -> None:
    assert f"`{workloads.identity('<workload>')}`" in TEXT
