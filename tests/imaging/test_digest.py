"""Fingerprints of files."""

from leafwise.imaging import digest_of


def test_a_digest_is_of_the_bytes_alone(tmp_path):
    for name, content in {"a": b"x", "b": b"x", "c": b"y"}.items():
        (tmp_path / name).write_bytes(content)
    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b") != digest_of(tmp_path / "c")
    assert digest_of(tmp_path / "missing") == digest_of(tmp_path) == ""
