"""The figures on alert quality: precision, lead time, costs, blame, and the load of operators and planners."""
