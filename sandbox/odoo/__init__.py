"""A CMMS and an MES: a server that speaks the JSON-2 API of Odoo 19.0 for the apps Maintenance and Manufacturing.

Source: recordings of an unmodified Odoo 19.0, and the product's source code where they do not say it.
"""

from sandbox.odoo.server import OdooServer

__all__ = ["OdooServer"]
