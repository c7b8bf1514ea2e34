"""Components of this project as other programs use them: plain arguments, checked by the package's schema."""
