"""Tenir les choix partagés : session, puis adresse, puis défaut ; et les récrire dans l'adresse."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from ctg_data.depot import terminer
from ctg_data.dossiers import TERRITOIRES, dossier_donnees
from ctg_data.ecriture import ErreurEcriture
from ctg_data.indicateurs import catalogue
from ctg_data.indicateurs.options import ESTIMATEURS, NIVEAUX, Options
from ctg_data.parametres import AUDIENCES
from ctg_data.sauvegarde import terminer_restauration
from ctg_data.territoire import EMBARQUES, FICHE, Territoire, lire_fiche, lister
from ctg_data.textes import INSECABLE, distinguer

TERRITOIRE_PAR_DEFAUT = "costieres_camargue"
INDICATEUR_PAR_DEFAUT = "taux_couverture"
REFERENCE_PAR_DEFAUT = "france"
VUES = ("presenter", "explorer")
CLES = (
    "territoire",
    "commune",
    "reference",
    "indicateur",
    "audience",
    "estimateur",
    "vue",
    "situation",
)
# Ceux-là ne sont pas dans la ligne de contexte : chaque page a les siens.
CLES_DE_PAGE = ("indicateur", "estimateur", "vue")
_CHOIX, _ECRITE, _AVIS = "choix_partages", "adresse_ecrite", "avis_adresse"
_PAGE, _RETENUS = "page_ouverte", "choix_retenus"


@dataclass(frozen=True)
class Contexte:
    """Porter les choix validés qui valent pour toute la page.

    `marque` : dossier du territoire et empreinte de ses fichiers, la clé de tous les caches.
    """

    marque: tuple[str, str]
    territoire: Territoire
    territoires: Mapping[str, str]
    commune: str | None
    reference: str
    indicateur: str
    audience: str
    estimateur: str
    vue: str
    situation: dt.date

    @property
    def cadre(self) -> tuple[object, ...]:
        """Rendre ce que montre la ligne de contexte."""
        return (self.marque, self.commune, self.reference, self.audience, self.situation)

    @property
    def cle(self) -> tuple[str, ...]:
        """Rendre ce dont dépend une figure de la page : elle entre dans la clé des caches."""
        situation = (self.commune or "", self.reference, self.audience, self.estimateur)
        return (*self.marque, *situation)

    @property
    def options(self) -> Options:
        """Rendre les options de calcul qui ne dépendent que des choix partagés."""
        return Options(audience=self.audience, estimateur=self.estimateur)

    @property
    def adresse(self) -> dict[str, str]:
        """Rendre les paramètres d'adresse qui rouvrent cette vue."""
        choix = {
            "territoire": self.territoire.code,
            "commune": self.commune or "",
            "reference": self.reference,
            "indicateur": self.indicateur,
            "audience": self.audience,
            "estimateur": self.estimateur if self.estimateur != ESTIMATEURS[0] else "",
            "vue": self.vue if self.vue != VUES[0] else "",
            "situation": self.situation.isoformat() if self.situation != dt.date.today() else "",
        }
        return {cle: valeur for cle, valeur in choix.items() if valeur}

    @property
    def adresse_de_contexte(self) -> dict[str, str]:
        """Rendre les paramètres d'adresse de la ligne de contexte."""
        return {c: v for c, v in self.adresse.items() if c not in CLES_DE_PAGE}


def changer_de_page(nom: str) -> None:
    """Retenir, en passant d'une page à l'autre, les choix que les liens du menu ne disent pas.

    Le menu n'est pas redessiné à chaque geste : ses liens ne portent que la ligne de contexte.
    """
    if st.session_state.get(_PAGE) != nom:
        choix = st.session_state.get(_CHOIX, {})
        st.session_state[_RETENUS] = {c: choix[c] for c in CLES_DE_PAGE if c in choix}
    st.session_state[_PAGE] = nom


def ouvrir() -> Contexte:
    """Fixer les choix de la page et les récrire dans l'adresse.

    Une adresse qui n'est pas celle que nous avons laissée vient de l'utilisateur (lien ouvert,
    adresse corrigée, retour en arrière) : elle l'emporte tout entière. Tout est confronté aux
    valeurs connues ; une valeur inconnue est signalée, jamais suivie.
    """
    choix, adoptee = _choix_courants()
    parmi = partial(_parmi, choix, adoptee)
    _finir(terminer_restauration, dossier_donnees())
    dossiers = _dossiers()
    code = parmi("territoire", tuple(dossiers), _territoire_par_defaut(dossiers))
    _finir(terminer, dossiers[code])
    territoire = _fiche(str(dossiers[code]), _empreinte_fiche(dossiers[code]))
    contexte = Contexte(
        marque=(str(dossiers[code]), _empreinte(dossiers[code])),
        territoire=territoire,
        # Une liste déroulante reconnaît une option à son libellé.
        territoires=distinguer(
            {c: _fiche(str(d), _empreinte_fiche(d)).nom for c, d in sorted(dossiers.items())}
        ),
        commune=parmi("commune", territoire.communes, "") or None,
        reference=parmi("reference", NIVEAUX, REFERENCE_PAR_DEFAUT),
        indicateur=parmi("indicateur", tuple(catalogue()), INDICATEUR_PAR_DEFAUT),
        audience=parmi("audience", AUDIENCES, AUDIENCES[0]),
        estimateur=parmi("estimateur", ESTIMATEURS, ESTIMATEURS[0]),
        vue=parmi("vue", VUES, VUES[0]),
        situation=_date(choix),
    )
    _ecrire_adresse(contexte.adresse, _territoire_par_defaut(dossiers))
    return contexte


