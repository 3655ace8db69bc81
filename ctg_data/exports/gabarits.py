"""Écrire le gabarit d'une table : un classeur à remplir, que le contrôle accepte tel quel."""

from __future__ import annotations

import datetime as dt
import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter

from ctg_data.ligne_exemple import (
    FEUILLE_AIDE,
    FEUILLE_SAISIE,
    MARQUE,
    colonne_marquee,
    textes_exemple,
)
from ctg_data.schema import COLONNE_COMMUNE, TYPES, Colonne, Schema, dictionnaire, schemas
from ctg_data.textes import INSECABLE

LIGNES = 5_000
# Au-delà, un tableur refuse une liste écrite dans la cellule : elle renvoie au mode d'emploi.
LISTE_MAX = 255
BOOLEENS = ("oui", "non")
_LARGEUR_NOTE, _SIGNES_PAR_LIGNE, _HAUTEUR_LIGNE = 320, 48, 18
_SIGNES_AIDE = 150
_COLONNES_AIDE = (24, 26, 18, 14, 18, 24, 16, 30, 90)
_SANS_CALCUL = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_FORMATS = {"string": "@", "date": "dd/mm/yyyy"}
_DATE = "Écrivez JJ/MM/AAAA."
_NOMBRE = "Laissez vide si la valeur manque : une case vide n'est pas un zéro."


def gabarit(schema_nom: str, communes: Mapping[str, str] | None = None) -> bytes:
    """Écrire le classeur XLSX d'une table déclarée : en-tête, aide, listes et ligne d'exemple.

    `communes` : nom de chaque commune du territoire, par code ; elles deviennent une liste
    déroulante. La première feuille se remplit, la seconde explique. Aucune formule. Lève KeyError
    si la table n'est pas déclarée.
    """
    schema = schemas()[schema_nom]
    sortie = io.BytesIO()
    with xlsxwriter.Workbook(sortie, _SANS_CALCUL) as classeur:
        saisie = classeur.add_worksheet(FEUILLE_SAISIE)
        aide = classeur.add_worksheet(FEUILLE_AIDE)
        plage = _aide(classeur, aide, schema, communes or {})
        _saisie(classeur, saisie, schema)
        for rang, colonne in enumerate(schema.colonnes):
            _liste(saisie, rang, colonne, tuple(communes or ()), plage)
        classeur.set_properties({"title": schema.titre, "company": "", "author": "Boussole CTG"})
    return sortie.getvalue()


# --- La feuille à remplir -----------------------------------------------------------------------


def _saisie(classeur: Any, feuille: Any, schema: Schema) -> None:
    """Écrire l'en-tête, ses notes et la ligne d'exemple, et donner leur format aux colonnes."""
    styles = {vrai: classeur.add_format(_style_entete(vrai)) for vrai in (True, False)}
    exemple = textes_exemple(schema)
    for rang, colonne in enumerate(schema.colonnes):
        forme = classeur.add_format({"num_format": _FORMATS.get(colonne.type, "General")})
        feuille.set_column(rang, rang, max(14, len(colonne.nom) + 4), forme)
        feuille.write_string(0, rang, colonne.nom, styles[colonne.obligatoire])
        note = _note(colonne)
        feuille.write_comment(0, rang, note, _taille(note))
        _ecrire(feuille, rang, exemple[colonne.nom], colonne, forme)
    feuille.write_comment(1, 0, MARQUE + ".", _taille(MARQUE))
    _griser(classeur, feuille, schema)
    feuille.freeze_panes(1, 0)
    feuille.set_landscape()
    feuille.repeat_rows(0)


def _style_entete(obligatoire: bool) -> dict[str, Any]:
    """Signaler une colonne obligatoire par une étoile qui se voit sans entrer dans le nom."""
    style = {"bold": obligatoire, "border": 1, "bg_color": "#E8EEF4"}
    return {**style, "bg_color": "#C9D9E8", "num_format": '@" *"'} if obligatoire else style


def _ecrire(feuille: Any, rang: int, texte: str, colonne: Colonne, forme: Any) -> None:
    if colonne.type in ("integer", "number"):
        feuille.write_number(1, rang, float(texte), forme)
    elif colonne.type == "date":
        feuille.write_datetime(1, rang, dt.datetime.fromisoformat(texte), forme)
    else:
        feuille.write_string(1, rang, texte, forme)


def _griser(classeur: Any, feuille: Any, schema: Schema) -> None:
    """Griser la ligne d'exemple tant qu'elle se dit telle : une vraie ligne reprend sa couleur."""
    noms = [c.nom for c in schema.colonnes]
    lettre = xlsxwriter.utility.xl_col_to_name(noms.index(colonne_marquee(schema)))
    gris = classeur.add_format({"italic": True, "font_color": "#5F5F5F", "bg_color": "#F2F2F2"})
    critere = {"type": "formula", "criteria": f'=${lettre}2="{MARQUE}"', "format": gris}
    feuille.conditional_format(1, 0, LIGNES, len(noms) - 1, critere)


