"""The commands, by what they work on. Nothing heavy is imported before one of them runs."""
