"""Créer un territoire : choisir des communes de France, et en écrire la fiche et la table.

`reconnaitre_communes` lit une liste en texte libre, `composer` prépare un brouillon et en dit les
fautes, `creer` l'écrit. Les deux premières n'écrivent rien.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

from ctg_data import referentiel
from ctg_data.anomalies import Anomalie, abreger
from ctg_data.ecriture import ErreurEcriture, csv_de_table, ecrire, synchroniser, verrou
from ctg_data.lecture import lire_csv
from ctg_data.liste_communes import LISTE, code_actuel, propre, reconnaitre_communes
from ctg_data.parametres import DOSSIER as PARAMETRES
from ctg_data.schema import schemas
from ctg_data.territoire import FICHE, Donnees
from ctg_data.textes import INSECABLE, cle_de_tri, compte
from ctg_data.validation import valider

__all__ = [
    "Brouillon",
    "composer",
    "creer",
    "fiche",
    "fichiers_a_charger",
    "nom_de_dossier",
    "reconnaitre_communes",
    "table_des_communes",
]

NOM_MAX = 100
DOSSIER_MAX = 60
COMMUNES = "communes"
# Noms que Windows garde pour lui, quel que soit ce qui les suit.
_RESERVES = re.compile(r"(con|prn|aux|nul|conin|conout|clock|com\d|lpt\d)(_.*)?")
_ENTETE = (
    "# Territoire créé dans l'outil. a_verifier = true : information à confirmer, à montrer avec "
    "sa réserve.\n"
)
# Zones qui n'ont pas la même projection légale : une carte ne peut pas les réunir.
_ZONES = {"971": "Antilles", "972": "Antilles"}


@dataclass(frozen=True)
class Brouillon:
    """Porter un territoire prêt à être écrit, ou les raisons pour lesquelles il ne l'est pas.

    `dossier` : nom du dossier à créer, en ASCII ; `communes` : codes actuels, triés.
    """

    dossier: str
    nom: str
    locatif: str
    communes: tuple[str, ...]
    anomalies: tuple[Anomalie, ...]

    @property
    def valide(self) -> bool:
        """Dire si le brouillon peut être écrit."""
        return not any(a.erreur for a in self.anomalies)


# --- Composer -----------------------------------------------------------------------------------


def composer(
    nom: str, communes: Iterable[str], connus: Collection[str] = (), locatif: str = ""
) -> Brouillon:
    """Préparer un territoire à partir de son nom et de codes communes ; ne lève jamais.

    `connus` : noms de dossier des territoires qui existent déjà (« gard_rhodanien ») ; `locatif` :
    comment dire « où » (« dans le Gard rhodanien »). Les anciens codes et les arrondissements
    deviennent leur commune, les doublons sont ôtés, et les anomalies le disent.
    """
    lisible = propre(nom)
    codes, anomalies = _codes_actuels(communes)
    anomalies = [*_fautes_du_nom(lisible, connus), *anomalies]
    if not codes:
        conseil = "Choisissez au moins une commune, par son nom, son code ou son EPCI."
        anomalies.append(Anomalie(LISTE, "aucune commune choisie", conseil))
    else:
        anomalies += [*_fautes_de_la_table(codes), *_zones(codes), *_departements_lies(codes)]
    ou = propre(locatif) or f"dans le territoire «{INSECABLE}{lisible}{INSECABLE}»"
    return Brouillon(nom_de_dossier(lisible), lisible, ou, tuple(codes), tuple(anomalies))


def nom_de_dossier(nom: str) -> str:
    """Rendre un nom de dossier ASCII sûr : « Pays d'Uzès » devient « pays_d_uzes ».

    Ni chemin, ni point, ni nom réservé de Windows ; vide si rien du nom n'est lisible en ASCII.
    """
    lettres = re.sub(r"[^a-z0-9]+", "_", cle_de_tri(nom)).strip("_")[:DOSSIER_MAX].strip("_")
    return f"territoire_{lettres}" if _RESERVES.fullmatch(lettres) else lettres


def _fautes_du_nom(nom: str, connus: Collection[str]) -> list[Anomalie]:
    dossier = nom_de_dossier(nom)
    if not dossier:
        conseil = "Écrivez un nom avec au moins une lettre ou un chiffre."
        return [Anomalie("nom du territoire", "nom vide ou illisible", conseil, valeur=nom or None)]
    if len(nom) > NOM_MAX:
        conseil = f"Tenez-le en {compte(NOM_MAX, 'caractère')} au plus."
        return [Anomalie("nom du territoire", "nom trop long", conseil, valeur=abreger(nom))]
    if dossier in {c.casefold() for c in connus}:
        conseil = f"Choisissez un autre nom, par exemple «{INSECABLE}{nom} 2{INSECABLE}»."
        regle = "un territoire porte déjà ce nom"
        return [Anomalie("nom du territoire", regle, conseil, valeur=nom)]
    return []


def _codes_actuels(codes: Iterable[str]) -> tuple[list[str], list[Anomalie]]:
    """Ramener des codes aux communes actuelles, triées et sans doublon, et dire ce qui a changé."""
    retenus: dict[str, str] = {}
    anomalies = []
    for code in codes:
        actuel, anomalie = code_actuel(code)
        if anomalie:
            anomalies.append(anomalie)
        if actuel in retenus and anomalie is None:
            regle, conseil = "commune en double, comptée une fois", "Rien à faire."
            anomalies.append(Anomalie(LISTE, regle, conseil, valeur=code, gravite="information"))
        elif actuel:
            retenus[actuel] = code
    return sorted(retenus), anomalies


def _fautes_de_la_table(codes: Sequence[str]) -> list[Anomalie]:
    """Relire la table des communes telle qu'elle sera écrite, et rendre ses fautes."""
    tableau, anomalies = lire_csv(csv_de_table(table_des_communes(codes)), "communes.csv")
    if tableau is None:
        return anomalies
    _, fautes = valider(tableau, schemas()[COMMUNES], codes)
    return [_nommer(a, codes) for a in [*anomalies, *fautes] if a.erreur]


