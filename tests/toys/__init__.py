"""One toy of each kind of thing that can be added, registered when the tests run."""
