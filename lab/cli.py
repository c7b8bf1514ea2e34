"""The lab's command line. Everything that `pulumi` does itself is left to `pulumi`."""

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from lab import (
    doctor,
    documents,
    engine,
    ground,
    paths,
    policy_pack,
    recovery,
    reference,
    schema,
    stack_file,
    status,
    tools,
    twin_lab,
)
from lab.comment.command import write
from lab.explained import explain
from lab.picture.command import draw
from lab.pull_request.command import try_pull_request
from lab.screen import Screen
from lab.twin.cluster import Cluster
from lab.twin.devices import Rig
from lab.verify.command import assert_lab
from lab.waiting import waiting

application = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help and messages are plain text, which can be copied
    help="Brings a lab of a service mesh up on this machine, and beyond it.\n\nFirst: `doctor`, then `up`, then `verify`.",
)
twin = typer.Typer(no_args_is_help=True, help="The twin without Pulumi: its cluster and its devices.")
application.add_typer(twin, name="twin")
application.command("picture")(draw)
application.command("comment")(write)
application.command("pr")(try_pull_request)
application.command("status")(status.show_status)
application.command("verify")(assert_lab)


def _known(stack: str) -> str:
    """One that has a stack file, or an example of one, or that exists: `down` works without its file."""
    if not recovery.state_file(stack).exists() and (unknown := stack_file.unknown(stack, paths.CHECKOUT)):
        raise typer.BadParameter(unknown)
    return stack


Stack = Annotated[str, typer.Option("--stack", "-s", metavar="STACK", help="stack of this project", callback=_known)]
console = Screen()
errors = Screen(stderr=True)


@application.command("tools")
def get_tools() -> None:
    """Get every tool: official, else built from its source.

    Nothing is fetched twice: tools lie in a cache of yours, which every checkout shares.
    """
    inventory = tools.install()
    console.print(inventory.summary())


@application.command()
def env() -> None:
    """Print what sets a shell up for plain pulumi and kubectl."""
    documents.write(engine.exports() + "\n")


@application.command()
def up(stack: Stack = twin_lab.STACK) -> None:
    """Bring the lab up, or to what its stack file says now.

    Gets the tools, starts what the lab stands on on this machine, and ends with what is up and what comes next. The first run
    takes about 20 minutes where tools have to be built, later ones about a minute.
    """
    _ready(stack)
    _recover(stack)
    # What changes is shown as it changes; who wants to read it first types `make preview`.
    _run(engine.pulumi("up", "--yes", "--skip-preview", stack=stack))
    console.print()
    status.show(stack, console)
    console.print(
        f"\nNext: change a weight in stacks/Pulumi.{stack}.yaml, then {_typed('preview', stack)} and {_typed('up', stack)}.\n"
        'A shell with pulumi and kubectl for this lab: eval "$(make -s env)"'
    )


@application.command()
def preview(stack: Stack = twin_lab.STACK) -> None:
    """Show what an up would change, and which rules it breaks.

    The rules are those of policy/. Nothing of the lab is changed, but the twin is started: a preview asks its cluster.
    """
    _ready(stack)
    _run(engine.pulumi("preview", "--diff", "--policy-pack", str(policy_pack.ready()), stack=stack))


@application.command()
def down(stack: Stack = twin_lab.STACK) -> None:
    """Destroy the lab, and stop what ran for it on this machine.

    Its data goes, its stack file stays. It works when parts are gone already.
    """
    if not _exists(stack):
        _leave(stack)
        console.print(f"stack {stack} does not exist; what ran for it on this machine is stopped")
        return
    _ready(stack, leaving=True)
    _recover(stack)
    _run(engine.pulumi("destroy", "--yes", "--skip-preview", stack=stack))
    _run(engine.pulumi("stack", "rm", "--yes", "--preserve-config", stack=stack))
    _leave(stack)


@application.command("doctor")
def examine(
    stack: Annotated[
        str, typer.Option("--stack", "-s", metavar="STACK", help="stack of this project")
    ] = twin_lab.STACK,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document, for programs")] = False,
    seconds: Annotated[float, typer.Option(min=1, help="time for everything, in seconds")] = doctor.SECONDS,
) -> None:
    """Before an up: what is missing, and what to type next.

    It looks at everything that the stack will need, changes nothing and reads no secret.
    """
    try:
        with waiting("looking at what the lab needs", f"5s, {seconds:.0f}s at most", report=True):
            report = doctor.examine(stack, seconds)
    except doctor.NoStackFile as error:
        raise typer.BadParameter(str(error), param_hint="--stack") from None
    if as_json:
        doctor.write_json(report)
    else:
        doctor.show(report, console)
    raise typer.Exit(report.exit_status)


@application.command("reference", hidden=True)
def print_reference() -> None:
    """Print the page of configuration keys, for docs/reference."""
    sys.stdout.write(reference.page())


@application.command("schema", hidden=True)
def write_schema() -> None:
    """Write the schemas of stack files, for editors, to stacks/schema."""
    schema.write()


@twin.command("up")
def twin_up() -> None:
    """Start the cluster and the devices; what runs stays."""
    twin_lab.prepare(tools.install())
    console.print(f"kubeconfig: {Cluster().kubeconfig}")


@twin.command("down")
def twin_down() -> None:
    """Stop the cluster and the devices; remove their data."""
    twin_lab.leave()


@twin.command("reboot")
def twin_reboot(device: Annotated[str, typer.Argument(metavar="DEVICE", help="name of its workload")]) -> None:
    """Pull a device's plug and put it in again.

    Everything on it comes back without Pulumi, as on a Pi.
    """
    names = list(stack_file.outside(stack_file.find(twin_lab.STACK)).devices)
    if device not in names:
        raise typer.BadParameter(stack_file.no_such("device", device, names), param_hint="DEVICE")
    with waiting(f"waiting for {device} to answer again", "10s"):
        Rig(names=names).reboot(device, hard=True)
    console.print(f"{device} runs again")


def _ready(stack: str, *, leaving: bool = False) -> None:
    inventory = tools.install()
    file = stack_file.find(stack)
    if file.exists():
        stack_file.require_yaml(file)
    if stack == twin_lab.STACK:
        twin_lab.prepare(inventory, leaving=leaving)
    else:
        ground.prepare(file, inventory, leaving=leaving)
    recovery.forget_salt(stack, file)
    engine.select(stack)


def _leave(stack: str) -> None:
    if stack == twin_lab.STACK:
        twin_lab.leave()
    else:
        ground.leave(stack)


def _typed(target: str, stack: str) -> str:
    return f"`make {target}`" if stack == twin_lab.STACK else f"`make {target} STACK={stack}`"


def _exists(stack: str) -> bool:
    return recovery.state_file(stack).exists()


def _recover(stack: str) -> None:
    for owner in recovery.release_abandoned_locks(stack):
        errors.print(f"released the lock of an update that was killed ({owner})")
    if recovery.has_pending_operations(stack):
        errors.print("an update was killed half-way: asking the cluster what it had made")
        _run(engine.pulumi("refresh", "--yes", "--skip-preview", "--clear-pending-creates", stack=stack))


def _run(code: int) -> None:
    if code:
        raise typer.Exit(1)


explain(application)


def main() -> None:
    """Entry point."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # in a terminal without UTF-8 a sign is lost, not the message
    application()
