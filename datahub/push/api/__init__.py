"""The push API under /api/push/v1/."""
