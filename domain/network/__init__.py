"""Network: service points, where a customer begins."""
