"""Names of assets in other systems: files of the crosswalk, and suggestions for assets without a name."""
