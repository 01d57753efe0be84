"""The experiments of the book's chapter: Nielsen, Neural Networks and Deep Learning, chapter 5."""
