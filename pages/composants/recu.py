"""Recevoir un fichier : le contrôler pour le territoire, prévoir son dépôt, l'appliquer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st

from ctg_data import depot
from ctg_data.anomalies import Anomalie
from ctg_data.controle import Controle, controler
from ctg_data.dossiers import TERRITOIRES, dossier_donnees
from ctg_data.ecriture import ErreurEcriture, expliquer
from ctg_data.examen import provenance
from ctg_data.lecture import familles
from ctg_data.schema import schemas
from ctg_data.textes import INSECABLE, enumeration
from geodata.contours import ErreurContours
from geodata.contours_deposes import contours_du_territoire
from pages.composants.contexte import Contexte

_FAITS = "depots_faits"
# Le champ « Votre nom », partagé par les vues.
AUTEUR = "depot_auteur"
SANS_NOM = "non précisé"


@dataclass(frozen=True)
class Recu:
    """Porter un fichier contrôlé : son contrôle, ses octets (ou son extrait), ses contours prêts.

    `cle` : identifie ce fichier pour ce territoire, le temps de la session ; `extrait` : les octets
    sont un CSV tiré d'un fichier national, qui n'est pas gardé.
    """

    cle: str
    controle: Controle
    octets: bytes
    contours: bytes | None = None
    extrait: bool = False

    @property
    def nom(self) -> str:
        """Rendre le nom à garder avec le dépôt ; celui d'un extrait dit qu'il est un CSV."""
        return f"{self.controle.fichier}.csv" if self.extrait else self.controle.fichier

    @property
    def vide(self) -> bool:
        """Dire si rien n'est à déposer : fichier refusé, ou qui ne remplit aucune table."""
        return not self.controle.tables and self.contours is None


@dataclass(frozen=True)
class Fait:
    """Porter le résultat d'un dépôt demandé : la phrase à montrer, ou les raisons du refus."""

    phrase: str = ""
    anomalies: tuple[Anomalie, ...] = ()


# --- Contrôler ----------------------------------------------------------------------------------


def recevoir(contexte: Contexte, identifiant: str, octets: bytes, nom: str) -> Recu:
    """Contrôler un fichier déposé pour le territoire de la page ; ne lève jamais."""
    return _recevoir(
        contexte.territoire.code, contexte.territoire.communes, identifiant, nom, octets
    )


@st.cache_resource(max_entries=20, show_spinner="Contrôle du fichier…")
def _recevoir(
    territoire: str, communes: tuple[str, ...], identifiant: str, nom: str, _octets: bytes
) -> Recu:
    lu = controler(_octets, nom, communes=communes or None)
    cle = f"{territoire}/{identifiant}"
    if lu.contours is None:
        return Recu(cle, lu, _octets)
    try:
        prets = contours_du_territoire(lu.contours, communes, nom)
    except ErreurContours as faute:
        anomalies = (*faute.anomalies, *lu.anomalies)
        return Recu(cle, replace(lu, verdict="refuse", anomalies=anomalies, contours=None), _octets)
    ici = len(set(lu.contours["code"]) & set(communes))
    return Recu(cle, replace(lu, communes=ici), _octets, prets)


def titre_reconnu(controle: Controle) -> str:
    """Nommer ce qui a été reconnu : le fichier public, la table ou les contours ; vide sinon."""
    reconnu = controle.reconnu or ""
    if reconnu in familles.catalogue():
        return familles.catalogue()[reconnu].titre
    if reconnu in schemas():
        return f"table «{INSECABLE}{schemas()[reconnu].titre}{INSECABLE}»"
    return "contours de communes" if reconnu else ""


# --- Prévoir ------------------------------------------------------------------------------------


def prevoir(contexte: Contexte, recu: Recu, remplacer: bool) -> depot.Apercu:
    """Rendre l'aperçu de ce dépôt sur l'état actuel du territoire ; ne lève jamais."""
    try:
        return _prevoir(contexte.marque, recu.cle, remplacer, recu)
    except ErreurEcriture as faute:
        return depot.Apercu({}, "", faute.anomalies)
    except OSError as faute:
        return depot.Apercu({}, "", expliquer(faute, contexte.territoire.code).anomalies)


@st.cache_resource(max_entries=40, show_spinner="Calcul de ce qui va changer…")
def _prevoir(marque: tuple[str, str], cle: str, remplacer: bool, _recu: Recu) -> depot.Apercu:
    return depot.apercu(Path(marque[0]), _recu.controle.tables, remplacer)


# --- Appliquer ----------------------------------------------------------------------------------


def fait(recu: Recu) -> Fait | None:
    """Rendre le résultat du dépôt de ce fichier, s'il a été demandé."""
    return st.session_state.get(_FAITS, {}).get(recu.cle)


def appliqueur(
    contexte: Contexte, recu: Recu, marque: str, remplacer: bool, auteur: str
) -> Callable[[], None]:
    """Rendre le rappel qui dépose ce qui est montré, et rien d'autre.

    Le rappel porte la marque de l'aperçu que l'on a sous les yeux : si les données ont changé
    entre-temps, le dépôt est refusé et l'aperçu refait.
    """
    return partial(_appliquer, Path(contexte.marque[0]), recu, marque, remplacer, auteur)


def _appliquer(dossier: Path, recu: Recu, marque: str, remplacer: bool, auteur: str) -> None:
    quand = dt.datetime.now().astimezone()
    try:
        cible = depot.chez_soi(dossier, dossier_donnees() / TERRITOIRES)
        depose = depot.appliquer(
            cible,
            recu.controle.tables,
            recu.octets,
            recu.nom,
            provenance(recu.controle),
            auteur.strip() or SANS_NOM,
            quand,
            remplacer,
            marque=marque,
            contours=recu.contours,
        )
        resultat = Fait(_phrase(depose, quand, copie=cible != dossier))
    except ErreurEcriture as faute:
        resultat = Fait(anomalies=faute.anomalies)
    st.session_state.setdefault(_FAITS, {})[recu.cle] = resultat


def heure(quand: dt.datetime) -> str:
    """Écrire une heure : « 14 h 32 »."""
    return f"{quand.hour}{INSECABLE}h{INSECABLE}{quand:%M}"


def _phrase(depose: depot.Depot, quand: dt.datetime, *, copie: bool) -> str:
    ou = [f"{schemas()[nom].titre}" for nom in depose.tables]
    ou += [] if set(depose.fichiers) <= {f"{t}.csv" for t in depose.tables} else ["contours"]
    phrase = f"Enregistré à {heure(quand)}{INSECABLE}: {enumeration(ou)}."
    if copie:
        phrase += " L'outil a d'abord copié chez vous le territoire livré."
    return phrase
