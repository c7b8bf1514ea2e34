"""The emojivoto demo as data: its parts, and a route for each of its gRPC methods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from domain.routes import TrafficRoute

NAMESPACE = "emojivoto"
WEB = "web-svc"
_GRPC = MappingProxyType({"grpc": 8080, "prom": 8801})
_GRPC_ENVIRONMENT = MappingProxyType({"GRPC_PORT": "8080", "PROM_PORT": "8801"})

_EMOJI = MappingProxyType({"emoji-listall-route": "ListAll", "emoji-find-route": "FindByShortcode"})
# Each is voted for by a method of its own: Vote<it>.
_VOTES = """
    Poop Joy Sunglasses Relaxed StuckOutTongueWinkingEye MoneyMouthFace Flushed Mask NerdFace Ghost SkullAndCrossbones
    HeartEyesCat HearNoEvil SeeNoEvil SpeakNoEvil Boy Girl Man Woman OlderMan Policeman Guardsman ConstructionWorkerMan
    Prince Princess ManInTuxedo BrideWithVeil MrsClaus Santa Turkey Rabbit NoGoodWoman OkWoman RaisingHandWoman BowingMan
    ManFacepalming WomanShrugging MassageWoman WalkingMan RunningMan Dancer ManDancing DancingWomen Rainbow Skier
    GolfingMan SurfingMan BasketballMan BikingMan PointUp2 VulcanSalute Metal CallMeHand Thumbsup Wave Clap RaisedHands
    Pray Dog Cat2 Pig HatchingChick Snail Bacon Pizza Taco Burrito Ramen Doughnut Champagne TropicalDrink Beer
    TumblerGlass WorldMap BeachUmbrella MountainSnow Camping SteamLocomotive FlightDeparture Rocket Star2
    SunBehindSmallCloud CloudWithRain Fire JackOLantern Balloon Tada Trophy Iphone Pager Fax Bulb MoneyWithWings
    CrystalBall Underage Interrobang 100 CheckeredFlag CrossedSwords FloppyDisk
"""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One Deployment: `image` without registry and tag, `cpu` what it asks for, `ports` of its pods by name.

    `app` is its pods' label, and the name of the Service in front of them; `service_ports` are that Service's, each with the
    port of the pods behind it, and where there are none there is no Service. `account`: it runs as a service account of its
    own name.
    """

    name: str
    image: str
    cpu: str
    app: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    service_ports: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    account: bool = True


def parts() -> list[Part]:
    """What emojivoto is made of; `vote-bot` is its only client."""
    backends = [
        Part(
            name=name,
            image=f"emojivoto-{name}-svc",
            cpu="100m",
            app=f"{name}-svc",
            environment=_GRPC_ENVIRONMENT,
            ports=_GRPC,
            service_ports={port: (number, number) for port, number in _GRPC.items()},
        )
        for name in ("emoji", "voting")
    ]
    web = Part(
        name="web",
        image="emojivoto-web",
        cpu="100m",
        app=WEB,
        environment={
            "WEB_PORT": "8080",
            "EMOJISVC_HOST": f"emoji-svc.{NAMESPACE}:8080",
            "VOTINGSVC_HOST": f"voting-svc.{NAMESPACE}:8080",
            "INDEX_BUNDLE": "dist/index_bundle.js",
        },
        ports={"http": 8080},
        service_ports={"http": (80, 8080)},
    )
    bot = Part(
        name="vote-bot",
        image="emojivoto-web",
        cpu="10m",
        app="vote-bot",
        command=("emojivoto-vote-bot",),
        environment={"WEB_HOST": f"{WEB}.{NAMESPACE}:80"},
        account=False,
    )
    return [*backends, web, bot]


def routes() -> list[TrafficRoute]:
    """A route for each method: 2 of emoji-svc, 101 of voting-svc, so that each has metrics of its own."""
    emoji = [_route(name, "emoji", method) for name, method in _EMOJI.items()]
    methods = [*(f"Vote{emoji}" for emoji in _VOTES.split()), "Results"]
    return [
        *emoji,
        *(_route(f"vote-{method.removeprefix('Vote').lower()}-route", "voting", method) for method in methods),
    ]


def _route(name: str, part: str, method: str) -> TrafficRoute:
    return TrafficRoute(
        name=name,
        service=f"{part}-svc",
        port=_GRPC["grpc"],
        protocol="grpc",
        path=f"/emojivoto.v1.{part.capitalize()}Service/{method}",
    )
