"""From a run folder to pages that a sceptic can read: HTML, Markdown and charts."""
