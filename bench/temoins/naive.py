"""Témoin : la page telle qu'on l'écrit d'abord, tout relu et reconstruit à chaque passage.

Avec `?complet=1`, elle montre ce que montre « Offre et besoins » : quatre chiffres, la carte et le
classement ; sinon, la carte seule.
"""

import json
from pathlib import Path

import folium
import pandas as pd
import plotly.express as px
import streamlit as st
import streamlit_folium

from ctg_data.indicateurs import catalogue
from geodata import folium_hors_ligne

# Sans nos copies locales de Leaflet, ce témoin n'afficherait rien sans réseau.
folium_hors_ligne.installer(streamlit_folium)
dossier = Path(__file__).parents[1] / "temoins" / st.query_params["territoire"]
table = pd.read_csv(dossier / "valeurs.csv", dtype={"code": str})
contours = json.loads((dossier / "contours.geojson").read_text("utf-8"))
fiches = catalogue()
code = st.selectbox("Indicateur", list(table)[1:], format_func=lambda c: fiches[c].titre)
st.markdown(f"### {fiches[code].titre}")
centre = [float(v) for v in (dossier / "centre.txt").read_text().split()]
carte = folium.Map(location=centre, zoom_start=10, tiles=None)
aplats = folium.Choropleth(
    geo_data=contours, data=table, columns=["code", code], key_on="feature.id", fill_color="YlGnBu"
)
# L'échelle de Folium demande d3, absent sans réseau : le témoin s'en passe, à son avantage.
for cle in [c for c in aplats._children if c.startswith("color_map")]:
    del aplats._children[cle]
aplats.add_to(carte)
# Sans clé, comme dans les exemples de la bibliothèque.
streamlit_folium.st_folium(carte, height=400, use_container_width=True)
if "complet" in st.query_params:
    for colonne, (nom, valeurs) in zip(st.columns(4), table.iloc[:, 1:5].items(), strict=False):
        colonne.metric(fiches[nom].titre, round(valeurs.mean(), 1))
    rangs = table.sort_values(code)
    st.plotly_chart(px.bar(rangs, x=code, y="code", orientation="h", text=code, height=1100))
