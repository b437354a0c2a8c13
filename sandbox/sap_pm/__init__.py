"""A simulated SAP S/4HANA Plant Maintenance: its OData V2 services for notifications and orders, and its people.

It is written from SAP's published models of API_MAINTNOTIFICATION and API_MAINTENANCEORDER (version 2), and imports no
code of Millwright. Two behaviours are harsher than what SAP documents: an assigned notification gets ORAS and, when its
order is released, NOPR; and a second order for one notification is not refused.
"""
