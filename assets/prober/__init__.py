"""Asks every workload outside the cluster whether it is there, is who it should be, and is well; writes the Ready condition.

For each address of each ExternalWorkload: TCP, then TLS with the workload's server name against the trust anchors, then
the SPIFFE ID in the certificate, then `GET <path>` inside. It holds no identity of its own: what it may see is what the
policy allows to anyone. The standard library only, so that a stock image runs it: `python -m prober`.
"""
