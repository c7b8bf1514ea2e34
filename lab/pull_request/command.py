"""`lab pr`: what is typed, and what comes out of it."""

from typing import Annotated

import typer

from lab import paths
from lab.pull_request.trial import Interrupted, Trial, TrialFailed
from lab.pull_request.work import WorkError


def try_pull_request(
    base: Annotated[
        str, typer.Option("--base", metavar="REVISION", help="branch, tag or commit that it is to be merged into")
    ] = "main",
) -> None:
    """Try this checkout on a lab of the branch it goes into.

    Brings the base up on a twin of its own, previews and applies this checkout against it, and writes .lab/pr/comment.md. The
    checkout and its own lab are not touched, and nothing of the trial stays, also when it is interrupted. It takes a few minutes.
    """
    trial = Trial(paths.CHECKOUT, paths.home() / "pr")
    try:
        trial.run(base)
    except WorkError as error:
        raise typer.BadParameter(str(error), param_hint="--base") from None
    except TrialFailed as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    except Interrupted:
        typer.echo("interrupted; the trial's lab is gone", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"the comment: {trial.comment}")
