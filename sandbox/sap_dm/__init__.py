"""The sandbox's other MES: one plant of SAP Digital Manufacturing, as its public API specifications describe it."""

from sandbox.sap_dm.server import SapDmServer

__all__ = ["SapDmServer"]
