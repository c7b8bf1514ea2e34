"""What `lab doctor` may say of this machine: the stack file, records, programs, Docker, certificates."""

from collections.abc import Mapping

from lab.troubles.trouble import Checked, Trouble

MACHINE: Mapping[str, Checked] = {
    "configuration": Checked(
        what="every key of the stack file",
        troubles=(
            Trouble(
                says="no such key",
                cause="a mistake in the stack file; what does not depend on it is checked all the same",
                do="what the line says; every key is in the [reference](reference/configuration.md)",
            ),
            Trouble(
                says="what `make up` makes is not there yet: ...",
                cause="files that the first `make up` fills in",
                do="`make up`",
            ),
            Trouble(
                says="it is encrypted, and secrets are not read", cause="doctor reads no secret", do="`make preview`"
            ),
        ),
    ),
    "state": Checked(
        what="what the engine has written down of the stack",
        troubles=(
            Trouble(
                says="another update of it is running: ...",
                cause="somebody else, or another terminal; a lock whose owner died here is removed by `make up`",
                do="wait; when nobody is: `pulumi cancel -s pi-lab`",
            ),
            Trouble(
                says="an update was killed half-way, ...",
                cause="power, Ctrl-C twice, a job that was ended",
                do="`make up`: it looks what became of the open steps, and goes on",
            ),
            Trouble(
                says="... is not there, and only with it can secrets be read",
                cause="`.lab/passphrase` was deleted, or the stack file comes from another machine",
                do="put it back from a backup, or set every secret anew: `pulumi config set --secret KEY -s pi-lab`",
            ),
            Trouble(
                says="... cannot be read: ...",
                cause="the state file is damaged",
                do="`ls -l .lab/state/.pulumi/backups`, and copy the newest good one over it",
            ),
        ),
    ),
    "versions": Checked(
        what="versions that the stack file names",
        troubles=(
            Trouble(
                says="nothing speaks against it, but ... is what this project is tested with",
                cause="another version than the one of `versions.py`; versions that are known to be bad are refused as `configuration`",
                do="set the key to the version that the line names, or try it on the twin first: `make up`",
            ),
        ),
    ),
    "tools": Checked(
        what="the programs that an `up` runs on this machine",
        troubles=(
            Trouble(
                says="it is not on the PATH that an `up` uses",
                cause="tools were never got, or are of another checkout; `k3d`, `kind` and `docker` may be your distribution's",
                do="`make tools`, or what the line says",
            ),
            Trouble(says="... or later is needed", cause="an older program comes first on PATH", do="`make tools`"),
            Trouble(
                says="version ... is not in ...",
                cause="a plugin is missing, or of another version than the SDK",
                do="`make tools`",
            ),
            Trouble(
                says="... says no version within ... s",
                cause="the program hangs, or the machine is busy",
                do="type what the line says, then `.venv/bin/python -m lab doctor --seconds 300`",
            ),
        ),
    ),
    "docker": Checked(
        what="the Docker engine for clusters, containers and the twin's devices",
        troubles=(
            Trouble(
                says="... may not be used by this user, ...",
                cause="you are not in its group",
                do="`sudo usermod -aG docker $USER`, then log in again",
            ),
            Trouble(
                says="nothing answers at ...",
                cause="the engine is off, or `docker.host` or DOCKER_HOST name another place",
                do="`sudo systemctl restart docker`, or `docker -H HOST info`",
            ),
            Trouble(
                says="there is none, ...",
                cause="no engine is installed; as root on Debian or Ubuntu `make up` installs one for the twin",
                do="`sudo apt-get install docker.io`, `sudo systemctl enable --now docker`",
            ),
        ),
    ),
    "docker.network": Checked(
        what="the networks that containers and clusters share",
        troubles=(
            Trouble(
                says="... overlaps ... of the network ...",
                cause="another network has those addresses",
                do="`docker network rm NAME`, or another `cluster.subnet` or `docker.subnet`",
            ),
            Trouble(
                says="it is there (...), and this lab did not make it",
                cause="a network of that name is somebody else's",
                do="`docker network rm NAME`, or give the lab another name for its own",
            ),
            Trouble(
                says="it is not there, and without ... the lab does not make it",
                cause="`docker.network` names a network that nobody has made",
                do="`docker network create NAME`, or set `docker.subnet`",
            ),
            Trouble(
                says="... is not in Docker's network ..., which is ...",
                cause="addresses for Services that no node can announce",
                do="`docker network inspect kind`, then `cluster.load-balancer-addresses` inside of its range",
            ),
        ),
    ),
    "ports": Checked(
        what="ports of this machine that the cluster's load balancer gets",
        troubles=(
            Trouble(
                says="... is taken by ... (pid ...)",
                cause="another server",
                do="`kill PID`, or another `cluster.http-port` or `cluster.https-port`",
            ),
            Trouble(
                says="... is taken by the container ...",
                cause="another cluster's load balancer",
                do="`docker stop NAME`, or another port as above",
            ),
            Trouble(
                says="... is taken by a process of another user",
                cause="only root may see whose it is",
                do="`sudo ss -ltnp`",
            ),
        ),
    ),
    "certificates": Checked(
        what="when issued and brought certificates end",
        troubles=(
            Trouble(
                says="ends on ..., in ... days",
                cause="nobody has renewed it",
                do="raise the generation that the line names by one, then `make up`: [certificates](how-to/certificates.md)",
            ),
            Trouble(
                says="expired on ... UTC",
                cause="nobody has renewed it in time. After a trust anchor's end every proxy has to start again",
                do="the same; for a trust anchor also restart what is meshed",
            ),
        ),
    ),
    "artefacts": Checked(
        what="programs and images for devices, against the processors that they have",
        troubles=(
            Trouble(
                says="... is made for ..., but ...",
                cause="programs for another processor",
                do="`file .lab/arm64/linkerd2-proxy`, and put one for the device there",
            ),
            Trouble(
                says="its image is made for ..., but ...",
                cause="the archive holds an image for another processor",
                do="`docker pull --platform linux/arm64 IMAGE` and `docker save IMAGE -o workload.tar`",
            ),
            Trouble(
                says="it is there for ..., but ...",
                cause="the registry has no image for that processor",
                do="`docker manifest inspect IMAGE`; build one: [containers](how-to/containers.md#build-the-images-yourself)",
            ),
            Trouble(
                says="... is no archive of an image: ...",
                cause="`edge.image-archive` is cut short, or something else",
                do="`docker save IMAGE -o workload.tar`",
            ),
            Trouble(
                says="... has no ... of version ...: devices cannot pull ...",
                cause="no such tag, or a mirror that has not got it",
                do="`docker manifest inspect IMAGE`",
            ),
        ),
    ),
}
