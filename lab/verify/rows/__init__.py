"""What `lab verify` asserts, one noun a file."""
