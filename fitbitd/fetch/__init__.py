"""One pull to its last page, over HTTP."""
