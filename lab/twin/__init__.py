"""The twin's cluster and its chart mirror: a Kubernetes API on this machine, without nodes, images or root."""
