"""The probe: one shot, and the watch."""
