"""A CMMS: a server that keeps the REST contract of Atlas CMMS (Grashjs/cmms), versions 1.3.0 and d4ce8ef9 (1.8+).

Source: recordings of both servers; for requests, comments and the answer to an unknown address, the product's source
code at these two versions.
"""

from sandbox.atlas.server import AtlasServer

__all__ = ["AtlasServer"]
