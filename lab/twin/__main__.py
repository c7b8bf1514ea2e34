"""`python -m lab.twin up|down|status`."""

import argparse
import sys

from lab.twin.charts import write_mirror
from lab.twin.cluster import Cluster
from lab.twin.errors import TwinError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m lab.twin", description="The twin's cluster and chart mirror.")
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--nodes", type=int, default=1)
    asked = parser.parse_args()
    try:
        cluster = Cluster(nodes=asked.nodes)
        if asked.command == "up":
            sys.stdout.write(f"{cluster.up()}\n{write_mirror()}\n")
        elif asked.command == "down":
            cluster.down()
        else:
            for state in cluster.status():
                sys.stdout.write(
                    f"{state.name:12} {state.state:8} pid {state.pid or '-':<8} "
                    f"port {state.port or '-':<6} {state.memory >> 20} MiB\n"
                )
    except TwinError as problem:
        sys.stderr.write(f"lab: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