def _note(colonne: Colonne) -> str:
    """Écrire l'aide d'une colonne : titre, obligation, unité, forme et sens."""
    unite = f" ({colonne.unite})" if colonne.unite else ""
    return "\n".join(
        [
            f"{colonne.titre}{unite}",
            f"{_obligation(colonne)} {_forme(colonne)}",
            colonne.description,
            f"Exemple{INSECABLE}: {colonne.exemple}",
        ]
    )


def _obligation(colonne: Colonne) -> str:
    if colonne.obligatoire:
        return "Obligatoire."
    if colonne.presence:
        return "Gardez la colonne ; ses cases peuvent être vides."
    return "Facultatif."


def _forme(colonne: Colonne) -> str:
    """Dire sous quelle forme écrire une colonne."""
    nature = TYPES[colonne.type].capitalize()
    if colonne.valeurs:
        return f"Choisissez dans la liste{INSECABLE}: {', '.join(colonne.valeurs)}."
    precision = {"date": _DATE, "integer": _NOMBRE, "number": _NOMBRE}.get(colonne.type, "")
    return f"{nature}. {precision}".strip()


def _taille(texte: str) -> dict[str, Any]:
    lignes = sum(1 + len(li) // _SIGNES_PAR_LIGNE for li in texte.split("\n"))
    return {"width": _LARGEUR_NOTE, "height": _HAUTEUR_LIGNE * (lignes + 1)}


def _liste(
    feuille: Any, rang: int, colonne: Colonne, communes: Sequence[str], plage: str | None
) -> None:
    """Poser la liste déroulante d'une colonne, si elle en a une."""
    if colonne.nom == COLONNE_COMMUNE:
        valeurs, titre = tuple(communes), "Communes du territoire"
    else:
        valeurs = colonne.valeurs or (BOOLEENS if colonne.type == "boolean" else ())
        titre = "Valeurs admises"
    if not valeurs:
        return
    courte = len(",".join(valeurs)) <= LISTE_MAX
    feuille.data_validation(
        1,
        rang,
        LIGNES,
        rang,
        {
            "validate": "list",
            "source": list(valeurs) if courte else plage,
            "input_title": titre,
            "input_message": f"Choisissez dans la liste (voir «{INSECABLE}{FEUILLE_AIDE}»).",
            "error_title": "Valeur hors de la liste",
            "error_message": "Choisissez une valeur de la liste déroulante.",
        },
    )


# --- La feuille qui explique --------------------------------------------------------------------


def _aide(classeur: Any, feuille: Any, schema: Schema, communes: Mapping[str, str]) -> str | None:
    """Écrire le mode d'emploi ; rendre la plage des codes de communes, s'il y en a."""
    gras = classeur.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    texte = classeur.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
    libre = classeur.add_format({"num_format": "@"})
    feuille.write_string(0, 0, schema.titre, classeur.add_format({"bold": True, "font_size": 14}))
    ligne = 1
    for phrase in (schema.description, *_consignes(bool(communes))):
        for morceau in textwrap.wrap(phrase, _SIGNES_AIDE):
            feuille.write_string(ligne, 0, morceau, libre)
            ligne += 1
    colonnes = dictionnaire(schema)
    for rang, largeur in enumerate(_COLONNES_AIDE):
        feuille.set_column(rang, rang, largeur)
    ligne = _tableau(feuille, ligne + 1, list(colonnes.columns), colonnes.values, gras, texte)
    if not communes:
        return None
    fin = _tableau(feuille, ligne + 1, ["Code commune", "Commune"], communes.items(), gras, texte)
    nom = FEUILLE_AIDE.replace("'", "''")
    return f"='{nom}'!$A${ligne + 3}:$A${fin}"


def _consignes(avec_communes: bool) -> list[str]:
    liste = "Les codes de vos communes sont au bas de cette feuille." if avec_communes else ""
    return [
        f"Remplissez la feuille «{INSECABLE}{FEUILLE_SAISIE}{INSECABLE}», une ligne par "
        "observation, sous l'en-tête, sans changer les noms des colonnes.",
        "Une étoile signale une colonne obligatoire. Passez la souris sur un nom de colonne pour "
        "lire son aide.",
        "La ligne grisée est un exemple : écrivez par-dessus, ou supprimez-la. Laissée telle "
        "quelle, elle est ignorée.",
        "Une case vide est une valeur absente, jamais un zéro. Ne mettez ni ligne de total, ni "
        "cellules fusionnées.",
        f"Enregistrez en .xlsx, puis déposez le fichier dans la page Données. {liste}".strip(),
    ]


def _tableau(
    feuille: Any, ligne: int, titres: Sequence[str], rangees: Any, gras: Any, texte: Any
) -> int:
    """Écrire un tableau de texte et rendre le numéro de la ligne qui le suit."""
    for rang, titre in enumerate(titres):
        feuille.write_string(ligne, rang, titre, gras)
    for rangee in rangees:
        ligne += 1
        for rang, valeur in enumerate(rangee):
            feuille.write_string(ligne, rang, str(valeur), texte)
    return ligne + 1
