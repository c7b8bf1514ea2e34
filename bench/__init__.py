"""How fast 50 machines come up: this program against Ansible, and against the least that Pulumi can do."""
