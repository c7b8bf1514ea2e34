"""The lab's command line. Everything that `pulumi` does itself is left to `pulumi`."""

import sys
from typing import Annotated

import typer
from rich.console import Console

from lab import doctor, engine, ground, policy_pack, recovery, reference, schema, stack_file, status, tools, twin_lab
from lab.comment.command import write
from lab.docker import DockerError
from lab.picture.command import draw
from lab.pull_request.command import try_pull_request
from lab.twin.cluster import Cluster
from lab.twin.devices import Rig
from lab.twin.errors import TwinError
from lab.verify.command import assert_lab

application = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Brings a mesh lab up on this machine. Exit status: 0 done, 1 something failed, 2 wrong usage.",
)
twin = typer.Typer(no_args_is_help=True, help="The twin without Pulumi: its cluster and its devices.")
application.add_typer(twin, name="twin")
application.command("picture")(draw)
application.command("comment")(write)
application.command("pr")(try_pull_request)
application.command("verify")(assert_lab)

Stack = Annotated[str, typer.Option("--stack", "-s", help="stack of this project")]
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@application.command("tools")
def get_tools() -> None:
    """Get every tool, official where it can be had, else built from package registries."""
    inventory = tools.install()
    console.print(inventory.summary())


@application.command()
def env() -> None:
    """Print the shell's set-up for plain `pulumi`: eval "$(make -s env)"."""
    sys.stdout.write(engine.exports() + "\n")


@application.command()
def up(stack: Stack = twin_lab.STACK) -> None:
    """Bring the lab up, or bring it to what the stack file says now."""
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
    """Show what `up` would change, and what breaks a rule of policy/; changes nothing. Exit status 1 when a rule is broken."""
    _ready(stack)
    _run(engine.pulumi("preview", "--diff", "--policy-pack", str(policy_pack.ready()), stack=stack))


@application.command()
def down(stack: Stack = twin_lab.STACK) -> None:
    """Destroy the lab, then stop what ran for it on this machine and remove its data. Works when parts are gone already."""
    if not _exists(stack):
        _leave(stack)
        console.print(f"stack {stack} does not exist; what ran for it on this machine is stopped")
        return
    _ready(stack, leaving=True)
    _recover(stack)
    _run(engine.pulumi("destroy", "--yes", "--skip-preview", stack=stack))
    _run(engine.pulumi("stack", "rm", "--yes", "--preserve-config", stack=stack))
    _leave(stack)


@application.command("status")
def show_status(stack: Stack = twin_lab.STACK) -> None:
    """What is up, how long certificates live, where to look next. Exit status 1 when something is down."""
    if not status.show(stack, console):
        raise typer.Exit(1)


@application.command("doctor")
def examine(
    stack: Stack = twin_lab.STACK,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document, for programs")] = False,
    seconds: Annotated[float, typer.Option(min=1, help="time for everything")] = doctor.SECONDS,
) -> None:
    """Before an `up`: what is missing and what would fail, each with its cause and what to type next; changes nothing.

    Exit status 0 when nothing would fail, 1 when something would, 2 for wrong usage.
    """
    try:
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
    """Start the cluster and the devices, without Pulumi; what runs already stays."""
    twin_lab.prepare(tools.install())
    console.print(f"kubeconfig: {Cluster().kubeconfig}")


@twin.command("down")
def twin_down() -> None:
    """Stop the cluster and the devices, and remove their data."""
    twin_lab.leave()


@twin.command("reboot")
def twin_reboot(device: Annotated[str, typer.Argument(help="name of its workload")]) -> None:
    """Reboot a device, as a Pi whose plug is pulled and put in again; Pulumi is not needed for its coming back."""
    names = list(stack_file.outside(stack_file.find(twin_lab.STACK)).devices)
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


def main() -> None:
    """Entry point: faults that the operator can mend are one message, never a traceback."""
    try:
        application()
    except (tools.ToolError, TwinError, DockerError, engine.EngineError, OSError) as error:
        errors.print(f"error: {error}", markup=False)
        raise SystemExit(1) from None
