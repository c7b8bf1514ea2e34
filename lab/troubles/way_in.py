"""What `lab doctor` may say of the way to a machine outside."""

from collections.abc import Mapping

from lab.troubles.trouble import Checked, Trouble

WAY_IN: Mapping[str, Checked] = {
    "ssh.reach": Checked(
        what="whether a machine answers at its address",
        troubles=(
            Trouble(
                says="... does not answer within ... s: it is off, unplugged, or behind a firewall",
                cause="or it has another address now: a lease that ended",
                do="`ping -c 3 ADDRESS`. Lost for good: [devices](how-to/devices.md#one-that-does-not-answer-any-more)",
            ),
            Trouble(
                says="... refuses connections: no SSH server listens there",
                cause="Raspberry Pi OS keeps sshd off",
                do="on the machine: `sudo systemctl enable --now ssh`",
            ),
            Trouble(
                says="no address is known for ...",
                cause="the name is wrong, or `.local` names are not looked up here",
                do="`getent hosts NAME`",
            ),
        ),
    ),
    "ssh.host-key": Checked(
        what="whether it is the machine that it was",
        troubles=(
            Trouble(
                says="... is pinned, ... is shown: another machine is there, or it was installed anew",
                cause="new hardware, a new card, or somebody in between",
                do="compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the machine; then "
                "`ssh-keygen -R HOST` and `ssh-keyscan -t ed25519 HOST >>~/.ssh/known_hosts`",
            ),
            Trouble(
                says="no host key of it is known; it shows ...",
                cause="nobody has logged in to it from here",
                do="the same without `ssh-keygen -R`",
            ),
            Trouble(
                says="... is pinned, but Pulumi's SSH client asks for ... first, which it has too",
                cause="known_hosts has its Ed25519 key only, and it has an ECDSA or RSA key as well",
                do="`ssh-keyscan -t ecdsa HOST >>~/.ssh/known_hosts`",
            ),
            Trouble(
                says="... is pinned, but it has no such key, and shows ...",
                cause="that key was deleted on the machine",
                do="what the line says, after comparing",
            ),
        ),
    ),
    "ssh.login": Checked(
        what="whether it lets this user in",
        troubles=(
            Trouble(
                says="... refuses ...",
                cause="the public key is not on the machine, or is another user's",
                do="`ssh-copy-id -i ~/.ssh/id_ed25519.pub pi@HOST`",
            ),
            Trouble(
                says="the key ... has a passphrase, which nobody is asked for",
                cause="`up` asks nothing",
                do="`ssh-add ~/.ssh/id_ed25519`, and take `ssh.private-key-file` out of the stack file",
            ),
            Trouble(
                says="the key ... cannot be read: ...",
                cause="it is no private key, or not yours to read",
                do="`ssh-keygen -yf ~/.ssh/id_ed25519`",
            ),
            Trouble(
                says="the SSH agent at ... does not answer: ...",
                cause="SSH_AUTH_SOCK is left over from a session that ended",
                do="`eval $(ssh-agent) && ssh-add`",
            ),
        ),
    ),
}
