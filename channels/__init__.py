"""One file or folder per channel; each plugs its means of talking into the hub."""
