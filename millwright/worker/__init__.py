"""The process that runs workflows and activities, and wakes what is due."""
