"""Memory: posts, mentions, timelines, what is owed, what was heard. Nothing outside knows which store it is."""
