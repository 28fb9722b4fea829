"""Known truths, one file each; every file has `check(bench)`."""
