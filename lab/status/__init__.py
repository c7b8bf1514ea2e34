"""`lab status`: one screen of what is up, and whether it is as the last `up` left it. It looks, and changes nothing."""

from lab.status.command import show, show_status

__all__ = ["show", "show_status"]
