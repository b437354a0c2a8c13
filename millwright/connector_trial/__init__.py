"""Tries a connector to a CMMS by named behaviours, against a live system or a simulated one.

It knows the port `Cmms` and the HTTP client, and no connector. The system does the work itself. Faults are made on our
side of the wire, so they can be made against any system.
"""
