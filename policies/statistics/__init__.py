"""Statistics on counted results: intervals, sequential tests, alarm floods and rule hits."""
