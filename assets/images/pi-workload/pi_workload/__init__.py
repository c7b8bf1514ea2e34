"""A Faces backend for a Raspberry Pi with a knob, a button and two lights; it runs as well without them.

Only the standard library, so that one image serves every board. It answers by plain HTTP, as smiley does in every version
of Faces and color before version 2; the face of Faces 2 asks color by gRPC, which needs the official image.
"""
