"""Which Contact Hub this is."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """As pyproject.toml has it; "0" where nothing is installed."""
    try:
        return version("contacthub")
    except PackageNotFoundError:
        return "0"
