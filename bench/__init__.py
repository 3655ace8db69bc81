"""Mesurer les temps de réponse dans un vrai navigateur, à côté de deux pages témoins."""
