"""Every check of `lab doctor` by its name, with what it may say."""

from collections.abc import Mapping

from lab.troubles.cluster import CLUSTER
from lab.troubles.device import DEVICE
from lab.troubles.this_machine import MACHINE
from lab.troubles.trouble import Checked
from lab.troubles.way_in import WAY_IN

GROUPS: Mapping[str, Mapping[str, Checked]] = {
    "This machine": MACHINE,
    "The cluster": CLUSTER,
    "The way to a machine": WAY_IN,
    "On a machine": DEVICE,
}
CHECKS: Mapping[str, Checked] = {name: checked for group in GROUPS.values() for name, checked in group.items()}
