"""`lab comment`: a preview as a comment on a pull request that is read in a minute."""
