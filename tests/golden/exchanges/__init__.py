"""What is asked of a PocketBase and of the gateway, and what they answer, in a form that can be compared."""
