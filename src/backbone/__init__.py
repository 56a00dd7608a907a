"""Feature extractors that several models share."""
