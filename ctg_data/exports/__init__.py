"""Exports : les mêmes figures et tables, écrites ailleurs qu'à l'écran."""
