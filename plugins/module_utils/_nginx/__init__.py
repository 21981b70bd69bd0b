"""nginx on the target: what runs, what its configuration says, how it is changed. Target; PRIVATE to the collection."""
