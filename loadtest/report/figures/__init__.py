"""The report's drawings, each a function from results to a piece of SVG."""
