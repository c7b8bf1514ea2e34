"""Stands in for k3d: the same commands and answers, and the twin's cluster instead of k3s in containers.

Only what the lab uses is known; everything else is refused. No image is pulled and nothing listens on the load balancer's
ports. A network that is not there is refused, not made.
"""
