"""What every group of settings has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# Longer, and a certificate would end in a year of five digits, which none can.
Days = Annotated[int, Field(ge=1, le=36500)]
Seconds = Annotated[int, Field(ge=1, le=86400)]


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


class StrictModel(BaseModel):
    """Refuses unknown keys and does not turn one type into another."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=_hyphenated, populate_by_name=True
    )
