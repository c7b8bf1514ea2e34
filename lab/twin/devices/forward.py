"""Ports of a device's own loopback address that lead to this machine: a device reaches no pods of the twin's cluster."""

import shlex
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from lab.twin.devices.rig import AT_ONCE, Rig

HOST = "127.0.0.1"
_SOCKET = f"""[Unit]
Description=Port %i of the twin

[Socket]
ListenStream={HOST}:%i

[Install]
WantedBy=sockets.target"""
_SERVICE = """[Unit]
Description=Port %i of the twin

[Service]
ExecStart=/lib/systemd/systemd-socket-proxyd {address}:%i"""
# Nothing is touched where nothing differs: connections that are open stay so.
_SCRIPT = """set -eu
cd /etc/systemd/system
put() {
    [ "$(cat "$1" 2>/dev/null)" != "$2" ] || return 0
    printf '%s\\n' "$2" >"$1"
    changed=yes
}
changed=
if [ -n "$sockets" ]; then
    put twin-forward@.socket "$socket"
    put twin-forward@.service "$service"
    if [ -n "$changed" ]; then
        systemctl daemon-reload
        systemctl stop 'twin-forward@*.service'
    fi
    systemctl enable --quiet --now $sockets
elif [ -e twin-forward@.socket ]; then
    systemctl stop 'twin-forward@*'
    rm -f twin-forward@.socket twin-forward@.service sockets.target.wants/twin-forward@*
    systemctl daemon-reload
fi
"""


def set_up(rig: Rig, names: Iterable[str], ports: Iterable[int], address: str) -> None:
    """Let each device reach `ports` of `address` at its own 127.0.0.1, also after a reboot; no port takes all away.

    Raises DockerError.
    """
    given = {
        "sockets": " ".join(f"twin-forward@{port}.socket" for port in ports),
        "socket": _SOCKET,
        "service": _SERVICE.format(address=address),
    }
    script = "".join(f"{name}={shlex.quote(text)}\n" for name, text in given.items()) + _SCRIPT
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda name: rig.run(name, script), names))
