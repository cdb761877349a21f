"""Takes a version of two numbers apart; the machine-learning SDK compares the core's interface version with its own."""


def parse_version(version):
    """``'1.5'`` -> ``('1', '5')``; what follows the second number is left out."""
    parts = (version or '').split('.')
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        raise ValueError('{!r} is not a version of the form major.minor'.format(version))
    return parts[0], parts[1]
