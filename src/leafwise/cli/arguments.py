"""How arguments are read that several commands have."""


def split_names(text: str) -> list[str]:
    """Names with commas between them.

    >>> split_names("seeded, seeded+mrf")
    ['seeded', 'seeded+mrf']
    """
    return [name.strip() for name in text.split(",")]
