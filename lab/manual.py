"""What `--help` and docs/reference/commands.md say of each command beside its own words: its group, examples, exit statuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

LAB = ".venv/bin/python -m lab"

WRONG_USAGE = 2
INTERRUPTED = 130
TERMINATED = 143
NOBODY_READS = 141

# What holds for every command.
EVERYWHERE: Mapping[int, str] = {
    WRONG_USAGE: "wrong usage; nothing was done",
    INTERRUPTED: "interrupted by Ctrl-C",
    NOBODY_READS: "whatever read the output has ended, as `head` does",
}

BRING_UP = "Bring a lab up"
LOOK = "Look at it"
PROVE = "Prove it"
REVIEW = "Review a change"
BELOW = "Underneath"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`statuses` are the exit statuses 0 and 1, and others of this command alone; `examples` what is typed, by what it is for.

    `interrupted` is what is said after Ctrl-C: how things stand then, and what comes next.
    """

    group: str
    statuses: Mapping[int, str]
    examples: Mapping[str, str] = field(default_factory=dict)
    interrupted: str = "nothing was changed"

    @property
    def all_statuses(self) -> Mapping[int, str]:
        """Those of every command too, in ascending order."""
        return dict(sorted({**EVERYWHERE, **self.statuses}.items()))


_GOES_ON = "what was done until then is recorded; `make up` goes on from there"

# In the order in which a newcomer needs them.
ENTRIES: Mapping[str, Entry] = {
    "doctor": Entry(
        group=BRING_UP,
        statuses={0: "nothing would make an `up` fail", 1: "something would; each line says what to type next"},
        examples={
            "before a first `up` of a lab of Pis": "make doctor STACK=pi-lab",
            "for a program, in 20 seconds at most": f"{LAB} doctor --json --seconds 20",
        },
    ),
    "up": Entry(
        group=BRING_UP,
        statuses={0: "the lab is up", 1: "something failed; what worked stays, and the next `up` goes on from there"},
        examples={"the twin": "make up", "another lab": "make up STACK=k3d-lab"},
        interrupted=_GOES_ON,
    ),
    "down": Entry(
        group=BRING_UP,
        statuses={
            0: "nothing of it is left, or nothing was there",
            1: "something could not be taken away; another `down` goes on from there",
        },
        examples={"the twin": "make down", "another lab": "make down STACK=k3d-lab"},
        interrupted="what was taken away until then is recorded; `make down` goes on from there",
    ),
    "status": Entry(
        group=LOOK,
        statuses={
            0: "everything that could be asked is up, and as the last `up` left it",
            1: "something is down, not Ready, expired or differs, or nothing is up",
        },
        examples={"the twin": "make status", "on a second screen, while a machine reboots": f"{LAB} status --watch"},
    ),
    "picture": Entry(
        group=LOOK,
        statuses={0: "drawn", 1: "no picture can be made of it, or it cannot be written"},
        examples={
            "as a file that a browser shows": f"{LAB} picture --output lab.svg",
            "what a change of the stack file does": (
                f"{LAB} picture --diff \\\n  main:stacks/examples/Pulumi.twin.yaml stacks/Pulumi.twin.yaml"
            ),
        },
    ),
    "verify": Entry(
        group=PROVE,
        statuses={
            0: "nothing failed",
            1: "something did, or there is no lab to ask",
            TERMINATED: "ended by SIGTERM; what was made for the run is gone",
        },
        examples={
            "the twin": "make verify",
            "who may call whom, of one machine": f"{LAB} verify --row access --device smiley",
        },
    ),
    "preview": Entry(
        group=REVIEW,
        statuses={0: "shown, and no rule of policy/ is broken", 1: "a rule is broken, or the preview failed"},
        examples={"the twin": "make preview", "another lab": "make preview STACK=pi-lab"},
    ),
    "comment": Entry(
        group=REVIEW,
        statuses={
            0: "written, also for a preview that failed",
            1: "it is no preview, a stack file cannot be read, or the comment cannot be written",
        },
        examples={
            "in a shell set up by `env`": (
                f"pulumi preview --json --stack twin > preview.json\n{LAB} comment preview.json --output comment.md"
            ),
        },
    ),
    "pr": Entry(
        group=REVIEW,
        statuses={
            0: "applied to the base",
            1: "the base does not come up, or what is proposed failed or breaks a rule",
        },
        examples={"against main": "make pr", "against a release": "make pr BASE=v1.2.0"},
        interrupted="the trial's lab is gone",
    ),
    "tools": Entry(
        group=BELOW,
        statuses={0: "every tool is there", 1: "one can be had neither way; the message says why"},
        examples={
            "all of them": "make tools",
            "with official downloads that failed tried again": f"LAB_OFFICIAL=yes {LAB} tools",
        },
        interrupted="what is there stays; `make tools` goes on from there",
    ),
    "env": Entry(
        group=BELOW,
        statuses={0: "printed", 1: "the lab's directory cannot be made"},
        examples={"then `pulumi` and `kubectl` work on the lab": 'eval "$(make -s env)"'},
    ),
    "twin up": Entry(
        group=BELOW,
        statuses={0: "cluster and devices run", 1: "something could not be started; the message says what to do"},
        examples={"for plain `pulumi up --stack twin`": "make twin"},
        interrupted="what runs goes on; `make twin` starts the rest",
    ),
    "twin down": Entry(
        group=BELOW,
        statuses={0: "nothing of it is left", 1: "something could not be taken away"},
        examples={"without asking Pulumi": f"{LAB} twin down"},
        interrupted="another `twin down` takes the rest away",
    ),
    "twin reboot": Entry(
        group=BELOW,
        statuses={0: "it answers again", 1: "it does not come back, or is not up"},
        examples={"the plug of smiley": f"{LAB} twin reboot smiley"},
        interrupted="`make up` starts a device that is off",
    ),
    "reference": Entry(group=BELOW, statuses={0: "printed"}),
    "schema": Entry(group=BELOW, statuses={0: "written", 1: "a file cannot be written"}),
}
