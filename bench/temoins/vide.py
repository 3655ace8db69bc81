"""Témoin : la page Streamlit la plus simple, un sélecteur et un texte."""

import streamlit as st

from ctg_data.indicateurs import catalogue

fiches = catalogue()
code = st.selectbox("Indicateur", sorted(fiches), format_func=lambda c: fiches[c].titre)
st.markdown(f"### {fiches[code].titre}")