def _finir(geste: Callable[[Path], None], dossier: Path) -> None:
    """Finir ce qu'une coupure a interrompu, avant de lire ; dire pourquoi si c'est impossible."""
    try:
        geste(dossier)
    except ErreurEcriture as faute:
        st.session_state[_AVIS] += [a.message for a in faute.anomalies]


def poser(cle: str, valeur: str) -> None:
    """Changer un choix partagé (depuis un rappel : la page suivante le lira)."""
    assert cle in CLES
    st.session_state.setdefault(_CHOIX, {})[cle] = valeur


def rappel(cle: str, composant: str) -> Callable[[], None]:
    """Rendre le rappel qui copie un composant d'écran vers un choix partagé."""

    def copier() -> None:
        valeur = st.session_state[composant]
        if valeur is not None:
            poser(cle, valeur.isoformat() if isinstance(valeur, dt.date) else valeur)

    return copier


def amorcer(valeurs: Mapping[str, object]) -> None:
    """Donner aux composants d'écran la valeur des choix partagés, avant de les dessiner."""
    for composant, valeur in valeurs.items():
        st.session_state[composant] = valeur


def avis() -> list[str]:
    """Rendre les avertissements nés de l'adresse reçue."""
    return st.session_state.get(_AVIS, [])


def _recue() -> dict[str, str]:
    return {c: v for c, v in st.query_params.items() if c in CLES}


def _choix_courants() -> tuple[dict[str, str], bool]:
    """Rendre les choix, et s'ils viennent d'une adresse que l'utilisateur a changée."""
    recue = _recue()
    st.session_state[_AVIS] = []
    adoptee = recue != st.session_state.get(_ECRITE)
    if adoptee:
        st.session_state[_CHOIX] = {**st.session_state.pop(_RETENUS, {}), **recue}
    return st.session_state.setdefault(_CHOIX, {}), adoptee


def _parmi(
    choix: dict[str, str], adoptee: bool, cle: str, connus: tuple[str, ...], defaut: str
) -> str:
    valeur = choix.get(cle, "")
    if valeur in connus:
        return valeur
    # Une commune laissée par le territoire précédent s'efface sans bruit.
    if valeur and adoptee:
        # La valeur fautive n'est pas répétée : elle vient de l'adresse, donc de n'importe qui.
        st.session_state[_AVIS].append(
            f"L'adresse demande une valeur inconnue pour «{INSECABLE}{cle}{INSECABLE}»"
            f"{INSECABLE}: la valeur habituelle est montrée."
        )
    choix[cle] = defaut
    return defaut


def _date(choix: dict[str, str]) -> dt.date:
    try:
        return dt.date.fromisoformat(choix.get("situation") or dt.date.today().isoformat())
    except ValueError:
        st.session_state[_AVIS].append("La date de situation demandée n'existe pas.")
        choix["situation"] = ""
        return dt.date.today()


def _ecrire_adresse(adresse: dict[str, str], territoire_par_defaut: str) -> None:
    """Récrire l'adresse si elle ne dit pas déjà la même chose.

    Chaque écriture ajoute un pas à l'historique du navigateur : compléter l'adresse reçue
    renverrait ici qui revient en arrière. Une clé absente vaut sa valeur habituelle.
    """
    habituelles = {
        "territoire": territoire_par_defaut,
        "reference": REFERENCE_PAR_DEFAUT,
        "indicateur": INDICATEUR_PAR_DEFAUT,
        "audience": AUDIENCES[0],
    }
    recue = dict(st.query_params)
    if {**habituelles, **recue} != {**habituelles, **adresse}:
        st.query_params.from_dict(adresse)
        recue = adresse
    st.session_state[_ECRITE] = {c: v for c, v in recue.items() if c in CLES}


def _dossiers() -> dict[str, Path]:
    return lister([EMBARQUES, dossier_donnees() / TERRITOIRES])


def _territoire_par_defaut(dossiers: Mapping[str, Path]) -> str:
    return TERRITOIRE_PAR_DEFAUT if TERRITOIRE_PAR_DEFAUT in dossiers else min(dossiers)


def _empreinte(dossier: Path) -> str:
    """Résumer nom, date et taille de chaque fichier : elle change dès qu'un fichier change."""
    with os.scandir(dossier) as fichiers:
        etats = [(f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in fichiers if f.is_file()]
    return str(hash(tuple(sorted(etats))))


def _empreinte_fiche(dossier: Path) -> int:
    return (dossier / FICHE).stat().st_mtime_ns


@st.cache_data(max_entries=200, show_spinner=False)
def _fiche(dossier: str, empreinte: int) -> Territoire:
    return lire_fiche(Path(dossier))[0]
