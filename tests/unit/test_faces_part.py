"""Which image a part of Faces is and what it speaks, by the version of the chart."""

from ipaddress import ip_address

import pytest

import versions
from domain.faces_part import FacesPart, environment
from domain.workloads import Workload


@pytest.mark.parametrize(
    ("service", "version", "image", "protocol"),
    [
        ("smiley", "2.0.0", "faces-smiley:2.0.0", "http"),
        ("smiley2", "2.0.0", "faces-smiley:2.0.0", "http"),
        ("color", "2.0.0", "faces-color:2.0.0", "grpc"),
        ("color3", "2.1.0-rc.1", "faces-color:2.1.0-rc.1", "grpc"),
        ("smiley", "1.4.1", "faces-workload:1.4.1", "http"),
        ("color", "1.4.1", "faces-workload:1.4.1", "http"),
    ],
)
def test_a_part_is_what_its_chart_runs(service: str, version: str, image: str, protocol: str) -> None:
    part = FacesPart.of(service, version)
    assert part is not None
    assert (part.image, part.protocol) == (f"ghcr.io/buoyantio/{image}", protocol)


@pytest.mark.parametrize("service", ["face", "faces-gui", "smiley4", "my-color", "colors", ""])
def test_what_faces_does_not_run_as_a_backend_is_no_part_of_it(service: str) -> None:
    assert FacesPart.of(service, versions.FACES_CHART) is None


def test_a_second_smiley_is_told_that_it_is_a_smiley() -> None:
    second = Workload(name="pi-3", service="smiley2", addresses=(ip_address("192.0.2.1"),))
    assert environment(second) == {"FACES_SERVICE": "smiley", "WORKLOAD_PROTOCOL": "http"}
    other = Workload(name="pi-4", service="clock", addresses=(ip_address("192.0.2.2"),), protocol="grpc")
    assert environment(other) == {"FACES_SERVICE": "clock", "WORKLOAD_PROTOCOL": "grpc"}
