"""Load: what a deployment costs and holds. Calls servers through genod_client only."""
