"""Ouvrir Boussole CTG : l'adresse nue montre la page d'accueil.

Chaque script de pages/ est complet : un lien profond ouvre sa page sans passer par ici.
"""

from pages.accueil import page

page()
