"""One composition a lab, beside its stack file."""

from typing import Any

from settings import Settings


def compose(settings: Settings) -> dict[str, Any]:
    """Declare the lab that the settings ask for; what it returns becomes the stack's outputs."""
    from stacks import others_first, twin  # noqa: PLC0415 - only the chosen lab's providers are imported

    others_first.others_first()
    return {"twin": twin.compose}[settings.lab](settings)
