"""What the figures on alert quality are computed from."""
