"""The training dataset: Parquet files with a manifest, written for those who train models."""
