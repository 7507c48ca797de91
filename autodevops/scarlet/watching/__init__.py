"""Monitor: what is the case now, from every system, and what of it is news.

`Watch` looks: it asks all sources at once and gives a `Look`. `Noticing` folds looks into what began, what lasts and
what is over. What a signal is a sign of, and whether it matters, is for the response.
"""

from autodevops.scarlet.watching.noticing import News, Noticing
from autodevops.scarlet.watching.watch import Watch

__all__ = ["News", "Noticing", "Watch"]
