"""What the kiosk prints, drawn as black dots on white: see `ticket.py`."""

from .ticket import TicketPaper, fonts_folder, ticket_words

__all__ = ["TicketPaper", "fonts_folder", "ticket_words"]
