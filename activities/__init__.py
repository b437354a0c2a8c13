"""The activities of the workflows: classes that hold ports. Each method is one transaction."""
