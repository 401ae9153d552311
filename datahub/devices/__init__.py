"""Cameras and sensors of the city: a register, heartbeats, the patrol, faults, the map."""
