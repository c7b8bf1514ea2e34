"""Stands in for kind: the same commands and answers, and the twin's cluster instead of Kubernetes in a container.

Only what the lab uses is known; everything else is refused. No image is pulled. Docker's network `kind` is made as kind
makes it, and goes with the last cluster in it if nothing else is left there, while kind keeps it for ever.
"""
