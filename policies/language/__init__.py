"""The language of policies: what a document may say, how it is read, and what its conditions mean."""
