"""What `pulumi` itself lacks: getting the tools, the twin, and what to tell the operator."""
