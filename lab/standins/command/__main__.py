"""`python -m lab.standins.command <engine address>`."""

import versions
from lab.standins.base import Provider, serve
from lab.standins.command.copies import CopyFile, CopyToRemote
from lab.standins.command.local import LocalCommand, Run
from lab.standins.command.remote import RemoteCommand


def main() -> None:
    """Serves the engine."""
    serve(
        Provider(
            name="command",
            version=versions.PLUGIN_COMMAND,
            resources=(LocalCommand(), RemoteCommand(), CopyToRemote(), CopyFile()),
            functions=(Run(),),
        )
    )


if __name__ == "__main__":
    main()
