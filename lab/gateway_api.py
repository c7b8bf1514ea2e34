"""The Gateway API's definitions as one file, as the official release has them: that is what a stack file can name."""

from pathlib import Path


def write(source: Path, target: Path) -> None:
    """Out of a directory of them, or of one file; what is there already stays untouched."""
    parts = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    text = "---\n".join(part.read_text() for part in parts if part.name != "kustomization.yaml")
    if not target.exists() or target.read_text() != text:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target.write_text(text)
