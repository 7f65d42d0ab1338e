"""Printed sheets of the centre: A5 and A4 by typst, words in texts/."""
