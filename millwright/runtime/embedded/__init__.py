"""The parts that come along, so that Millwright runs on one machine with nothing but this repository."""
