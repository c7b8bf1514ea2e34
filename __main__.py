"""Table of contents: read the settings, run the stack's composition, publish what it gives."""

import gc

import pulumi

# What modules bring stays as long as the program: looking through it, and taking it apart at the end, took a second.
gc.disable()

import settings
import stacks

try:
    lab = settings.read_stack(pulumi.get_stack(), pulumi.get_project())
except settings.InvalidSettings as error:
    raise pulumi.RunError(str(error)) from None

for name, value in stacks.compose(lab).items():
    pulumi.export(name, value)

gc.freeze()
gc.enable()
