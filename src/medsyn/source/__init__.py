"""Sources: one module for each format that casebooks are read from or written to."""
