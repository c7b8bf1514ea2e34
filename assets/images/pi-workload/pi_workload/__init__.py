"""A Faces backend for a Raspberry Pi with a knob, a button and two lights; it runs as well without them.

It answers as Faces asks: smiley by HTTP, color by gRPC since Faces 2 and by HTTP before.
"""
