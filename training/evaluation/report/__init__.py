"""What a detector gets right and wrong, as one page of HTML to look at."""
