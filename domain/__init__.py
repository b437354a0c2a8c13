"""The vocabulary of Millwright: frozen models, keys, clock, errors and ports. Imports nothing else of ours."""
