"""One composition a lab, beside its stack file."""

from importlib import import_module
from typing import Any

from settings import Settings


async def compose(settings: Settings) -> dict[str, Any]:
    """Declare the lab that the settings ask for; what it returns becomes the stack's outputs."""
    from stacks import debug_log, others_first, told_once  # noqa: PLC0415 - not before the program runs

    debug_log.quiet()
    others_first.others_first()
    told_once.told_once()
    # Only the chosen lab's providers are imported: that is most of the time that a program takes.
    lab = import_module(f"stacks.{settings.lab.replace('-', '_')}")
    outputs: dict[str, Any] = await lab.compose(settings)
    return outputs
