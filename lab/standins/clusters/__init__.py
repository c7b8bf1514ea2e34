"""Clusters that the stand-ins of k3d and kind make: the twin's, one below a directory of its own for each name.

The nodes' addresses are further addresses of this machine on the bridge of the cluster's Docker network, where what runs
inside answers on the node ports. Docker does not know of them, so they are the last ones of the network.
"""
