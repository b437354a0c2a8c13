"""A ticket system: a server that keeps the REST contract of GitLab issues, as far as a CMMS is made of them.

Source: https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/notes/, https://docs.gitlab.com/api/labels/,
https://docs.gitlab.com/api/resource_label_events/, https://docs.gitlab.com/api/resource_state_events/ and
https://docs.gitlab.com/api/rest/ (the same pages are in `doc/api` of gitlabhq/gitlabhq).
"""

from sandbox.tickets.server import TicketServer

__all__ = ["TicketServer"]
