"""A comparison as people and programs read it: terminal, Markdown, JSON, JUnit XML, annotations of GitHub."""
