"""Applications: what sparse partial plans are good for. They need the extra `images`."""
