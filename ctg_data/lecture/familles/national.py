"""Lire un fichier national en n'en gardant qu'un territoire, à mémoire bornée.

Un CSV est lu par blocs, sur plusieurs fils, avec l'analyseur de pyarrow : le plus rapide des
lecteurs mesurés qui reste sous 150 Mo (bench/LECTURE.md). Une archive, ou un CSV dont une cellule
contient un saut de ligne, est lue en un seul flux.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ctg_data.anomalies import Anomalie, abreger
from ctg_data.lecture.familles.communes import Geographie, formes_des_codes, france
from ctg_data.lecture.familles.extraction import convertir
from ctg_data.lecture.familles.flux import (
    MO,
    Plan,
    Progression,
    cellules_de,
    decoder,
    filtrer,
    lire_csv,
    lire_flux,
    refuser,
    table_vide,
)
from ctg_data.lecture.familles.formes import Brut, rangs_utiles
from ctg_data.lecture.familles.lieux import codes_postaux
from ctg_data.lecture.familles.modele import Annulation, Extraction, Reconnaissance
from ctg_data.lecture.familles.reconnaissance import colonne_du_role, nettoyer, reconnaitre
from ctg_data.textes import INSECABLE

TETE = MO
APERCU = 64 << 10
LIGNES_PARQUET = 1 << 16
# Bombes : le plus gros fichier public connu fait 1 Go et se comprime 15 fois.
TAILLE_MAX = 8 << 30
RAPPORT_MAX = 200
SEPARATEURS = ";,\t|"


def extraire_fichier(
    chemin: Path,
    communes: Collection[str] | None,
    progression: Progression = lambda part: True,
    *,
    fichier: str = "",
    geographie: Geographie | None = None,
) -> Extraction:
    """Tirer d'un fichier national (CSV, zip d'un CSV, Parquet) les tables d'un territoire.

    Le filtre se fait pendant la lecture : la mémoire ne suit pas la taille du fichier, sauf
    `communes=None` (toute la France). `progression` reçoit la part lue, de 0 à 1 ; si elle rend
    False, lève Annulation. `fichier` : le nom d'origine, quand `chemin` est une copie provisoire.
    Lève Refus (avec son anomalie) quand le fichier ne peut pas être lu ou n'est pas reconnu.
    """
    lieu = geographie or france()
    nom = fichier or chemin.name
    with chemin.open("rb") as flux:
        tete = flux.read(TETE)
    if tete.startswith(b"PAR1"):
        plan, table, lues = _lire_parquet(chemin, nom, communes, lieu, progression)
        fautes: list[Anomalie] = []
    elif tete.startswith(b"PK\x03\x04"):
        plan, table, lues, fautes = _lire_archive(chemin, nom, communes, lieu, progression)
    else:
        plan, postaux = planifier(tete, nom, communes, lieu)
        table, lues, fautes = lire_csv(chemin, plan, progression)
        fautes += postaux
    cellules = cellules_de(table, plan.rangs)
    brut = Brut(nom, plan.noms, cellules)
    extraction = convertir(plan.reconnaissance, brut, communes, lues, lieu)
    anomalies = (*fautes, *extraction.anomalies)
    return replace(extraction, anomalies=anomalies, extrait=_extrait(plan, cellules))


# --- Préparer ------------------------------------------------------------------------------------


def planifier(
    tete: bytes, nom: str, communes: Collection[str] | None, lieu: Geographie
) -> tuple[Plan, list[Anomalie]]:
    """Reconnaître un CSV à ses premiers octets et préparer sa lecture."""
    if tete.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in tete:
        raise refuser(nom, "le fichier n'est pas un texte en UTF-8", "Enregistrez-le en CSV UTF-8.")
    debut = tete.find(b"\n") + 1
    if not debut:
        raise refuser(nom, "aucune ligne sous l'en-tête", "Téléchargez de nouveau le fichier.")
    entete = decoder(tete[:debut]).lstrip("\ufeff").rstrip("\r\n")
    for separateur in SEPARATEURS:
        noms = tuple(nettoyer(n) for n in next(csv.reader([entete], delimiter=separateur), []))
        reconnaissance = reconnaitre(noms, nom)
        if reconnaissance is not None:
            plan = _plan(reconnaissance, nom, noms, communes, lieu)
            plan = replace(plan, separateur=separateur, debut=debut)
            return _ajuster(plan, _apercu(tete[debut : debut + APERCU], plan), communes, lieu)
    regle = "fichier national non reconnu à son en-tête"
    conseil = "Chargez le fichier tel que le producteur le publie, sans renommer ses colonnes."
    raise refuser(nom, regle, conseil, abreger(entete))


def _plan(
    reconnaissance: Reconnaissance,
    nom: str,
    noms: tuple[str, ...],
    communes: Collection[str] | None,
    lieu: Geographie,
) -> Plan:
    famille = reconnaissance.famille
    clef = None if famille.niveaux or communes is None else colonne_du_role(famille, "code", noms)
    codes = formes_des_codes(frozenset(communes or ()), lieu)
    rangs = tuple(rangs_utiles(reconnaissance, noms))
    coupe = slice(0, 5) if famille.iris else None
    return Plan(reconnaissance, nom, noms, ";", 0, rangs, clef, codes, coupe)


def _apercu(octets: bytes, plan: Plan) -> list[str]:
    """Lire les premiers codes du fichier, pour savoir comment il les écrit."""
    rang = colonne_du_role(plan.reconnaissance.famille, "code", plan.noms)
    texte = decoder(octets[: octets.rfind(b"\n") + 1])
    lignes = csv.reader(io.StringIO(texte, newline=""), delimiter=plan.separateur)
    return [li[rang].strip() for li in lignes if rang is not None and len(li) > rang]


def _ajuster(
    plan: Plan, codes: list[str], communes: Collection[str] | None, lieu: Geographie
) -> tuple[Plan, list[Anomalie]]:
    """Suivre l'écriture des codes : « COM-30258 » se compare sur ses cinq derniers caractères."""
    if any("COM-" in c.upper() for c in codes):
        plan = replace(plan, coupe=slice(-5, None))
    if communes is None or plan.clef is None or plan.reconnaissance.famille.iris:
        return plan, []
    return plan, codes_postaux(codes, lieu, plan.fichier)


