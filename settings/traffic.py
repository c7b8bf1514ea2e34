"""What a stack file may say about requests: where they go, how long they may take, what is asked for again."""

from typing import Annotated, Literal

from pydantic import Field

from domain.services import HTTP_PORT
from settings.base import StrictModel

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"]


class RetrySettings(StrictModel):
    """Answers that are asked for again."""

    http: str | None = Field(
        None,
        description="`5xx`, `gateway-error`, a status or a range such as `500-504`; several with commas",
        examples=["5xx"],
    )
    grpc: str | None = Field(
        None,
        description="`cancelled`, `deadline-exceeded`, `internal`, `resource-exhausted` or `unavailable`; several with commas",
        examples=["unavailable"],
    )
    limit: int | None = Field(None, description="how often to ask again, once if not said", examples=[3])
    timeout: str | None = Field(None, description="how long one try may take", examples=["300ms"])


class TimeoutSettings(StrictModel):
    """How long requests may take."""

    request: str | None = Field(None, description="for the whole request, all tries together", examples=["300ms"])
    response: str | None = Field(None, description="for the answer of one try, to its end", examples=["1s"])
    idle: str | None = Field(None, description="for a stream on which nothing happens", examples=["10s"])


class RouteSettings(StrictModel):
    """A route: some requests to one Service, or all."""

    name: str = Field(
        description="name of the HTTPRoute, or of the GRPCRoute where gRPC is spoken", examples=["smiley-edge"]
    )
    service: str = Field(description="Service whose requests it is about", examples=["smiley"])
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        HTTP_PORT, description="port of the Service", examples=[HTTP_PORT]
    )
    path: str | None = Field(
        None,
        description="how the paths of its requests begin, all if not said; where gRPC is spoken a call, such as `/ColorService/Edge`",
        examples=["/edge"],
    )
    method: Method | None = Field(None, description="method of its requests, any if not said", examples=["GET"])
    backends: dict[str, int] = Field(
        {},
        description="Service names, each with its weight; `service` itself if not said",
        examples=[{"smiley": 80, "smiley2": 20}],
    )
    retry: RetrySettings | None = Field(
        None, description="answers that are asked for again", examples=[{"http": "5xx", "limit": 3}]
    )
    timeout: TimeoutSettings | None = Field(
        None, description="how long its requests may take", examples=[{"request": "300ms"}]
    )


class ServiceSettings(StrictModel):
    """What holds for all requests to a Service, but where a route says otherwise."""

    name: str = Field(description="a Service of Faces or of a workload", examples=["color"])
    retry: RetrySettings | None = Field(
        None, description="answers that are asked for again", examples=[{"http": "5xx", "limit": 3}]
    )
    timeout: TimeoutSettings | None = Field(
        None, description="how long requests may take", examples=[{"request": "300ms"}]
    )
