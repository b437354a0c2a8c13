"""The embedded servers, with which Millwright runs on one machine with only this repository."""
