"""Two reports side by side, and how sure one can be of the difference."""

from loadtest.comparison.compared import Comparison, compare_runs
from loadtest.comparison.metric import Conclusion, MetricComparison

__all__ = ["Comparison", "Conclusion", "MetricComparison", "compare_runs"]