def _extrait(plan: Plan, cellules: pd.DataFrame) -> bytes:
    """Écrire les lignes gardées en CSV, pour ne jamais relire le fichier national."""
    texte = io.StringIO(newline="")
    redacteur = csv.writer(texte, delimiter=";", lineterminator="\n")
    redacteur.writerow([plan.noms[rang] for rang in plan.rangs])
    redacteur.writerows(cellules.itertuples(index=False, name=None))
    return texte.getvalue().encode()


# --- Archives et Parquet -------------------------------------------------------------------------


def _lire_archive(
    chemin: Path,
    nom: str,
    communes: Collection[str] | None,
    lieu: Geographie,
    progression: Progression,
) -> tuple[Plan, pa.Table, int, list[Anomalie]]:
    """Lire en flux le CSV d'une archive, sans jamais la déployer."""
    try:
        with zipfile.ZipFile(chemin) as archive:
            membre = _membre(archive, nom)
            with archive.open(membre) as flux:
                tete = flux.read(TETE)
            plan, postaux = planifier(tete, f"{nom} > {membre.filename}", communes, lieu)
            with archive.open(membre) as flux:
                table, lues, fautes = lire_flux(flux, membre.file_size, plan, progression)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as faute:
        raise refuser(nom, "archive abîmée", "Téléchargez-la de nouveau.") from faute
    except RuntimeError as faute:
        raise refuser(nom, "archive protégée par un mot de passe", "Ôtez-le.") from faute
    return plan, table, lues, [*fautes, *postaux]


def _membre(archive: zipfile.ZipFile, nom: str) -> zipfile.ZipInfo:
    """Choisir le fichier de données d'une archive : le plus gros CSV, hors métadonnées."""
    candidats = [
        m
        for m in archive.infolist()
        if m.filename.casefold().endswith((".csv", ".txt")) and not _de_meta(m.filename)
    ]
    if not candidats:
        raise refuser(nom, "aucun CSV dans l'archive", "Déployez-la et chargez son fichier.")
    membre = max(candidats, key=lambda m: m.file_size)
    gonfle = membre.file_size > RAPPORT_MAX * max(membre.compress_size, 1)
    if membre.file_size > TAILLE_MAX or (gonfle and membre.file_size > TETE):
        taille = f"{membre.file_size // MO}{INSECABLE}Mo"
        raise refuser(nom, "archive trop volumineuse une fois ouverte", "Vérifiez-la.", taille)
    return membre


def _de_meta(chemin: str) -> bool:
    nom = chemin.rsplit("/", 1)[-1].casefold()
    return nom.startswith(("meta", ".")) or "metadata" in nom


def _lire_parquet(
    chemin: Path,
    nom: str,
    communes: Collection[str] | None,
    lieu: Geographie,
    progression: Progression,
) -> tuple[Plan, pa.Table, int]:
    """Lire un Parquet par lots ; seules les colonnes utiles sont décodées."""
    try:
        with pq.ParquetFile(chemin, memory_map=False) as fichier:
            noms = tuple(nettoyer(n) for n in fichier.schema_arrow.names)
            reconnaissance = reconnaitre(noms, nom)
            if reconnaissance is None:
                regle = "fichier national non reconnu à ses colonnes"
                raise refuser(nom, regle, "Chargez le fichier tel que publié.")
            plan = _plan(reconnaissance, nom, noms, communes, lieu)
            return plan, *_lots(fichier, plan, progression)
    except (pa.ArrowException, OSError) as faute:
        raise refuser(nom, "Parquet illisible", "Téléchargez-le de nouveau.") from faute


def _lots(fichier: pq.ParquetFile, plan: Plan, progression: Progression) -> tuple[pa.Table, int]:
    colonnes = [fichier.schema_arrow.names[rang] for rang in plan.rangs]
    total = max(fichier.metadata.num_rows, 1)
    tables, lues = [table_vide(plan)], 0
    for lot in fichier.iter_batches(LIGNES_PARQUET, columns=colonnes):
        brute = pa.Table.from_batches([lot]).select(colonnes)
        brute = brute.rename_columns([str(rang) for rang in plan.rangs])
        lues += lot.num_rows
        tables.append(filtrer(_en_octets(brute, plan.clef), plan))
        if not progression(lues / total):
            raise Annulation
    return pa.concat_tables([_en_octets(t) for t in tables]), lues


def _en_octets(table: pa.Table, seule: int | None = None) -> pa.Table:
    """Passer des colonnes en octets : une seule avant le filtre, toutes après."""
    for rang, nom in enumerate(table.column_names):
        if seule is None or nom == str(seule):
            texte = pc.cast(pc.cast(table.column(nom), pa.string()), pa.binary())
            table = table.set_column(rang, nom, pc.fill_null(texte, b""))
    return table
