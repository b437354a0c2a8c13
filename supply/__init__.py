"""The software of others: notices, bill of materials, and age. For development; nothing of it is installed."""
