"""PostgreSQL: the truth. Queries live here and nowhere else."""
