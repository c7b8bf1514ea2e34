"""Stand-ins for the plugins that Pulumi has no package registry for; used only where the official ones cannot be had.

Each kind runs as `python -m lab.standins.<kind> <engine address>`; see docs/adr/0003-stand-ins.md.
"""
