"""One noun a file. Components get what they need as arguments; none reads configuration or knows which lab it is in."""
