"""Containers on the devices' network that stand for pods of the twin's cluster, where no pod runs."""
