"""What goes from the machine of a k3s cluster with it, and what stays."""

from pathlib import Path

import pytest

from domain import k3s
from tests.unit.device_fixtures import sh
from tests.unit.k3s_fixtures import Machine

WORDS = "cgroup_memory=1 cgroup_enable=memory"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_line_that_somebody_changed_since_is_not_put_back(machine: Machine) -> None:
    line = machine.root / "boot" / "firmware" / "cmdline.txt"
    line.write_text("root=/dev/mmcblk0p2\n")
    machine.run(f"enable_cgroups {line}")
    line.write_text(f"root=/dev/mmcblk0p2 {WORDS} quiet\n")
    machine.remove("restore_command_line")
    assert line.read_text() == f"root=/dev/mmcblk0p2 {WORDS} quiet\n"


RULES = """*nat
:PREROUTING ACCEPT [0:0]
:CNI-OLD - [0:0]
:CNI-NEW - [0:0]
:FLANNEL-POSTRTG - [0:0]
:KUBE-SERVICES - [0:0]
:DOCKER - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A PREROUTING -s 10.88.0.2/32 -j CNI-OLD
-A CNI-OLD -j ACCEPT
-A CNI-NEW -j ACCEPT
-A POSTROUTING -m comment --comment "flanneld masq" -j MASQUERADE
-A KUBE-SERVICES -d 10.43.0.1/32 -p tcp -j ACCEPT
COMMIT
"""
FOREIGN = """*nat
:PREROUTING ACCEPT [0:0]
:CNI-OLD - [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A PREROUTING -s 10.88.0.2/32 -j CNI-OLD
-A CNI-OLD -j ACCEPT
COMMIT
"""


def test_rules_of_others_stay_even_those_that_look_like_k3s_s_and_were_there_before(machine: Machine) -> None:
    machine.record.write_text("chain iptables CNI-OLD\n")
    assert machine.remove(f"foreign_rules iptables <<'END'\n{RULES}END").stdout == FOREIGN
    again = machine.remove(f"foreign_rules iptables <<'END'\n{FOREIGN}END")
    assert again.stdout == FOREIGN


def test_containers_are_those_below_k3s_s_own_shims(machine: Machine) -> None:
    shim = f"{machine.root}/k3s/data/abc/bin/containerd-shim-runc-v2"
    listed = f"1 0 /sbin/init\n20 1 {shim} -namespace k8s.io\n21 20 /pause\n30 21 sleep 5\n40 1 /usr/bin/containerd-shim\n41 40 sh"
    done = machine.remove(f"ps() {{ echo '{listed}'; }}\ncontainers | sort -n")
    assert done.stdout.split() == ["20", "21", "30"]


def test_remove_does_nothing_on_a_machine_whose_k3s_is_not_of_this_program(machine: Machine) -> None:
    if sh("id -u").stdout.strip() != "0":
        done = machine.remove("remove")
        assert "expected root" in done.stderr
        return
    (machine.root / "bin" / "k3s").touch()
    done = machine.remove("remove")
    assert done.stdout == "nothing to remove\n"
    assert (machine.root / "bin" / "k3s").exists()


def test_nothing_there_to_remove_is_success() -> None:
    for keep in (True, False):
        assert sh(k3s.remove_command(keep=keep, sudo=False).replace(k3s.DATA, "/nonexistent")).returncode == 0
