"""A language host for Pulumi programs in Python; it stands in for pulumi-language-python, which comes with the CLI's download only.

Runs programs in the virtualenv that `Pulumi.yaml` names. Needs no second launcher: `program.py` is run by its path.
What a host can do beside that (plugins in Python, code generation, debuggers, type checkers, poetry, uv) is refused with a message.
"""
