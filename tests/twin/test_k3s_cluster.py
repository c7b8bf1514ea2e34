"""k3s on a machine over SSH: installed, changed, used as it is found, taken out. The machine is a device of the twin."""

import contextlib
import hashlib
import re
import socket
from collections.abc import Callable, Iterator

import pytest
import yaml

from tests.twin.conftest import Lab
from tests.twin.edge import eventually
from tests.twin.k3s_lab import NAME, K3sLab

pytestmark = pytest.mark.twin
OTHER_VERSION = "v1.34.9+k3s1"


@pytest.fixture(scope="module")
def k3s(new_lab: Callable[..., Lab]) -> Iterator[K3sLab]:
    """A bare machine; the tests follow one another as an operator's day would."""
    k3s = K3sLab(new_lab)
    yield k3s
    k3s.close()


def test_a_preview_asks_the_machine_nothing(k3s: K3sLab) -> None:
    created = {name for name, change in k3s.preview().items() if change == "create"}
    assert {"cluster-machine", "cluster-artefact", "cluster-k3s", "cluster-kubeconfig", "seen"} <= created
    assert k3s.logins() == 0
    assert k3s.snapshot() == k3s.before


@contextlib.contextmanager
def _broken(k3s: K3sLab) -> Iterator[None]:
    """No memory cgroups, with Raspberry Pi OS's file; somebody else's k3s; somebody else on the API's port."""
    k3s.run(
        "systemd-run --quiet --unit=squatter sh -c 'while :; do openssl s_server -accept 6443 -nocert; done';"
        "mkdir -p /boot/firmware; echo 'console=tty1 root=PARTUUID=1-2 rootwait' >/boot/firmware/cmdline.txt;"
        "mkdir -p /etc/rancher/k3s; mount --bind /dev/null /proc/cgroups;"
        "if [ -e /sys/fs/cgroup/cgroup.controllers ]; then mount --bind /dev/null /sys/fs/cgroup/cgroup.controllers; fi"
    )
    try:
        yield
    finally:
        k3s.run(
            "umount /proc/cgroups; umount /sys/fs/cgroup/cgroup.controllers 2>/dev/null;"
            "rm -r /boot/firmware /etc/rancher; systemctl stop squatter; systemctl reset-failed"
        )


def test_everything_wrong_with_the_machine_is_listed_at_once_and_nothing_is_done(k3s: K3sLab) -> None:
    with _broken(k3s):
        text = k3s.pulumi("up", ok=False).text
    for words in ("cgroups", "k3s: it is there", "port 6443"):
        assert [line for line in text.splitlines() if f"problem: {words}" in line and "fix:" in line], (words, text)
    assert "cgroup_memory=1 cgroup_enable=memory" in text
    assert "/boot/firmware/cmdline.txt" in text
    assert k3s.snapshot() == k3s.before


def test_a_program_with_another_checksum_is_refused_and_never_runs(k3s: K3sLab) -> None:
    k3s.configure(sha256=hashlib.sha256(b"another program").hexdigest())
    text = k3s.pulumi("up", ok=False).text
    k3s.configure(sha256="")
    assert re.search(r"sha256 of \S+ is [0-9a-f]{64}; expected [0-9a-f]{64}; fix:", text), text
    assert k3s.run("ls /usr/local/bin/k3s /etc/systemd/system/k3s.service 2>/dev/null || true") == ""


def test_up_gives_a_ready_node_and_a_kubeconfig_that_works_from_here(k3s: K3sLab) -> None:
    k3s.pulumi("up")
    assert k3s.output("nodes") == [[NAME, k3s.address, "10.42.0.0/24"]]
    assert "Ready" in k3s.kubectl("get", "nodes", "--no-headers").split()
    assert k3s.kubectl("get", "configmap", "seen", "-o", "jsonpath={.data.by}") == "the program"
    assert k3s.run("systemctl is-enabled k3s.service").strip() == "enabled"


def test_node_ports_lead_to_what_stands_for_pods(k3s: K3sLab) -> None:
    with (
        socket.create_server((k3s.pods_at, 30081)) as server,
        socket.create_connection((k3s.address, 30081), timeout=5),
        socket.socket(type=socket.SOCK_DGRAM) as answering,
        socket.socket(type=socket.SOCK_DGRAM) as asking,
    ):
        server.settimeout(5)
        server.accept()[0].close()
        for each in (answering, asking):
            each.settimeout(5)
        answering.bind((k3s.pods_at, 30000))
        asking.sendto(b"a question", (k3s.address, 30000))
        question, sender = answering.recvfrom(100)
        answering.sendto(question, sender)
        assert asking.recvfrom(100) == (b"a question", (k3s.address, 30000))


