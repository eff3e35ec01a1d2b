"""SQL as text: templates, references between queries, and what is code in a dialect."""
