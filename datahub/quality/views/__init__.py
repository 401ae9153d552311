"""The pages of quality, by subject."""
