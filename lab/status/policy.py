"""What becomes of calls that no rule allows: the mode of the cluster's Servers, held against that of the last `up`."""

from collections.abc import AsyncIterator

from lab.status.context import Context
from lab.status.item import Item, Part, State
from lab.status.recorded import mode_of

_SERVERS = "/apis/policy.linkerd.io/v1beta3/servers"
_OURS = "edge-"  # begins the names of those that guard workloads outside
_WORDS = {
    "off": "anybody may call workloads outside",
    "audit": "calls that no rule allows go through, and are logged",
    "enforce": "calls that no rule allows are refused",
}


async def look(context: Context) -> AsyncIterator[Item]:
    """One item, where the last `up` has put policies there. SilentError where the cluster does not answer."""
    wanted = context.recorded.mode
    if not wanted:
        return
    servers = await context.api.items(_SERVERS)
    ours = [server for server in servers if str(server["metadata"]["name"]).startswith(_OURS)]
    found = mode_of(ours)
    facts = {"mode": found, "written": wanted}
    if found not in _WORDS or found != wanted:
        names = " ".join(str(server["metadata"]["name"]) for server in ours if mode_of([server]) != wanted)
        yield Item(
            part=Part.POLICY,
            subject="access",
            state=State.BAD,
            word="differs",
            text=f"the cluster's Servers say {found or 'nothing: there are none'}; the last `up` wrote {wanted}",
            # Fields that somebody else has changed are his, and an `up` alone would be refused.
            next=f"kubectl delete servers.policy.linkerd.io {names} -n faces && {context.refresh}"
            if names
            else context.refresh,
            facts=facts,
        )
        return
    asked = context.settings.policy.mode
    other = f"; {context.file} says {asked}, which the next `up` brings" if asked != found else ""
    yield Item(
        part=Part.POLICY,
        subject="access",
        state=State.WELL,
        word=found,
        text=f"{_WORDS[found]}{other}",
        facts=facts,
    )
