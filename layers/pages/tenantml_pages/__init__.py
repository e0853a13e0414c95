"""What browsers are given: the pages, the model report, and the libraries that both are built from."""
