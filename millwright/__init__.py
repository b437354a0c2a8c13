"""The outer layer of Millwright: command line, API, worker, intake and storage."""
