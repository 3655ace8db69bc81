"""Contours, distances et cartes : ni Streamlit, ni calcul d’indicateur."""
