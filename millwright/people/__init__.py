"""The people who use Millwright, their API keys and their signing keys."""
