"""Lire n'importe quel fichier déposé : sa nature d'abord, ses cellules ensuite."""

from __future__ import annotations

from dataclasses import replace

from ctg_data.anomalies import Anomalie
from ctg_data.lecture.anciens_classeurs import lire_ods, lire_xls
from ctg_data.lecture.archive import fichiers_utiles
from ctg_data.lecture.classeur import lire_xlsx
from ctg_data.lecture.encodage import decoder
from ctg_data.lecture.entete import tabuler
from ctg_data.lecture.modele import Lecture, Rangees, Tableau
from ctg_data.lecture.parquet import lire_parquet
from ctg_data.lecture.signatures import Refus, nature
from ctg_data.lecture.texte import decouper
from ctg_data.ligne_exemple import FEUILLE_AIDE
from ctg_data.textes import INSECABLE, compte, enumeration

TAILLE_MAX_MO = 200


def lire(octets: bytes, fichier: str) -> Lecture:
    """Lire les octets d'un fichier, quel qu'il soit ; ne lève jamais.

    Rend un tableau par feuille utile (ou par fichier d'une archive), ou les octets des contours,
    et toutes les anomalies. `fichier` ne sert qu'à l'extension et aux messages : il n'est jamais
    ouvert.
    """
    try:
        genre = nature(octets, fichier)
        if genre == "archive":
            return _archive(octets, fichier)
        if genre in ("geojson", "geopackage"):
            return Lecture(fichier, genre, contours=((fichier, octets),))
        rangees, anomalies = _rangees(octets, fichier, genre)
    except Refus as refus:
        return Lecture(fichier, "inconnue", anomalies=(refus.anomalie(fichier),))
    except MemoryError:
        conseil = "Ne gardez que les communes et les colonnes utiles."
        return Lecture(fichier, "inconnue", anomalies=(Anomalie(fichier, "trop gros", conseil),))
    tableaux, suite = _tableaux(rangees, fichier)
    return Lecture(fichier, genre, tuple(tableaux), anomalies=tuple(anomalies + suite))


def lire_csv(octets: bytes, fichier: str) -> tuple[Tableau | None, list[Anomalie]]:
    """Lire une table en texte (CSV et cousins) : le tableau, None s'il est illisible, et le reste.

    Ne lève jamais. C'est `lire` pour un fichier que l'on sait être une table de texte.
    """
    lecture = lire(octets, fichier)
    tableau = lecture.tableaux[0] if lecture.tableaux and lecture.lisible else None
    return tableau, list(lecture.anomalies)


def _rangees(octets: bytes, fichier: str, genre: str) -> tuple[list[Rangees], list[Anomalie]]:
    if genre == "classeur Excel":
        return lire_xlsx(octets, fichier)
    if genre == "ancien classeur Excel":
        return lire_xls(octets, fichier), []
    if genre == "classeur LibreOffice":
        return lire_ods(octets, fichier), []
    if genre == "parquet":
        return [lire_parquet(octets, fichier)], []
    texte, anomalies = decoder(octets, fichier)
    rangees, suite = decouper(texte, fichier)
    return [rangees], anomalies + suite


def _tableaux(rangees: list[Rangees], fichier: str) -> tuple[list[Tableau], list[Anomalie]]:
    """Rendre les tableaux des feuilles remplies ; une feuille de notes n'arrête pas les autres."""
    remplies = [r for r in rangees if r.lignes and r.feuille != FEUILLE_AIDE] or rangees[:1]
    if not remplies:
        vide = Rangees(fichier, (), (), classeur=True)
        remplies = [vide]
    tables = [tabuler(r) for r in remplies]
    bons = [(t, a) for t, a in tables if t is not None]
    if len(remplies) == 1 or not bons:
        return [t for t, _ in bons], [a for _, fautes in tables for a in fautes]
    lus = [t for t, _ in bons]
    ignorees = [r.feuille for r, (t, _) in zip(remplies, tables, strict=True) if t is None]
    return lus, [_note_feuilles(lus, ignorees, fichier), *(a for _, f in bons for a in f)]


def _note_feuilles(lus: list[Tableau], ignorees: list[str], fichier: str) -> Anomalie:
    regle = f"{compte(len(lus), 'feuille lue', 'feuilles lues')}{INSECABLE}: " + enumeration(
        [f"« {t.feuille} »" for t in lus]
    )
    if ignorees:
        regle += f"{INSECABLE}; sans tableau, ignorées{INSECABLE}: " + enumeration(
            [f"« {f} »" for f in ignorees]
        )
    return Anomalie(fichier, regle, "", gravite="information")


def _archive(octets: bytes, fichier: str) -> Lecture:
    """Lire chaque fichier utile d'une archive ; les anomalies disent lequel."""
    lectures = [lire(contenu, nom) for nom, contenu in fichiers_utiles(octets)]
    return Lecture(
        fichier,
        "archive",
        tuple(replace(t, feuille=t.feuille or t.fichier) for lu in lectures for t in lu.tableaux),
        tuple(c for lu in lectures for c in lu.contours),
        tuple(a for lu in lectures for a in lu.anomalies),
    )
