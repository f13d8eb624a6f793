"""What is told to others: an event, or the room, as Markdown. Pure."""
