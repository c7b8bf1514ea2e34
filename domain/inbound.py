"""What pods do with calls that no policy speaks of: the annotations that say it, and make it so."""

_POLICY = "config.linkerd.io/default-inbound-policy"
# The injector reads the namespace when a pod is made, and nobody restarts the pods that there are.
_RESTARTED = "mesh-expansion/default-inbound-policy"


def of_namespace(default_inbound: str | None) -> dict[str, str]:
    """Annotations of a namespace; none where the control plane's own default is to hold."""
    return {_POLICY: default_inbound} if default_inbound else {}


def of_pods(default_inbound: str | None) -> dict[str, str]:
    """Annotations of a template of pods: another value makes other pods, which come up with what their namespace says."""
    return {_RESTARTED: default_inbound} if default_inbound else {}
