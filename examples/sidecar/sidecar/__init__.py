"""A small OpenAI-compatible service: something real to put a gateway in front of."""
