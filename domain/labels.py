"""Labels by which what a lab has made on a Docker engine is known."""

WORKLOAD = "mesh-expansion/workload"  # on containers and volumes; its value is the workload's name
LAB = "mesh-expansion/lab"  # on images that were built; its value is the name of the lab's Docker network
