"""Which hosts answer. Each is asked once a run, so that ten tools do not cost ten time-outs."""

import httpx

from lab.tools.errors import OfficialUnavailable

CONNECT_SECONDS = 3.0
_READ_SECONDS = 30.0


class Reach:
    """An HTTP client that remembers the hosts that did not answer, and does not ask them again."""

    def __init__(self) -> None:
        self._answers: dict[str, str | None] = {}
        self.client = httpx.Client(
            follow_redirects=True,
            timeout=httpx.Timeout(_READ_SECONDS, connect=CONNECT_SECONDS),
            # Called for every redirect too: publishers hand the file out from hosts of their own.
            event_hooks={"request": [self._refuse_silent]},
        )

    def demand(self, url: str) -> None:
        """Return when the URL's host answers anything at all; OfficialUnavailable when it does not."""
        target = httpx.URL(url)
        if _origin(target) not in self._answers:
            try:
                with httpx.Client(timeout=httpx.Timeout(5.0, connect=CONNECT_SECONDS)) as client:
                    client.head(target.copy_with(raw_path=b"/"))
                self._answers[_origin(target)] = None
            except httpx.TransportError as error:
                self._answers[_origin(target)] = _cause(error)
        self._raise_if_silent(target)

    def close(self) -> None:
        self.client.close()

    def silent(self, error: httpx.RequestError) -> None:
        """Remember the host of a request whose connection failed."""
        if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
            self._answers[_origin(error.request.url)] = _cause(error)

    def _refuse_silent(self, request: httpx.Request) -> None:
        self._raise_if_silent(request.url)

    def _raise_if_silent(self, url: httpx.URL) -> None:
        if cause := self._answers.get(_origin(url)):
            raise OfficialUnavailable(f"{url.host} is out of reach ({cause})")


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode()}"


def _cause(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
