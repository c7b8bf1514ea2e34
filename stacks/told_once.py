"""What the engine has told is not told again as a mistake of the program.

When a plugin cannot build a component (the Gateway API's definitions, say, whose address does not answer), or ends in the middle of
it, the engine names component and cause, and tells the program that it ends; with another status than at other ends, so that the SDK
takes it for an exception that nobody foresaw and shows forty lines of its own source.
"""

import grpc
import pulumi
from pulumi.runtime import settings

_THE_END = "resource monitor shut down"
_USUAL = settings.grpc_error_to_exception


def told_once() -> None:
    """Let the program end in words."""
    settings.grpc_error_to_exception = _explained


def _explained(exn: grpc.RpcError) -> Exception:
    if exn.code() is grpc.StatusCode.UNKNOWN and exn.details() == _THE_END:
        return pulumi.RunError("the engine has ended the program; it says why beside this")
    return _USUAL(exn)
