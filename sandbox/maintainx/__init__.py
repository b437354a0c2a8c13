"""A CMMS: a server that keeps the contract of MaintainX's REST API, version 1.

Source: the vendor's OpenAPI document. What that leaves open is answered here as strictly as it can be: an unknown field
or parameter is refused, and a list without a wanted order has the newest first.
"""

from sandbox.maintainx.server import MaintainXServer

__all__ = ["MaintainXServer"]
