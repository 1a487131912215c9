"""Files that are copied beside exported data, since the harnesses want some Python there; none imports medsyn."""
