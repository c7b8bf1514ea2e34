"""`lab pr`: what a pull request does to a lab of its base branch, tried on the twin."""
