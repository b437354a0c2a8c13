"""What people and programs read: lists, figures, the condition of storage, and past events."""