def _nommer(anomalie: Anomalie, codes: Sequence[str]) -> Anomalie:
    """Dire de quelle commune le référentiel ne sait pas tout, plutôt qu'un numéro de ligne."""
    rang = (anomalie.ligne or 2) - 2
    (nom,) = referentiel.libelles([codes[rang]])
    regle = f"le référentiel n'a pas toutes les données de {nom}"
    conseil = "Retirez cette commune du territoire."
    return Anomalie(LISTE, regle, conseil, colonne=anomalie.colonne, valeur=codes[rang])


def _zones(codes: Sequence[str]) -> list[Anomalie]:
    departements = referentiel.communes().loc[list(codes), "code_departement"].unique()
    zones = {_ZONES.get(d, d) if d.startswith("97") else "métropole" for d in departements}
    if len(zones) < 2:
        return []
    conseil = "Faites un territoire par zone pour avoir une carte."
    regle = "communes de métropole et d'outre-mer mêlées, sans carte possible"
    return [Anomalie(LISTE, regle, conseil, gravite="avertissement")]


def _departements_lies(codes: Sequence[str]) -> list[Anomalie]:
    """Dire à quel EPCI et à quel département le territoire sera comparé, s'il en a plusieurs."""
    anomalies = []
    for colonne, genre in (("nom_epci", "EPCI"), ("code_departement", "départements")):
        poids = _poids(codes, colonne)
        if len(poids) > 1:
            principal = str(poids.index[0])
            nom = referentiel.departements()["nom"].get(principal, principal)
            regle = f"{len(poids)} {genre} dans le territoire"
            conseil = f"Le plus peuplé ici sert aux comparaisons{INSECABLE}: {nom}."
            anomalies.append(Anomalie(LISTE, regle, conseil, gravite="information"))
    return anomalies


def _poids(codes: Sequence[str], colonne: str) -> pd.Series:
    """Rendre la population du territoire par valeur d'une colonne, la plus forte d'abord."""
    table = referentiel.communes().loc[list(codes)].dropna(subset=colonne)
    sommes = table.groupby(colonne)["population_municipale"].sum()
    return sommes.sort_values(ascending=False, kind="stable")


# --- Écrire -------------------------------------------------------------------------------------


def creer(dossier_territoires: Path, brouillon: Brouillon) -> Path:
    """Écrire un territoire neuf, tout ou rien, et rendre son dossier.

    Lève ErreurEcriture si le brouillon a une erreur, si un dossier porte déjà ce nom, ou si le
    disque refuse ; rien n'est alors écrit.
    """
    if not brouillon.valide:
        raise ErreurEcriture(*(a for a in brouillon.anomalies if a.erreur))
    cible = dossier_territoires / brouillon.dossier
    with verrou(dossier_territoires.parent):
        dossier_territoires.mkdir(exist_ok=True)
        if cible.exists():
            conseil = "Choisissez un autre nom."
            raise ErreurEcriture(Anomalie(brouillon.nom, "ce territoire existe déjà", conseil))
        with tempfile.TemporaryDirectory(dir=dossier_territoires, prefix=".creation-") as place:
            complet = Path(place) / brouillon.dossier
            complet.mkdir()
            ecrire(complet / FICHE, fiche(brouillon).encode())
            ecrire(
                complet / f"{COMMUNES}.csv", csv_de_table(table_des_communes(brouillon.communes))
            )
            synchroniser(complet)
            complet.rename(cible)
        synchroniser(dossier_territoires)
    return cible


