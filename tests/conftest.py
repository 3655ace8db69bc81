"""Réglages communs des tests."""

from hypothesis import settings

# Un temps absolu ferait échouer un test sur une machine chargée ; un tirage fixe se rejoue.
settings.register_profile("projet", deadline=None, derandomize=True)
settings.load_profile("projet")
