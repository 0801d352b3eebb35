"""`python -m contacthub` is the same as the `contacthub` command."""

from contacthub import main

if __name__ == "__main__":
    main()
