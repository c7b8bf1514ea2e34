"""When an object counts as ready or gone; the rules are the official plugin's."""
