"""DataFrames -> tables, and a table as Markdown, CSV, LaTeX, HTML and for the terminal."""
