"""Stand-in for pulumi-resource-command: local commands in process groups, remote ones and copies over SSH by `asyncssh`.

Semantics of pulumi-command 1.2.1. One difference is meant: where the server's host key or the login is refused, there is one try, since
another would end the same way (the official one retries `dialErrorLimit` times, and OpenSSH then shuts out the client).
"""
