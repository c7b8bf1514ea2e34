"""What the engine is asked for."""

import pytest

from lab.standins.docker.payload import container_body, join_arguments, nanoseconds, update_arguments

MINIMAL = {"image": "app:1", "name": "app", "restart": "no", "networkMode": "bridge"}


def test_a_device_container_gets_every_privilege_that_systemd_needs() -> None:
    body = container_body(
        {
            **MINIMAL,
            "capabilities": {"adds": ["SYS_ADMIN", "NET_ADMIN"], "drops": ["MKNOD"]},
            "securityOpts": ["seccomp=unconfined", "systempaths=unconfined"],
            "cgroupnsMode": "host",
            "tmpfs": {"/run": "rw"},
            "sysctls": {"net.ipv4.ip_forward": "1"},
            "devices": [{"hostPath": "/dev/fuse"}],
        }
    )
    host = body["HostConfig"]
    assert host["CapAdd"] == ["SYS_ADMIN", "NET_ADMIN"]
    assert host["CapDrop"] == ["MKNOD"]
    assert host["SecurityOpt"] == ["seccomp=unconfined"], (
        "systempaths is a client's option that the engine does not know"
    )
    assert host["MaskedPaths"] == host["ReadonlyPaths"] == []
    assert host["CgroupnsMode"] == "host"
    assert host["Tmpfs"] == {"/run": "rw"}
    assert host["Sysctls"] == {"net.ipv4.ip_forward": "1"}
    assert host["Devices"] == [{"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse", "CgroupPermissions": "rwm"}]


def test_paths_stay_masked_when_nobody_asks_otherwise() -> None:
    assert "MaskedPaths" not in container_body(MINIMAL)["HostConfig"]


def test_ports_are_exposed_and_bound_to_the_address_that_was_asked_for() -> None:
    body = container_body(
        {**MINIMAL, "ports": [{"internal": 80, "external": 8080, "ip": "127.0.0.1", "protocol": "tcp"}]}
    )
    assert body["ExposedPorts"] == {"80/tcp": {}}
    assert body["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}


def test_volumes_become_binds_and_borrowed_ones_name_their_container() -> None:
    body = container_body(
        {
            **MINIMAL,
            "volumes": [
                {"hostPath": "/srv", "containerPath": "/data", "readOnly": True},
                {"volumeName": "cache", "containerPath": "/cache"},
                {"containerPath": "/scratch"},
                {"fromContainer": "other"},
            ],
        }
    )
    assert body["HostConfig"]["Binds"] == ["/srv:/data:ro", "cache:/cache:rw"]
    assert body["HostConfig"]["VolumesFrom"] == ["other"]
    assert set(body["Volumes"]) == {"/data", "/cache", "/scratch"}


def test_memory_is_given_in_mebibytes_and_minus_one_means_no_swap_limit() -> None:
    host = container_body({**MINIMAL, "memory": 64, "memorySwap": -1, "shmSize": 8, "cpus": "1.5"})["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["ShmSize"]) == (64 * 1024**2, -1, 8 * 1024**2)
    assert host["NanoCpus"] == 1_500_000_000


def test_what_changes_in_place_is_sent_whole_so_that_a_removed_limit_is_lifted() -> None:
    assert update_arguments({"restart": "always"}) == {
        "restart_policy": {"Name": "always", "MaximumRetryCount": 0},
        "cpu_shares": 0,
        "cpuset_cpus": "",
        "mem_limit": 0,
        "mem_reservation": 0,
        "memswap_limit": None,
    }


def test_a_network_is_joined_with_its_address_and_aliases() -> None:
    joined = join_arguments(
        {"name": "edge", "ipv4Address": "172.31.0.9", "aliases": ["smiley"], "driverOpts": ["a=b=c"]}
    )
    assert joined["net_id"] == "edge"
    assert joined["ipv4_address"] == "172.31.0.9"
    assert joined["aliases"] == ["smiley"]
    assert joined["driver_opt"] == {"a": "b=c"}


@pytest.mark.parametrize(
    ("text", "expected"), [("0s", 0), ("0", 0), ("1m30s", 90 * 10**9), ("1.5s", 1_500_000_000), ("500ms", 500_000_000)]
)
def test_durations_are_read_as_go_reads_them(text: str, expected: int) -> None:
    assert nanoseconds(text) == expected


@pytest.mark.parametrize("text", ["", "30", "-1s", "1 s", "1x", "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        nanoseconds(text)
