"""The commands, by what they are for. They parse and print; the work is done elsewhere."""
