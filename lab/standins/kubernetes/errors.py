"""What can go wrong between the stand-in and an API server."""

import json
from typing import Any

from lab.standins.base.errors import ProviderError


class ApiError(ProviderError):
    """The API server said no. `status` is HTTP's code, `reason` Kubernetes' word for it (`NotFound`, `Invalid`, ...)."""

    def __init__(self, status: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(f"{message} ({reason})" if reason and reason not in message else message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details or {}

    @classmethod
    def from_body(cls, status: int, body: bytes | str) -> "ApiError":
        text = body.decode(errors="replace") if isinstance(body, bytes) else body
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {}
        if not isinstance(answer, dict) or answer.get("kind") != "Status":
            return cls(status, "", f"the API server answered {status}: {text.strip()[:500]}")
        return cls(status, str(answer.get("reason") or ""), str(answer.get("message") or ""), answer.get("details"))

    @property
    def not_found(self) -> bool:
        return self.status == 404

    @property
    def already_exists(self) -> bool:
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        return self.status == 409 and not self.already_exists

    @property
    def forbidden(self) -> bool:
        return self.status == 403

    @property
    def about_fields(self) -> bool:
        """The object has a field that the kind does not have, or one of the wrong type."""
        telling = (
            "strict decoding error",
            "unknown field",
            "field not declared in schema",
            "cannot be handled as a",
            "cannot unmarshal",
        )
        return (self.status in {400, 422, 500} and any(word in self.message for word in telling)) or (
            "expected " in self.message and ", got " in self.message
        )

    @property
    def missing_namespace(self) -> bool:
        return self.not_found and self.details.get("kind") == "namespaces"


class NoSuchKind(ProviderError):
    """The API server does not serve this kind, maybe not yet: its CustomResourceDefinition is missing."""


class Unreachable(ProviderError):
    """No API server answers."""
