"""The sandbox's MES: an OPC UA ISA-95 Job Control v2.00 server with a production schedule of its own."""

from sandbox.jobcontrol.holds import HoldRow
from sandbox.jobcontrol.server import JobControlServer

__all__ = ["HoldRow", "JobControlServer"]
