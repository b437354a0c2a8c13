"""Playing the sandbox plant: every part as a process of its own, one clock in lock-step, and a summary at the end."""
