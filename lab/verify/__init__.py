"""`lab verify`: asserts against a running lab what its configuration promises. It reads, asks and never changes the lab."""
