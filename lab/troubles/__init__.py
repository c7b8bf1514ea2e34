"""What can be wrong with a lab, and what to type: one table for each part that reports, and the page that is made of them."""
