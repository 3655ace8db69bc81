"""Données, calculs et figures de Boussole CTG : ni Streamlit, ni géométrie."""
