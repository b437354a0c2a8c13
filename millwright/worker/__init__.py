"""The process that runs workflows and activities, and wakes due subjects."""
