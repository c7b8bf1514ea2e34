"""Table of contents: read the settings, run the stack's composition, publish what it gives."""

import gc

import pulumi

gc.disable()  # while modules are read, half a second of it is spent on what stays as long as the program

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
