"""Routes, retries and timeouts in a stack file: what is taken, and what is refused with its place, its reason and a fix."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import durations, retries
from settings import InvalidSettings, Settings, load
from settings.traffic_checks import route_list, service_list

_FILE = Path(__file__)  # any file stands for a kubeconfig, which is not read
_SMILEY = {"name": "smiley", "addresses": ["192.0.2.11"]}
_COLOR = {"name": "color", "addresses": ["192.0.2.12"]}  # speaks gRPC in Faces 2
_CANARY = {"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}
_EDGE = {"name": "smiley-edge", "service": "smiley", "path": "/edge"}
_SECOND = ["smiley2", "color2"]


def _load(**keys: Any) -> Settings:
    values: dict[str, Any] = {
        "cluster": {"kubeconfig": _FILE.name},
        "workloads": [_SMILEY, _COLOR],
        "faces": {"second": _SECOND},
        **keys,
    }
    raw = {key: json.dumps(value) for key, value in values.items()}
    return load({"lab": "twin", **raw}, set(), source="stacks/Pulumi.twin.yaml", project=_FILE.parent)


def _refused(**keys: Any) -> dict[str, str]:
    """What is said of each place."""
    with pytest.raises(InvalidSettings) as caught:
        _load(**keys)
    found = {}
    for problem in str(caught.value).split("\n  mesh-expansion:")[1:]:
        place, _, text = problem.partition(": ")
        assert "\n    expected: " in text and "\n    fix: " in text
        found[place] = text
    return found


def test_a_route_is_about_some_requests_has_backends_or_none_and_says_how_long_they_take() -> None:
    edge = {**_EDGE, "method": "GET", "retry": {"http": "5xx", "limit": 3}, "timeout": {"request": "300ms"}}
    canary, route = route_list(_load(routes=[_CANARY, edge]))
    assert canary.shares() == {"smiley": 0.8, "smiley2": 0.2}
    assert (canary.path, canary.annotations) == (None, {})
    assert route.shares() == {"smiley": 1.0}
    assert (route.kind, route.path, route.method) == ("HTTPRoute", "/edge", "GET")
    assert route.annotations == {
        "retry.linkerd.io/http": "5xx",
        "retry.linkerd.io/limit": "3",
        "timeout.linkerd.io/request": "300ms",
    }


def test_the_words_of_the_documentation_are_taken_whole() -> None:
    route = {
        "name": "smiley-edge", "service": "smiley", "port": 80, "path": "/edge", "method": "GET",
        "backends": {"smiley": 80, "smiley2": 20},
        "retry": {"http": "5xx,429,502-504,gateway-error", "limit": 3, "timeout": "200ms"},
        "timeout": {"request": "300ms", "response": "1s", "idle": "10s"},
    }  # fmt: skip
    service = {"name": "face", "timeout": {"request": "300ms"}, "retry": {"http": "500"}}
    settings = _load(routes=[route], services=[service])
    assert service_list(settings)[0].annotations == {
        "retry.linkerd.io/http": "500",
        "timeout.linkerd.io/request": "300ms",
    }


@pytest.mark.parametrize(
    ("route", "place", "said"),
    [
        ({**_CANARY, "backends": {"smiley": -1, "smiley2": 1}}, "routes[0].backends.smiley", "a weight of -1"),
        ({**_CANARY, "backends": {"smiley": 0, "smiley2": 0}}, "routes[0].backends", "no backend has a weight above 0"),
        ({**_CANARY, "backends": {"smiley": 10**6 + 1}}, "routes[0].backends.smiley", "a weight of 1000001"),
        ({**_EDGE, "path": "edge"}, "routes[0].path", "write '/edge'"),
        ({**_EDGE, "path": ""}, "routes[0].path", "a path that begins with a slash"),
        ({**_EDGE, "path": "/a//b"}, "routes[0].path", "single slashes"),
        ({**_EDGE, "path": "/a/../b"}, "routes[0].path", "single slashes"),
        ({**_EDGE, "path": "/a b"}, "routes[0].path", "'/a b'"),
        ({**_EDGE, "path": "/a?b=c"}, "routes[0].path", "'/a?b=c'"),
        ({**_EDGE, "path": "/" + "a" * 1024}, "routes[0].path", "1024 characters at most"),
        ({**_EDGE, "method": "get"}, "routes[0].method", '"get"'),
        ({**_EDGE, "service": "smily"}, "routes[0].service", "'smily' is no Service of this lab"),
        ({**_EDGE, "backends": {"smily": 1}}, "routes[0].backends.smily", "one of color, color2, face, faces-gui, smiley"),
        ({**_EDGE, "timeout": {"request": "1.5s"}}, "routes[0].timeout.request", "fix: write 1500ms"),
        ({**_EDGE, "timeout": {"idle": "soon"}}, "routes[0].timeout.idle", "'soon': it is no duration"),
        ({**_EDGE, "timeout": {}}, "routes[0].timeout", "it says nothing"),
        ({**_EDGE, "retry": {}}, "routes[0].retry", "it says nothing"),
        ({**_EDGE, "retry": {"timeout": "5"}}, "routes[0].retry.timeout", "it has no unit"),
        ({**_EDGE, "retry": {"http": "5xx", "limit": 0}}, "routes[0].retry.limit", "0 tries after the first"),
        ({**_EDGE, "retry": {"http": "5xx, 429"}}, "routes[0].retry.http", "for example 5xx,429"),
        ({**_EDGE, "retry": {"http": "504-500"}}, "routes[0].retry.http", "'504-500' is no answer that Linkerd knows"),
        ({**_EDGE, "retry": {"http": "600"}}, "routes[0].retry.http", "'600'"),
        ({**_EDGE, "retry": {"http": ""}}, "routes[0].retry.http", "''"),
        ({**_EDGE, "retry": {"grpc": "unavailable"}}, "routes[0].retry.grpc", "smiley speaks http"),
        ({**_EDGE, "port": 8000}, "routes[0].port", "8000, where smiley does not listen"),
        ({**_EDGE, "port": 5432}, "routes[0].port", "port 5432 is one that Linkerd takes for plain TCP"),
        (
            {**_EDGE, "port": 5432, "retry": {"http": "5xx"}},
            "routes[0].retry",
            "port 5432 is one that Linkerd takes for plain TCP, so it sees no request that it could try again",
        ),
        (
            {**_EDGE, "port": 3306, "timeout": {"request": "1s"}},
            "routes[0].timeout",
            "port 3306 is one that Linkerd takes for plain TCP, so it sees no request that it could end",
        ),
        (
            {**_EDGE, "retry": {"timeout": "300ms"}, "timeout": {"request": "300ms"}},
            "routes[0].retry.timeout",
            "300ms, while routes[0].timeout.request ends the whole request after 300ms",
        ),
        (
            {**_EDGE, "retry": {"timeout": "2s"}, "timeout": {"request": "10s", "response": "1s"}},
            "routes[0].retry.timeout",
            "2s, while routes[0].timeout.response ends every try after 1s",
        ),
        ({**_EDGE, "backends": {"color": 1}}, "routes[0].backends.color", "color speaks grpc, while smiley is asked by http"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_in_a_route_is_refused_with_its_place(route: Any, place: str, said: str) -> None:
    found = _refused(routes=[route])
    assert list(found) == [place]
    assert said in found[place]


@pytest.mark.parametrize(
    ("second", "place"),
    [
        ({**_EDGE, "name": "again"}, "routes[1].path"),
        ({**_EDGE, "name": "again", "path": "/edge/", "backends": {"smiley": 1}}, "routes[1].path"),
        ({**_EDGE}, "routes[1].name"),
    ],
)
def test_two_routes_of_one_service_about_the_same_requests_are_refused(second: Any, place: str) -> None:
    found = _refused(routes=[_EDGE, second])
    assert "as routes[0]" in found["routes[1].path"]
    assert place in found
    whole = {"name": "whole", "service": "smiley"}
    again = _refused(routes=[whole, {**whole, "name": "again", "path": "/"}])
    assert "the same requests to smiley as routes[0]" in again["routes[1].path"]
    assert "routes[1].service" in _refused(routes=[whole, {**whole, "name": "again"}])


def test_routes_of_one_service_that_differ_in_path_or_method_or_of_two_services_are_taken() -> None:
    by_method = {**_EDGE, "name": "edge-head", "method": "HEAD"}
    other = {"name": "face-edge", "service": "face", "path": "/edge"}
    assert len(route_list(_load(routes=[_CANARY, _EDGE, by_method, other]))) == 4


def test_a_part_that_left_while_a_route_names_it_is_told_with_what_to_do_first() -> None:
    found = _refused(routes=[_CANARY], faces={"second": []}, services=[{"name": "color2", "timeout": {"idle": "1s"}}])
    assert list(found) == ["routes[0].backends.smiley2", "services[0].name"]
    assert "it is not in faces.second" in found["routes[0].backends.smiley2"]
    assert (
        "add smiley2 to faces.second, or take it out here before it leaves there" in found["routes[0].backends.smiley2"]
    )


def test_where_grpc_is_spoken_a_path_is_a_call_and_the_route_a_grpc_route() -> None:
    edge = {"name": "color-edge", "service": "color", "path": "/ColorService/Edge", "retry": {"grpc": "unavailable"}}
    rest = {"name": "color-rest", "service": "color", "backends": {"color": 1, "color2": 1}}
    routes = route_list(_load(routes=[edge, rest]))
    assert [route.kind for route in routes] == ["GRPCRoute", "GRPCRoute"]
    assert routes[0].call == ("ColorService", "Edge")
    faces = {"chart-version": "1.4.1", "second": ["color2"]}
    (plain,) = route_list(_load(routes=[{**rest}], faces=faces))
    assert plain.kind == "HTTPRoute"


@pytest.mark.parametrize(
    ("said", "place", "text"),
    [
        ({"path": "/edge/"}, "path", "'/edge/', while color speaks gRPC"),
        ({"path": "/a/b/c"}, "path", "/package.Service/Method"),
        ({"method": "POST"}, "method", "where every call is a POST"),
        ({"retry": {"http": "5xx"}}, "retry.http", "color speaks grpc"),
        ({"retry": {"grpc": "unknown"}}, "retry.grpc", "'unknown' is no answer that Linkerd knows"),
        ({"retry": {"grpc": "internal, unavailable"}}, "retry.grpc", "for example internal,unavailable"),
    ],
)
def test_what_is_said_of_http_is_refused_where_grpc_is_spoken(said: Any, place: str, text: str) -> None:
    found = _refused(routes=[{"name": "color-edge", "service": "color", **said}])
    assert list(found) == [f"routes[0].{place}"]
    assert text in found[f"routes[0].{place}"]


@pytest.mark.parametrize(
    ("service", "place", "said"),
    [
        ({"name": "smily", "timeout": {"idle": "1s"}}, "services[0].name", "'smily' is no Service of this lab"),
        ({"name": "smiley"}, "services[0]", "it says nothing"),
        ({"name": "smiley", "timeout": {"request": "-1s"}}, "services[0].timeout.request", "it is negative"),
        ({"name": "smiley", "retry": {"grpc": "internal"}}, "services[0].retry.grpc", "smiley speaks http"),
        ({"name": "color", "retry": {"http": "5xx"}}, "services[0].retry.http", "color speaks grpc"),
        ({"name": "color", "retry": {"grpc": "internal"}}, "services[0].retry.grpc", "add a route with `service: color`"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_for_a_service_is_refused_with_its_place(service: Any, place: str, said: str) -> None:
    found = _refused(services=[service])
    assert list(found) == [place]
    assert said in found[place]


def test_a_service_of_grpc_with_a_route_can_be_asked_again_by_its_status() -> None:
    color = {"name": "color", "retry": {"grpc": "unavailable"}}
    assert service_list(_load(services=[color], routes=[{"name": "color-all", "service": "color"}]))


def test_a_service_is_there_once() -> None:
    color = {"name": "color", "timeout": {"request": "300ms"}}
    assert "services[0] is about too" in _refused(services=[color, color])["services[1].name"]


def test_a_workload_on_a_port_that_linkerd_takes_for_tcp_has_no_requests_to_ask_again() -> None:
    found = _refused(
        workloads=[{**_SMILEY, "port": 9300}, _COLOR],
        routes=[{**_EDGE, "retry": {"http": "5xx"}}],
        services=[{"name": "smiley", "timeout": {"request": "1s"}}],
    )
    assert list(found) == ["routes[0].retry", "services[0].timeout"]
    assert "workload smiley listens on port 9300, which Linkerd takes for plain TCP" in found["routes[0].retry"]


def test_what_a_route_leaves_to_its_service_is_held_against_what_it_says_itself() -> None:
    service = {"name": "smiley", "timeout": {"request": "1s"}}
    found = _refused(routes=[{**_EDGE, "retry": {"timeout": "2s"}}], services=[service])
    assert "2s, while services[0].timeout.request ends the whole request after 1s" in found["routes[0].retry.timeout"]
    retry = {"name": "smiley", "retry": {"http": "5xx", "timeout": "2s"}}
    found = _refused(routes=[{**_EDGE, "timeout": {"request": "1s"}}], services=[retry])
    assert "while routes[0].timeout.request ends the whole request" in found["services[0].retry.timeout"]
    # A route that says any time limit takes none of its Service's.
    own = {**_EDGE, "retry": {"timeout": "2s"}, "timeout": {"idle": "1m"}}
    assert route_list(_load(routes=[own], services=[service]))


_DURATIONS = st.text("0123456789.-+ msh", max_size=7) | st.sampled_from(["300ms", "1s", "2m", "1h", "1d"])
_CONDITIONS = st.lists(
    st.sampled_from(
        ["5xx", "5XX", "gateway-error", "500", "599", "600", "99", "500-504", "504-500", "unavailable", "", " "]
    ),
    max_size=3,
).map(",".join)
_RETRY = st.fixed_dictionaries(
    {},
    optional={
        "http": _CONDITIONS,
        "grpc": st.sampled_from(["unavailable", "Cancelled", "unavailable,internal", "ok", ""]),
        "limit": st.integers(-2, 70000),
        "timeout": _DURATIONS,
    },
)
_TIMEOUT = st.fixed_dictionaries({}, optional=dict.fromkeys(("request", "response", "idle"), _DURATIONS))
_ROUTE = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "A", "-"]), "service": st.sampled_from(["smiley", "color", "face", "gone"])},
    optional={
        "path": st.text("/ab.%2f?# ", max_size=6),
        "method": st.sampled_from(["GET", "POST"]),
        "port": st.sampled_from([80, 81, 25, 5432]),
        "backends": st.dictionaries(st.sampled_from(["smiley", "smiley2", "color2", "x"]), st.integers(-2, 10**6 + 2)),
        "retry": _RETRY,
        "timeout": _TIMEOUT,
    },
)
_SERVICE = st.fixed_dictionaries(
    {"name": st.sampled_from(["smiley", "color", "gone"])}, optional={"retry": _RETRY, "timeout": _TIMEOUT}
)


@given(st.lists(_ROUTE, max_size=3), st.lists(_SERVICE, max_size=2))
def test_whatever_is_said_of_traffic_is_taken_as_linkerd_reads_it_or_refused_with_its_place(
    routes: list[Any], services: list[Any]
) -> None:
    try:
        settings = _load(routes=routes, services=services)
    except InvalidSettings:
        for place in _refused(routes=routes, services=services):
            group, _, rest = place.partition("[")
            assert int(rest[0]) < len({"routes": routes, "services": services}[group])
        return
    found = [route.annotations for route in route_list(settings)]
    for annotations in [*found, *(service.annotations for service in service_list(settings))]:
        for name, text in annotations.items():
            _as_linkerd_reads(name, text)
    for route in route_list(settings):
        assert abs(sum(route.shares().values()) - 1) < 1e-9
        assert route.path is None or (route.path.startswith("/") and "//" not in route.path)


def _as_linkerd_reads(name: str, text: str) -> None:
    match name.partition("/")[2]:
        case "http":
            assert all(
                part.lower() in retries.HTTP_CONDITIONS or 100 <= int(part[:3]) < 600 for part in text.split(",")
            )
        case "grpc":
            assert all(part.lower() in retries.GRPC_CONDITIONS for part in text.split(","))
        case "limit":
            assert 0 < int(text) < 2**16
        case _:
            assert durations.milliseconds(text) > 0
