"""Who may call whom, as objects of the cluster."""
