"""Cases and holds in storage. Verdicts open cases and add evidence, and workflow steps continue them."""
