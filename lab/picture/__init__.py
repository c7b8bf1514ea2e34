"""`lab picture`: the topology, from the stack file before anything is there or from the state afterwards."""
