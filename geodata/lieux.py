"""Poser les équipements sur la carte : une pastille par commune et par genre."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from ctg_data.indicateurs import BADGES
from ctg_data.textes import absente, compte

# Du plus proche de la petite enfance au plus large ; couleurs Okabe-Ito assez foncées.
GENRES = {
    "Crèches et micro-crèches": ("#B36600", ("eaje_psu", "micro_creche_paje", "mam")),
    "Relais petite enfance": ("#0072B2", ("rpe", "laep")),
    "Accueils de loisirs": ("#00734F", ("alsh", "centre_social", "evs")),
    "Écoles": ("#8C3B6E", ("ecole",)),
}


@dataclass(frozen=True)
class Lieu:
    """Un ensemble d'équipements d'un même genre dans une commune, posé à un point."""

    genre: str
    couleur: str
    nombre: int
    longitude: float
    latitude: float
    texte: tuple[str, ...]
    exemple: bool


def lieux(equipements: pd.DataFrame, communes: pd.DataFrame) -> list[Lieu]:
    """Réunir les équipements par commune et par genre, au point moyen de ceux qui sont situés.

    Un équipement sans coordonnées est posé à la mairie, et le texte le dit ; si la mairie n'est pas
    située non plus, il n'est pas sur la carte. Rend la liste des lieux, genre par genre.
    """
    mairies = communes.set_index("code_commune")
    trouves = []
    for genre, (couleur, types) in GENRES.items():
        retenus = equipements[equipements["type"].isin(types)]
        for code, groupe in retenus.groupby("code_commune"):
            trouves.append(_lieu(genre, couleur, groupe, mairies.loc[code]))
    return [lieu for lieu in trouves if not math.isnan(lieu.longitude + lieu.latitude)]


def _lieu(genre: str, couleur: str, groupe: pd.DataFrame, mairie: pd.Series) -> Lieu:
    situes = groupe[groupe["longitude"].notna() & groupe["latitude"].notna()]
    longitude = mairie["longitude_mairie"] if situes.empty else situes["longitude"].mean()
    latitude = mairie["latitude_mairie"] if situes.empty else situes["latitude"].mean()
    places = groupe["capacite_agreee"].sum(min_count=1)
    badges = [BADGES[s] for s in BADGES if s in set(groupe["statut"])]
    lignes = [
        f"{mairie['nom_commune']} : {genre.lower()}",
        compte(len(groupe), "établissement")
        + ("" if absente(places) else f", {compte(float(places), 'place')}"),
        " · ".join(badges) + (" · position inconnue, posé à la mairie" if situes.empty else ""),
    ]
    position = float(longitude), float(latitude)
    exemple = "exemple" in set(groupe["statut"])
    return Lieu(genre, couleur, len(groupe), *position, tuple(lignes), exemple)
