"""Which traffic of a device goes through the proxy: the rules as the packet filter gets them."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.device_fixtures import SCRIPTS, sh
from tests.unit.doctor_fixtures import program

SCRIPT = SCRIPTS / "root/opt/mesh-expansion/bin/redirect"


class Filter:
    """A packet filter that writes down what it is told, and says that it has no rule yet."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.told = directory / "told"
        self.told.touch()
        (directory / "networks").write_text("10.42.0.0/24\n10.43.0.0/16\nfd00:10::/64\n")
        for name in ("iptables", "ip6tables"):
            program(directory, name, f'echo "{name} $*" >>{self.told}; case "$*" in *" -C "*) exit 1 ;; esac')
            program(directory, f"{name}-restore", f"sed 's/^/{name}: /' >>{self.told}")

    def run(self, port: int, command: str = "apply") -> subprocess.CompletedProcess[str]:
        text = SCRIPT.read_text()
        for place, here in (
            ("PATH=/usr/local", f"PATH={self.directory}:/usr/local"),
            ("/etc/mesh-expansion/networks", str(self.directory / "networks")),
            ("/proc/net/if_inet6", str(self.directory / "networks")),
        ):
            assert place in text
            text = text.replace(place, here)
        return sh(f"PORT={port}\nset -- {command}\n{text}")

    def rules(self, chain: str) -> list[str]:
        lines = self.told.read_text().splitlines()
        return [line.partition(f"-A {chain} ")[2] for line in lines if f"-A {chain} " in line]


@pytest.fixture
def packets(tmp_path: Path) -> Filter:
    return Filter(tmp_path)


def test_only_the_workloads_port_is_taken_from_what_comes_in_so_that_ssh_stays(packets: Filter) -> None:
    assert packets.run(8000).returncode == 0
    both = 2  # IPv4 and IPv6
    assert packets.rules("MESH_EXPANSION_IN") == ["-p tcp --dport 8000 -j REDIRECT --to-ports 4143"] * both
    guard = "! -i lo -p tcp --dport 8000 -j REJECT --reject-with tcp-reset"
    assert packets.rules("MESH_EXPANSION_GUARD") == [guard] * both


def test_what_goes_out_is_taken_for_the_clusters_ranges_alone_and_never_from_the_proxy(packets: Filter) -> None:
    packets.run(8000)
    own = "-m owner --uid-owner 2102 -j RETURN"
    assert packets.rules("MESH_EXPANSION_OUT") == [
        own,
        "-d 10.42.0.0/24 -p tcp -j REDIRECT --to-ports 4140",
        "-d 10.43.0.0/16 -p tcp -j REDIRECT --to-ports 4140",
        own,
        "-d fd00:10::/64 -p tcp -j REDIRECT --to-ports 4140",
    ]


def test_port_22_is_never_taken(packets: Filter) -> None:
    done = packets.run(22)
    assert done.returncode == 1
    assert "port 22 is SSH's; expected the workload's port; fix: " in done.stderr
    assert packets.told.read_text() == ""


def test_a_rule_that_is_missing_is_said(packets: Filter) -> None:
    done = packets.run(8000, "check")
    assert done.returncode == 1
    assert "redirect: IPv4, table filter has no 'INPUT -p tcp -j MESH_EXPANSION_GUARD'" in done.stderr
