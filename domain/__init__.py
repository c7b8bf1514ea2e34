"""Pure helpers: arithmetic, rendering and validation. Nothing here imports pulumi, reads a file or knows a stack."""
