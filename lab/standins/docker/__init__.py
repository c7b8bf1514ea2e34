"""The stand-in for pulumi-resource-docker: networks, containers, volumes and images on a real Docker engine.

Supported are Network, Container, Volume, RemoteImage (without `build`) and Image (build without push). What the SDK knows and this
stand-in does not support is an error that names the property; docs/adr/0005-docker.md lists it.
"""
