"""The language of policies: the fields of a document, how it is read, and the meaning of its conditions."""
