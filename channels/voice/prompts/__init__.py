"""What callers hear: prompts by language, music and the ringing tone. `make.py` makes the files."""
