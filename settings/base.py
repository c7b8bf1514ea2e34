"""What every group of settings has in common."""

from pydantic import BaseModel, ConfigDict


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


class StrictModel(BaseModel):
    """Refuses unknown keys and does not turn one type into another."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=_hyphenated, populate_by_name=True
    )
