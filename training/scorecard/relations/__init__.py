"""The relations, in the order of the scorecard."""
