"""`lab comment`: what is typed, and what comes out of it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.comment.comment import comment
from lab.comment.preview import PreviewError, read
from lab.picture import sources
from lab.picture.difference import compare


def write(
    preview: Annotated[
        str, typer.Argument(help="file with what `pulumi preview --json` wrote; - is standard input")
    ] = "-",
    *,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option("--diff", metavar="A B", help="two stack files, each a path or REV:PATH: draws what differs"),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file to write instead of the terminal")] = None,
) -> None:
    """Write a preview as a comment for a pull request: tally, what is replaced or deleted, access, shares, details.

    Below 65,536 characters however long the preview is, and without secrets. Exit status 0 written, also for a preview that
    failed; 1 it is no preview, or a stack file cannot be read; 2 wrong usage.
    """
    try:
        text = sys.stdin.read() if preview == "-" else Path(preview).read_text(encoding="utf-8")
        picture = compare(*map(sources.of_file, diff)) if diff else None
        written = comment(read(text), picture)
    except (PreviewError, sources.SourceError, OSError, UnicodeDecodeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    if output is None:
        sys.stdout.write(written)
    else:
        output.write_text(written, encoding="utf-8")
