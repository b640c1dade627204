"""A small application that does real work through all five contracts."""
