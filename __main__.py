"""Table of contents: read the settings, run the stack's composition, publish what it gives."""

import gc
import sys
from pathlib import Path

import pulumi

# What modules bring stays as long as the program: looking through it, and taking it apart at the end, took a second.
gc.disable()

import settings
import stacks

try:
    lab = settings.read_stack(pulumi.get_stack(), pulumi.get_project())
except settings.InvalidSettings as error:
    raise pulumi.RunError(str(error)) from None


async def main() -> pulumi.Inputs:
    """What the stack gives."""
    outputs = await stacks.compose(lab)
    gc.freeze()
    gc.enable()
    return outputs


# Compositions are read after this file, when its directory is on the path no more.
sys.path.insert(0, str(Path.cwd()))
pulumi.run(main)