def fiche(brouillon: Brouillon) -> str:
    """Écrire territoire.toml : communes, niveaux de référence, missions à vérifier."""
    codes = brouillon.communes
    valeurs = {
        "identifiant": brouillon.dossier,
        "nom": brouillon.nom,
        "locatif": brouillon.locatif,
        "communes": list(codes),
        "references": ["territoire", "epci", "departement", "france"],
        "epci": [_epci(str(nom), codes) for nom in _poids(codes, "code_epci").index],
        "departement": _niveau(referentiel.departements(), _poids(codes, "code_departement")),
        "region": _niveau(referentiel.regions(), _poids(codes, "code_region")),
        "ctg": {
            "renouvellement": "inconnu",
            "a_verifier": True,
            "reserve": "Dates de signature et de fin de la CTG à renseigner.",
        },
        "sppe": {"a_verifier": True, "reserve": _declaration()["reserve_articles"]},
        "missions": [_mission(m) for m in _declaration()["mission"]],
    }
    return _ENTETE + tomli_w.dumps(valeurs)


def _epci(code: str, codes: Sequence[str]) -> dict[str, Any]:
    exact = referentiel.codes_de_l_epci(code) == sorted(codes)
    return {
        "code": code,
        "nom": referentiel.epci().at[code, "nom"],
        "couvre_exactement": exact,
    }


def _niveau(table: pd.DataFrame, poids: pd.Series) -> dict[str, str]:
    code = str(poids.index[0])
    return {"code": code, "nom": str(table.at[code, "nom"])}


@lru_cache(maxsize=1)
def _declaration() -> dict[str, Any]:
    return tomllib.loads((PARAMETRES / "missions.toml").read_text("utf-8"))


def _mission(brut: dict[str, str]) -> dict[str, Any]:
    return {
        "code": brut["code"],
        "libelle": brut["libelle"],
        "article": brut["article"],
        "titulaire": _declaration()["titulaire"],
        "exploitant": "",
        "a_verifier": True,
        "reserve": brut.get("reserve", _declaration()["reserve"]),
    }


def table_des_communes(codes: Iterable[str]) -> pd.DataFrame:
    """Rendre la table communes d'un territoire, aux colonnes du schéma, tirée du référentiel."""
    table = referentiel.communes().loc[list(codes)].reset_index(names="code_commune")
    textes = referentiel.source()
    reserve = f"{textes['source']}{INSECABLE}; {textes['reserve_position']}"
    noms = {
        "nom": "nom_commune",
        "longitude": "longitude_mairie",
        "latitude": "latitude_mairie",
    }
    situee = table["position"] == "mairie"
    complete = table.rename(columns=noms).assign(
        statut="officiel", source=[textes["source"] if vrai else reserve for vrai in situee]
    )
    return complete[[colonne.nom for colonne in schemas()[COMMUNES].colonnes]]


# --- Ce qui reste à charger ---------------------------------------------------------------------


def fichiers_a_charger(donnees: Donnees) -> pd.DataFrame:
    """Dire quels fichiers demander, et à qui, pour remplir les tables qui manquent.

    Une ligne par jeu de données : table, titre, etat (« absente », « exemple » ou « fautive »),
    producteur, jeu_de_donnees, fichier, site, periodicite, prochaine_parution (vide : inconnue),
    reserve, verifie_le. Vide quand chaque table a de vraies lignes.
    """
    colonnes = ["table", "etat", *(c for c in jeux() if c != "table")]
    table = jeux().assign(etat=[_etat(nom, donnees) for nom in jeux()["table"]])
    return table.loc[table["etat"] != "", colonnes].reset_index(drop=True)


@lru_cache(maxsize=1)
def jeux() -> pd.DataFrame:
    """Rendre les jeux de données déclarés, une ligne par jeu (parametres/sources.toml)."""
    return pd.DataFrame(tomllib.loads((PARAMETRES / "sources.toml").read_text("utf-8"))["jeu"])


def _etat(nom: str, donnees: Donnees) -> str:
    if nom in donnees.tables:
        return "exemple" if set(donnees.tables[nom]["statut"]) == {"exemple"} else ""
    return "fautive" if any(a.fichier == f"{nom}.csv" for a in donnees.anomalies) else "absente"
