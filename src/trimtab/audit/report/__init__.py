"""An audit told to people and to programs."""
