"""SQL text: templates, references between queries, and the lexical rules of dialects."""
