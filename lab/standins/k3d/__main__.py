"""`k3d`: commands, and what becomes of each."""

import sys
from collections.abc import Callable, Sequence

import versions
from lab.standins.clusters import bridge, cluster, record
from lab.standins.clusters.errors import Refused
from lab.standins.clusters.flags import Given, parse
from lab.standins.clusters.record import Record
from lab.standins.k3d import create, listing, words

_NOT_THERE = "No nodes found for given cluster"


def version(given: Given) -> None:
    """`k3d version`."""
    k3s = f"v{versions.KUBERNETES}-k3s1"
    if given.text("output") == "json":
        sys.stdout.write(words.compact({"k3d": f"v{versions.K3D}", "k3s": k3s}))
    else:
        sys.stdout.write(f"k3d version v{versions.K3D}\nk3s version {k3s} (default)\n")


def cluster_list(given: Given) -> None:
    """`k3d cluster list [NAME...]`."""
    with bridge.engine():
        found = [_named(name) for name in given.arguments] if given.arguments else record.read("k3d")
        if given.text("output") == "json":
            sys.stdout.write(listing.clusters_json(found))
        else:
            sys.stdout.write(listing.clusters_table(found, headers=not given.switches.get("no-headers", False)))


def cluster_create(given: Given) -> None:
    """`k3d cluster create NAME`; what fails half way is taken away again."""
    with bridge.engine() as client:
        wanted = create.wanted(client, given)
        if any(found.name == wanted.name for found in record.read("k3d")):
            raise Refused(f"Failed to create cluster '{wanted.name}' because a cluster with that name already exists")
        words.info("Prep: Network")
        words.info(f"Re-using existing network '{wanted.network}' ({wanted.network_id})")
        words.info("This is the lab's stand-in: the twin's cluster, and no containers")
        try:
            create.demand_ports(wanted.ports)
            cluster.up(client, wanted)
        except Refused as problem:
            cluster.down(client, wanted)
            raise Refused(f"{problem}\nCluster creation FAILED, all changes have been rolled back!") from problem
        words.info(f"Cluster '{wanted.name}' created successfully!")


def cluster_start(given: Given) -> None:
    """`k3d cluster start NAME`."""
    with bridge.engine() as client:
        for name in given.arguments:
            words.info(f"Starting cluster '{name}'")
            cluster.up(client, _named(name))


def cluster_delete(given: Given) -> None:
    """`k3d cluster delete NAME...`; nothing to delete is no error."""
    with bridge.engine() as client:
        for name in given.arguments:
            gone = next((found for found in record.read("k3d") if found.name == name), None)
            if gone is None:
                words.info(f"No nodes found for cluster '{name}', nothing to delete.")
                continue
            words.info(f"Deleting cluster '{name}'")
            cluster.down(client, gone)
            words.info(f"Successfully deleted cluster {name}!")


def kubeconfig_get(given: Given) -> None:
    """`k3d kubeconfig get NAME`."""
    with bridge.engine():
        for name in given.arguments:
            sys.stdout.write(f"---\n{cluster.kubeconfig(_named(name))}")


def node_list(given: Given) -> None:
    """`k3d node list`."""
    with bridge.engine():
        found = record.read("k3d")
        sys.stdout.write(listing.nodes_table(found, headers=not given.switches.get("no-headers", False)))


def node_create(given: Given) -> None:
    """`k3d node create NAME --cluster CLUSTER --role agent`."""
    if given.text("role", "agent") != "agent":
        raise Refused("the stand-in adds agents only: --role agent")
    (name,) = given.arguments
    with bridge.engine() as client:
        found = _named(given.text("cluster"))
        words.info(f"Adding 1 node(s) to the runtime local cluster '{found.name}'...")
        cluster.up(client, found.with_nodes((*found.nodes, create.agent(client, found, name))))
        words.info("Successfully created 1 node(s)!")


def node_delete(given: Given) -> None:
    """`k3d node delete NAME`."""
    (name,) = given.arguments
    with bridge.engine() as client:
        found = next((one for one in record.read("k3d") if any(node.name == name for node in one.nodes)), None)
        if found is None:
            raise Refused(f"failed to get node '{name}': No nodes found with name '{name}'")
        if all(node.role != "agent" for node in found.nodes if node.name == name):
            raise Refused("the stand-in takes agents away only")
        cluster.up(client, found.with_nodes(tuple(node for node in found.nodes if node.name != name)))
        words.info("Successfully deleted 1 node(s)!")


def _named(name: str) -> Record:
    found = next((found for found in record.read("k3d") if found.name == name), None)
    if found is None:
        raise Refused(_NOT_THERE)
    return found


# command: what it does, flags with a value, switches, how many arguments it takes at least and at most
_Command = tuple[Callable[[Given], None], Sequence[str], Sequence[str], int, int]
_MANY = 99
_COMMANDS: dict[tuple[str, ...], _Command] = {
    ("version",): (version, ("output",), (), 0, 0),
    ("cluster", "list"): (cluster_list, ("output",), ("no-headers",), 0, _MANY),
    ("cluster", "create"): (cluster_create, create.TEXTS, create.SWITCHES, 0, 1),
    ("cluster", "start"): (cluster_start, ("timeout",), ("wait",), 1, _MANY),
    ("cluster", "delete"): (cluster_delete, (), (), 1, _MANY),
    ("kubeconfig", "get"): (kubeconfig_get, (), (), 1, _MANY),
    ("node", "list"): (node_list, (), ("no-headers",), 0, 0),
    ("node", "create"): (node_create, ("cluster", "role", "timeout"), ("wait",), 1, 1),
    ("node", "delete"): (node_delete, (), (), 1, 1),
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; 1 when it is refused."""
    try:
        _run(arguments)
    except Refused as problem:
        for line in str(problem).splitlines():
            words.fatal(line)
        return 1
    return 0


def _run(arguments: Sequence[str]) -> None:
    for name, (run, texts, switches, least, most) in _COMMANDS.items():
        if tuple(arguments[: len(name)]) != name:
            continue
        short = {"o": "output", "c": "cluster", **(create.SHORT if run is cluster_create else {})}
        given = parse(arguments[len(name) :], texts=texts, switches=switches, short=short)
        if not least <= len(given.arguments) <= most:
            raise Refused(f"accepts between {least} and {most} arg(s), received {len(given.arguments)}")
        run(given)
        return
    raise Refused(f"the stand-in does not know the command `k3d {' '.join(arguments)}`")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
