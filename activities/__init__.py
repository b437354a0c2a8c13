"""What workflows do to the world: classes that hold ports, one transaction to a method."""
