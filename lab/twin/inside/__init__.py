"""Processes of this machine that stand for the pods that have to answer: kwok only says that pods run.

What runs is what the API's objects ask for: SPIRE's server and controller manager, a CoreDNS behind the project's DNS
Service, the prober, and Linkerd's controllers where they were brought. A runner follows the objects; this package's
`Inside` starts and ends the runner.
"""

from lab.twin.inside.supervisor import Inside

__all__ = ["Inside"]
