"""The twin's devices: systemd containers that act as Pis, on a network of their own."""

from lab.twin.devices.description import DeviceDescription, RigDescription
from lab.twin.devices.device import DeviceState
from lab.twin.devices.rig import Rig

__all__ = ["DeviceDescription", "DeviceState", "Rig", "RigDescription"]
