"""The scorecard on paper: JSON, Markdown and plots. Nothing here changes a result."""
