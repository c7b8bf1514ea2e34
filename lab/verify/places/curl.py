"""Requests as curl sends them, on a machine or in a container that has it; nothing is written there."""

import re
import shlex
from collections.abc import Iterator, Sequence

from lab.verify.place import Answer, Request

METRICS = "http://127.0.0.1:4191/metrics"
_MARK = "mesh-expansion-verify"
# For each transfer: status, seconds, and where curl is new enough why there is no status.
_WRITTEN = rf"\n{_MARK} %{{http_code}} %{{time_total}} %{{exitcode}} %{{errormsg}}\n"
_LINE = re.compile(rf"{_MARK} (\d{{3}}) ([\d.,]+) ?(\S*) ?(.*)")
_AT_ONCE = 200  # URLs of one command
# Many are sent some at a time: a workload that is slow on purpose would make them last for minutes.
_MANY, _TOGETHER = 20, 8
_MESSAGE = "head -c 5 /dev/zero"  # no compression, a length of nothing


def commands(request: Request) -> Iterator[tuple[Sequence[str], float]]:
    """Command lines, each with the seconds that it may take."""
    left = request.count
    while left > 0:
        count = min(left, _AT_ONCE)
        yield _command(request, count), request.seconds * count / (_TOGETHER if count >= _MANY else 1) + 10
        left -= count


def _command(request: Request, count: int) -> Sequence[str]:
    options = [
        "--silent",
        "--globoff",
        "--noproxy",
        "*",
        "--user-agent",
        _MARK,
        "--max-time",
        str(request.seconds),
        "--write-out",
        _WRITTEN,
    ]
    if count >= _MANY:
        options += ["--parallel", "--parallel-max", str(_TOGETHER)]
    for name, value in (request.headers or {}).items():
        options += ["--header", f"{name}: {value}"]
    keep_body = request.count == 1 and not request.grpc
    targets = [part for _ in range(count) for part in ("--output", "-" if keep_body else "/dev/null", request.url)]
    if request.grpc:
        options += ["--http2-prior-knowledge", "--header", "content-type: application/grpc", "--header", "te: trailers"]
        # A curl for each call: one that uses a connection again ends with an error of HTTP/2 (seen with 7.88.1).
        call = shlex.join(["curl", "--disable", *options, "--data-binary", "@-", "--output", "/dev/null"])
        return ["sh", "-c", f'for url do {_MESSAGE} | {call} "$url"; done', "sh", *[request.url] * count]
    method = ["--head"] if request.method == "HEAD" else ["--request", request.method]
    return ["curl", "--disable", *options, *method, *targets]


def answers(text: str, count: int, said: str) -> list[Answer]:
    """What curl wrote, in order. OSError when it did not come so far: `said` is its complaint."""
    found, begin = [], 0
    for line in _LINE.finditer(text):
        status, seconds, _, fault = line.groups()
        body = text[begin : line.start()].removesuffix("\n")
        begin = line.end() + 1
        found.append(
            Answer(
                status=int(status) or None,
                body=body,
                fault=fault.strip() if int(status) == 0 else "",
                seconds=float(seconds.replace(",", ".")),
            )
        )
    if len(found) != count:
        last = said.strip().splitlines()[-1:] or [f"{len(found)} of {count} answers"]
        raise OSError(f"curl did not do what it was told: {last[0]}")
    return found
