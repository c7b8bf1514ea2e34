"""What `lab doctor` may say of a machine outside the cluster once it is logged in there."""

from collections.abc import Mapping

from lab.troubles.trouble import Checked, Trouble

DEVICE: Mapping[str, Checked] = {
    "device.answer": Checked(
        what="whether its shell answers",
        troubles=(
            Trouble(
                says="it let ... in, and did not end looking at itself within ... s",
                cause="it is overloaded, or its disk hangs: a card that dies",
                do="`ssh pi@HOST uptime`, then `ssh pi@HOST dmesg`",
            ),
            Trouble(
                says="the connection broke: ...",
                cause="it was rebooted, or the network is bad",
                do="`ssh pi@HOST uptime`, then again",
            ),
            Trouble(
                says="its shell did not come to an end: ...",
                cause="a log-in shell that is none, or a profile that fails",
                do="`ssh pi@HOST true`",
            ),
        ),
    ),
    "device.sudo": Checked(
        what="whether the user may be root",
        troubles=(
            Trouble(
                says="... may not use sudo without a password: ...",
                cause="sudo asks, and `up` has nobody to answer",
                do="on the machine: `echo 'pi ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/pi`",
            ),
        ),
    ),
    "device.machine": Checked(what="system, processor, kernel and podman; it only tells"),
    "device.system": Checked(
        what="the operating system",
        troubles=(
            Trouble(
                says="..., not run by systemd",
                cause="a system without systemd",
                do="use Raspberry Pi OS, Debian, Ubuntu or Fedora",
            ),
        ),
    ),
    "device.architecture": Checked(
        what="the processor",
        troubles=(
            Trouble(
                says="architecture: ...; expected ...",
                cause="another machine than `device.architecture` says, or a 32-bit system",
                do="correct the device's entry, or install a 64-bit system",
            ),
            Trouble(
                says="artefacts: made for ...",
                cause="`edge.artefacts` holds programs for another processor",
                do="put those for the device there",
            ),
        ),
    ),
    "device.page-size": Checked(
        what="the size of memory pages",
        troubles=(
            Trouble(
                says="page size: ...; expected 4096: the proxy may not run with larger pages",
                cause="a Raspberry Pi 5 has pages of 16 KiB",
                do="`kernel=kernel8.img` in `/boot/firmware/config.txt`, then `sudo reboot`",
            ),
        ),
    ),
    "device.cgroups": Checked(
        what="the memory controller of cgroups",
        troubles=(
            Trouble(
                says="cgroups: the memory controller is off",
                cause="Raspberry Pi OS keeps it off; k3s does not start without",
                do="`cgroup_memory=1 cgroup_enable=memory` to the one line of `/boot/firmware/cmdline.txt`, then `sudo reboot`; "
                "for k3s `cluster.enable-cgroups: true` does it",
            ),
        ),
    ),
    "device.clock": Checked(
        what="its clock against this machine's and against the trust anchors",
        troubles=(
            Trouble(
                says="its clock is ...: certificates look expired or not yet valid",
                cause="a Pi has no battery: until it reaches a time server it lives in the past",
                do="on the machine: `sudo timedatectl set-ntp true`",
            ),
            Trouble(
                says="its clock is ...; Linkerd allows 20 s",
                cause="nothing sets it",
                do="on the machine: `sudo timedatectl set-ntp true`",
            ),
            Trouble(
                says="clock: ...; expected between ... and ..., when the trust anchors are valid",
                cause="it is off by years",
                do="on the machine: `sudo timedatectl set-ntp true`",
            ),
        ),
    ),
    "device.programs": Checked(
        what="programs that it needs",
        troubles=(
            Trouble(
                says="...: not installed; expected it on the PATH of root",
                cause="a minimal system",
                do="on the machine: `sudo apt-get install PACKAGE`, as the line says",
            ),
            Trouble(
                says="podman: ...; expected 3.4 or later",
                cause="an old system, before Debian bookworm",
                do="upgrade the operating system",
            ),
        ),
    ),
    "device.space": Checked(
        what="free space",
        troubles=(
            Trouble(
                says="free space on ...: ... MB; expected 500 MB",
                cause="a full card",
                do="on the machine: `sudo apt-get clean && podman image prune`",
            ),
        ),
    ),
    "device.user": Checked(
        what="root, and the uid that the proxy is known by",
        troubles=(
            Trouble(
                says="uid 2102: belongs to user ...",
                cause="somebody else has it",
                do="give that user another uid",
            ),
            Trouble(
                says="user ...: exists, and not from a run of this program",
                cause="a user of that name was made by hand",
                do="on the machine: `sudo userdel NAME`",
            ),
        ),
    ),
    "device.ports": Checked(
        what="the ports of proxy, agent and workload",
        troubles=(
            Trouble(
                says="port ...: taken by ...; expected it free",
                cause="another program, or another mesh",
                do="the `ssh ... kill` of the line, or another `port` of the workload",
            ),
        ),
    ),
    "device.leftovers": Checked(
        what="files and links where this program would write",
        troubles=(
            Trouble(
                says="...: it is there, and not from a run of this program",
                cause="somebody else's file, or one of a set-up by hand",
                do="look at it and remove it",
            ),
            Trouble(
                says="/etc/resolv.conf: ...; expected nameserver 127.0.0.53, systemd-resolved's",
                cause="names do not go through systemd-resolved, so those of the cluster would not be found",
                do="on the machine: `sudo ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`",
            ),
        ),
    ),
    "device.address": Checked(
        what="whether it has the workload's address",
        troubles=(
            Trouble(
                says="address ...: this machine has ...",
                cause="a lease that changed: the cluster would send requests to somebody else",
                do="correct `addresses` of the workload, or give the machine a fixed address",
            ),
        ),
    ),
    "device.route": Checked(
        what="whether the nodes are on its own link",
        troubles=(
            Trouble(
                says="node ...: reached through ...",
                cause="the device is on another network than the node: other routers know nothing of pods",
                do="move it there",
            ),
            Trouble(
                says="node ...: no route to it",
                cause="no way to the node at all",
                do="on the machine: `ip route get NODE`",
            ),
        ),
    ),
    "device.dns": Checked(
        what="whether it finds the cluster's names",
        troubles=(
            Trouble(
                says="... has no address here",
                cause="the cluster's DNS does not answer it: the node's port (`edge.dns-port`) is closed, or CoreDNS is down",
                do="on the machine: `resolvectl query kubernetes.default.svc.cluster.local`",
            ),
            Trouble(
                says="systemd-resolved: not running",
                cause="Debian does not install it",
                do="on the machine: `sudo apt-get install systemd-resolved && sudo systemctl enable --now systemd-resolved`",
            ),
        ),
    ),
    "device.downloads": Checked(
        what="whether it can fetch what `edge.downloads` names",
        troubles=(
            Trouble(
                says="download ...: ...; expected an answer of its server",
                cause="the URL is wrong, or the machine has no way out",
                do="on the machine: `curl -I URL`; or push from here: `edge.artefacts`",
            ),
        ),
    ),
}
