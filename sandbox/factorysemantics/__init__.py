"""An MES: a server that speaks the HTTP API of FactorySemantics MES 0.4.2, as far as a client that holds work orders
meets it.

Source: recordings of an unmodified server, and the product's source code (Apache-2.0) where they do not say it.
"""

from sandbox.factorysemantics.server import FactorySemanticsServer

__all__ = ["FactorySemanticsServer"]
