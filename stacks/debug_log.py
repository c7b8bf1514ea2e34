"""The SDK's own debug messages, of which it sends five for every resource and waits for the engine at each.

Nobody sees them unless the engine was told `--debug`, and of that a program does not learn: so it has to be told as well.
"""

import os

import pulumi

ASKED = "MESH_EXPANSION_DEBUG"
_USUAL = pulumi.log.debug


def quiet() -> None:
    """Leave them out, unless the environment asks for them."""
    pulumi.log.debug = _USUAL if os.environ.get(ASKED) else _nothing


def _nothing(*_message: object, **_options: object) -> None:
    pass
