"""What `make bench` prints, and that both sides are given the same."""

import io
import tarfile

from rich.console import Console

from bench import ansible
from bench.clock import Timing
from bench.report import Row, report
from bench.work import Work, files_on_a_device, installed_files
from components.edge.assets import device_assets
from domain.bundle import bundle
from domain.device_files import device_files

WORK = Work(
    address="192.0.2.2",
    gateway="192.0.2.1",
    ports=(2201,),
    host_key="ssh-ed25519 AAAA",
    client_key="KEY",
    authority_pem="AUTHORITY",
    authority_key_pem="KEY",
)


def _row(*walls: float) -> Row:
    row = Row()
    for wall in walls:
        row.add(Timing(wall=wall, cpu=1.0), devices=1.0)
    return row


def _report(rows: dict[str, Row]) -> str:
    console = Console(file=io.StringIO(), width=200)
    report(console, rows, 50, [("slow", "fast", "at least 10")], files=3)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_ratio_is_that_of_the_medians_and_stands_beside_what_is_wanted() -> None:
    said = _report({"slow": _row(30.0, 90.0, 40.0), "fast": _row(4.0)})
    assert "slow / fast: 10.0 by the clock (wanted: at least 10), 1.0 by CPU" in said


def test_a_way_that_was_not_measured_has_no_ratio() -> None:
    assert "slow / fast" not in _report({"fast": _row(4.0)})


def test_ansible_installs_every_file_that_the_bundle_has_for_such_a_device() -> None:
    device = WORK.device(2201, "CERTIFICATE")
    lines = bundle(device, device_assets()).splitlines()
    entries = [line.split() for line in lines if line.startswith("file ")]
    wanted = {entry[5]: entry[1] for entry in entries if entry[3] in ("always", "quadlet")}
    with tarfile.open(fileobj=io.BytesIO(ansible.common_files())) as tar:
        packed = {f"/{entry.name}": f"0{entry.mode:o}" for entry in tar if entry.isfile()}
    own = {entry["path"]: entry["mode"] for entry in ansible.own_files(device)}
    assert packed | own == wanted
    assert not packed.keys() & own.keys()
    assert files_on_a_device() == len(wanted) == len(installed_files()) + len(device_files(device))