def test_the_administrators_key_is_where_nobody_else_can_read_it(k3s: K3sLab) -> None:
    text = k3s.output("kubeconfig")
    key = yaml.safe_load(text)["users"][0]["user"]["client-key-data"]
    assert key in k3s.shell("pulumi stack export --show-secrets -s k3s").text
    assert key not in k3s.shell("pulumi stack export -s k3s").text
    assert key not in k3s.shell("pulumi stack output -s k3s").text
    assert (
        k3s.run("stat -c '%a %U' /etc/rancher/k3s/k3s.yaml /etc/rancher/k3s/config.yaml").split() == ["600", "root"] * 2
    )
    # Not by grep: its own command line would be found.
    assert key not in k3s.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert key not in k3s.run("journalctl --no-pager")


def test_a_second_up_logs_in_nowhere_and_restarts_nothing(k3s: K3sLab) -> None:
    logins, process = k3s.logins(), k3s.main_process()
    text = k3s.pulumi("up").text
    assert "unchanged" in text
    assert not re.search(r"\d+ (created|updated|replaced|deleted)", text), text
    assert (k3s.logins(), k3s.main_process()) == (logins, process)


def test_another_version_is_one_restart_and_what_is_in_the_cluster_stays(k3s: K3sLab) -> None:
    def started() -> list[str]:
        return k3s.run("journalctl -u k3s.service --no-pager -o cat | grep '^Started' || true").splitlines()

    uid, before = k3s.kubectl("get", "configmap", "seen", "-o", "jsonpath={.metadata.uid}"), started()
    k3s.stand_in(OTHER_VERSION)
    assert k3s.preview() == {"cluster-artefact": "update", "cluster-k3s": "update"}
    k3s.pulumi("up")
    assert k3s.kubectl("get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}") == OTHER_VERSION
    assert k3s.kubectl("get", "configmap", "seen", "-o", "jsonpath={.metadata.uid}") == uid
    assert len(started()) == len(before) + 1


def test_destroy_leaves_the_machine_as_it_was_found(k3s: K3sLab) -> None:
    assert "KUBE-NODEPORTS" in k3s.run("iptables-save")
    k3s.pulumi("destroy")
    files, seen = k3s.snapshot()
    for what, found in vars(k3s.before[0]).items():
        assert getattr(files, what) == found, what
    assert seen == k3s.before[1]


def test_a_machine_that_is_gone_can_be_destroyed_and_be_cleaned_when_it_turns_up_again(k3s: K3sLab) -> None:
    k3s.pulumi("up")
    k3s.rig.unplug(NAME)
    try:
        k3s.configure(gone=True)
        text = k3s.pulumi("up").text
        assert "is marked as gone" in text
        assert "sh /var/lib/mesh-expansion-k3s/remove" in text
        k3s.pulumi("destroy")
    finally:
        k3s.rig.plug(NAME)
        k3s.configure(gone=False)
    k3s.run("sh /var/lib/mesh-expansion-k3s/remove")
    assert k3s.snapshot() == k3s.before


def test_a_k3s_that_was_there_before_is_used_as_it_is_and_outlives_the_lab(k3s: K3sLab) -> None:
    k3s.rig.run(NAME, "mkdir -p /etc/rancher/k3s")
    unit = "ExecStart=/usr/local/bin/k3s server --config /etc/rancher/k3s/config.yaml"
    program = (k3s.lab.directory / f"k3s-{OTHER_VERSION}").read_text()
    k3s.run(f"cat >/usr/local/bin/k3s <<'PROGRAM'\n{program}PROGRAM\nchmod 0755 /usr/local/bin/k3s")
    k3s.run(
        f"echo 'node-ip: {k3s.address}' >/etc/rancher/k3s/config.yaml;"
        f"printf '[Service]\\nType=notify\\n{unit}\\n' >/etc/systemd/system/k3s.service;"
        "systemctl daemon-reload; systemctl start --no-block k3s"
    )
    k3s.configure(adopt=True)
    k3s.pulumi("up")
    assert k3s.output("nodes") == [[NAME, k3s.address, "10.42.0.0/24"]]
    k3s.pulumi("destroy")
    assert k3s.run("systemctl is-active k3s").strip() == "active"
    eventually(lambda: "Ready" in k3s.run("k3s kubectl get nodes --no-headers"), "the node to be ready still")
    assert k3s.run("ls -d /var/lib/mesh-expansion-k3s 2>/dev/null || true") == ""
