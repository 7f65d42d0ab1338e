"""What the kiosk prints, drawn as black dots on white: see `ticket.py`."""

from .strip import fonts_folder
from .ticket import TicketPaper, ticket_words

__all__ = ["TicketPaper", "fonts_folder", "ticket_words"]
