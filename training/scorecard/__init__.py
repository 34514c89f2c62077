"""The scorecard: what the papers claim, rerun small, with a verdict, its spread and the reason for each."""
