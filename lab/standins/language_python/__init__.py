"""A language host for Pulumi programs in Python; it stands in for pulumi-language-python, which comes with the CLI's download only.

Runs programs in the virtualenv that `Pulumi.yaml` names. Needs no second launcher: `program.py` is run by its path.
Runs policy packs and component packages too, each in the virtualenv that its own project file names; a policy pack gets the stack's
configuration by ConfigureStack only, not in its environment as well.
What a host can do beside that (code generation, debuggers, type checkers, poetry, uv) is refused with a message.
"""
