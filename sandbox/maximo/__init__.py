"""The plant's CMMS: a server that keeps IBM Maximo Manage's REST contract (JSON API, "NextGen").

Source: IBM's REST guide (ibm-maximo-dev/maximo-restapi-documentation) and notes of integrations against live servers.
"""

from sandbox.maximo.assets import Machine
from sandbox.maximo.server import LastChange, MaximoServer, Site

__all__ = ["LastChange", "Machine", "MaximoServer", "Site"]
