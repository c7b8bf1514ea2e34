"""Network interfaces of this machine by their numbers, as other interfaces come and go."""

import socket

import pytest

from lab.docker.errors import DockerError
from lab.twin.devices import network


def test_each_interface_is_found_by_its_number() -> None:
    assert {network.interface_number(number) for number, _ in socket.if_nameindex()} >= {"lo"}


def test_a_number_that_no_interface_has_says_what_to_do() -> None:
    with pytest.raises(DockerError, match="no interface number 2147483647: take the devices down and up again"):
        network.interface_number(2**31 - 1)


def test_only_the_one_that_is_asked_for_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "INTERFACES", None)
    assert network.interface_number(socket.if_nametoindex("lo")) == "lo"
