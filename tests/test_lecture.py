"""Lire des fichiers abîmés de toutes les façons : un cas par faute, nommé par sa faute.

Les textes sont écrits ici, les binaires fabriqués ici : chacun est petit, et se relit.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import sqlite3
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font
from pyproj import Transformer

from ctg_data import codes, referentiel
from ctg_data.__main__ import main
from ctg_data.controle import ANOMALIES_MAX, IMPREVUE, Controle, controler
from ctg_data.dates import lire_date
from ctg_data.doublons import ecarts
from ctg_data.lecture import lire
from ctg_data.nombres import ENTIER_MAX, lire_entier, lire_nombre
from ctg_data.schema import schemas
from ctg_data.textes import nombre

RACINE = Path(__file__).resolve().parent.parent
ENTETE = "code_commune;commune;places;enfants_0_2;taux_couverture"
ABERGEMENT = "01001;L'Abergement-Clémenciat;12;21;57,1"
AMBERIEU = "01004;Ambérieu-en-Bugey;310;498;62,2"
VALSERHONE = "01033;Valserhône;205;540;38,0"
BASE = "\n".join([ENTETE, ABERGEMENT, AMBERIEU, VALSERHONE]) + "\n"


def table(*lignes: str, entete: str = ENTETE) -> bytes:
    return ("\n".join([entete, *lignes]) + "\n").encode()


def phrases(controle: Controle) -> str:
    """Rendre tout ce qui est dit d'un fichier, espaces simples."""
    dites = " ".join(f"{a.constat} {a.correction}" for a in controle.anomalies)
    return dites.replace("\u00a0", " ").replace("\u202f", " ")


def synthese(controle: Controle) -> pd.DataFrame:
    return controle.tables["synthese_communale"]


# --- Textes ---------------------------------------------------------------------------------------

# Faute → (octets, verdict, ce qui doit être dit).
Cas = tuple[bytes, str, str]
TEXTES: dict[str, Cas] = {
    "rien": (BASE.encode(), "accepte", ""),
    "fins_de_ligne_windows": (BASE.replace("\n", "\r\n").encode(), "accepte", ""),
    "sans_fin_de_ligne": (BASE.rstrip().encode(), "accepte", ""),
    "cellules_vides": (table("01001;X;;;", AMBERIEU), "accepte", ""),
    "formule_inerte": (table("01001;=cmd|' /C calc'!A0;12;21;57,1"), "accepte", ""),
    # Encodages.
    "utf16_avec_marque": (BASE.encode("utf-16"), "normalise", "UTF-16"),
    "utf16_sans_marque": (BASE.encode("utf-16-le"), "normalise", "UTF-16"),
    "utf32": (BASE.encode("utf-32"), "normalise", "UTF-32"),
    "iso_8859_15": (
        BASE.replace("Ambérieu", "Cœur à 12 €").encode("iso8859_15"),
        "normalise",
        "ISO-8859-15",
    ),
    "windows_1252_apostrophe": (
        BASE.replace("'", "’").encode("cp1252"),
        "normalise",
        "Windows-1252",
    ),
    "double_encodage": (
        BASE.encode().decode("cp1252").encode(),
        "normalise",
        "mal décodés réparés sur 3 lignes",
    ),
    "dos_850": (BASE.encode("cp850"), "refuse", "Ligne 2, colonne « commune » : encodage non"),
    "macintosh": (BASE.encode("mac_roman"), "refuse", "encodage non reconnu"),
    "caractere_perdu": (BASE.replace("é", "\ufffd", 1).encode(), "normalise", "perdu"),
    "encodages_melanges": (
        BASE.encode() + "97411;Saint-Denis à la mer".encode("cp1252") + b";1;2;50,0",
        "refuse",
        "Ligne 5, colonne « commune » : caractère illisible (octet 0xE0)",
    ),
    # Séparateurs, guillemets, lignes.
    "tabulations": (BASE.replace(";", "\t").encode(), "normalise", "tabulations"),
    "barres": (BASE.replace(";", "|").encode(), "normalise", "barres"),
    "virgules": (
        b'code_commune,commune,places,taux_couverture\n01001,X,12,"57,1"\n',
        "normalise",
        "virgules",
    ),
    "ligne_sep": (b"sep=;\n" + BASE.encode(), "normalise", "En-tête trouvé en ligne 2"),
    "fins_de_ligne_melangees": (
        BASE.replace("\n01004", "\r\n01004").encode(),
        "normalise",
        "mélangées",
    ),
    "guillemet_jamais_ferme": (
        table(ABERGEMENT, '01004;"Ambérieu;310;498;62,2', VALSERHONE),
        "refuse",
        "Ligne 3 : guillemet mal placé ou jamais refermé",
    ),
    "guillemet_mal_place": (table('01004;"Amb" érieu;1;2;50,0'), "refuse", "Ligne 2 : guillemet"),
    "ligne_trop_courte": (table(ABERGEMENT, "01004;X;310"), "refuse", "Ligne 3 : 3 colonnes"),
    "colonnes_vides_a_droite": (
        BASE.replace("\n", ";;\n").encode(),
        "normalise",
        "2 colonnes vides",
    ),
    "separateur_en_trop": (
        table(ABERGEMENT + ";", AMBERIEU + ";"),
        "normalise",
        "Séparateur de trop en fin de 2 lignes",
    ),
    "lignes_vides": (
        BASE.replace("\n01004", "\n\n;;;;\n01004").encode(),
        "normalise",
        "2 lignes vides",
    ),
    "fin_de_fichier_dos": (BASE.encode() + b"\x1a", "normalise", "caractères de contrôle"),
    "largeur_nulle_dans_le_code": (table("01001\u200b;X;12;21;57,1"), "normalise", "nettoyée"),
    "espaces_autour": (table(" 01001 ;X ; 12;21;57,1"), "normalise", "autour de 3 cellules"),
    # En-tête.
    "titres_au_dessus": (
        b"Offre d'accueil\n\n" + BASE.encode(),
        "normalise",
        "En-tête trouvé en ligne 3 ; ligne 1 ignorée",
    ),
    "commentaires_au_dessus": (
        b"# a ; b\n# c\n" + BASE.encode(),
        "normalise",
        "En-tête trouvé en ligne 3 ; 2 lignes écrites au-dessus, ignorées",
    ),
    "sans_en_tete": (BASE.split("\n", 1)[1].encode(), "refuse", "aucun nom de colonne reconnu"),
    "noms_libres": (
        table(ABERGEMENT, entete="Code Insee;Nom;Nombre de places;Enfants 0-2 ans;TAUX"),
        "normalise",
        "Colonne « Nombre de places » : lue comme « places »",
    ),
    "colonne_inconnue": (
        table(ABERGEMENT + ";x", entete=ENTETE + ";remarque"),
        "normalise",
        "Ligne 1, colonne « remarque » : colonne non déclarée",
    ),
    "sans_colonne_de_code": (
        table("Ajaccio;911", entete="commune;places"),
        "refuse",
        "aucune colonne de code commune (Insee)",
    ),
    "sans_mesure": (table("01001;X", entete="code_commune;commune"), "refuse", "colonne de mesure"),
    "en_tete_repete": (
        BASE.encode() + table("2A004;Ajaccio;911;1630;55,9"),
        "normalise",
        "Ligne 5 : en-tête répété",
    ),
    "note_en_bas": (BASE.encode() + b"Source : Caf\n", "normalise", "Ligne 5 : note"),
    # Codes.
    "zero_perdu": (table("1001;X;12;21;57,1"), "normalise", "1 code complété (1001 → 01001)"),
    "code_flottant": (table("1001.0;X;12;21;57,1"), "normalise", "1001.0 → 01001"),
    "code_en_formule": (table('"=""01001""";X;12;21;57,1'), "normalise", "→ 01001"),
    "code_apostrophe": (table("'01001;X;12;21;57,1"), "normalise", "'01001 → 01001"),
    "corse_minuscule": (table("2a004;Ajaccio;911;1630;55,9"), "normalise", "2a004 → 2A004"),
    "code_postal": (table("01640;X;12;21;57,1"), "refuse", "est un code postal"),
    "code_postal_qui_existe_ailleurs": (
        table("01400;L'Abergement-Clémenciat;12;21;57,1"),
        "refuse",
        "01400 est un code postal, pas un code commune (trouvé : « 01400 »). Écrivez le code "
        "Insee : 01001 (L'Abergement-Clémenciat)",
    ),
    "nom_d_une_autre_commune": (
        table("01001;Ajaccio;12;21;57,1"),
        "normalise",
        "le code 01001 est celui de L'Abergement-Clémenciat, pas de Ajaccio",
    ),
    "nom_au_lieu_du_code": (
        table("Ajaccio;Ajaccio;911;1630;55,9"),
        "refuse",
        "Écrivez le code Insee : 2A004 (Ajaccio)",
    ),
    "commune_fusionnee": (
        table("01091;Châtillon-en-Michaille;10;20;50,0"),
        "normalise",
        "01091 (Châtillon-en-Michaille) est devenu 01033 (Valserhône) le 01/01/2019",
    ),
    "commune_fusionnee_deux_fois": (
        table("01091;Châtillon-en-Michaille;10;20;50,0", VALSERHONE),
        "refuse",
        "Additionnez les deux lignes sous le code 01033",
    ),
    "arrondissement_et_ville": (
        table("75056;Paris;100;200;50,0", "75101;Paris 1er;10;20;50,0"),
        "normalise",
        "Ligne 3, colonne « code_commune » : 75101 est un arrondissement de Paris (75056)",
    ),
    "arrondissement_seul": (table("75101;Paris 1er;10;20;50,0"), "refuse", "code 75056"),
    "epci": (
        table("200069193;CC;3", entete="code;nom;places"),
        "refuse",
        "numéros SIREN d'EPCI",
    ),
    "iris": (table("010040101;X;3", entete="code;nom;places"), "refuse", "codes d'Iris"),
    "departement_parmi_les_communes": (
        table(ABERGEMENT, "01;Ain;3000;6000;50,0"),
        "refuse",
        "Ligne 3, colonne « code_commune » : code de département",
    ),
    "non_localise": (table(ABERGEMENT, "XXXXX;;3;;"), "normalise", "Ligne 3"),
    # Nombres.
    "milliers_fine": (
        table("97411;Saint-Denis;2\u202f101;6\u202f020;34,9"),
        "normalise",
        "espaces de milliers",
    ),
    "nombre_etranger": (table("01001;X;;;1.234,5"), "normalise", "format de nombre ambigu"),
    "milliers_ou_decimales": (table("01001;X;2.101;;"), "refuse", "nombre ambigu"),
    "decimales_melees": (
        table(ABERGEMENT, "01004;Ambérieu-en-Bugey;310;498;62.2"),
        "normalise",
        "virgules et points décimaux mêlés",
    ),
    "notation_scientifique": (table("01001;X;1E+05;;"), "normalise", "notation scientifique"),
    "pourcentage": (table("01001;X;12;21;57,1 %"), "normalise", "pourcentages"),
    "pourcentage_d_effectifs": (table("01001;X;12 %;21;"), "refuse", "pourcentage dans une"),
    "formule_de_nombre": (table("01001;X;=12+3;21;"), "refuse", "ce n'est pas un nombre"),
    "demi_place": (table("01001;X;12,5;21;"), "refuse", "pas un nombre entier"),
    "taux_sur_un": (table("01001;X;12;21;0,571"), "normalise", "0,6 au lieu de 57,1"),
    # Secrets et vides.
    **{
        f"secret_{i}": (table(f"01001;X;{marque};21;", AMBERIEU), "normalise", "pas zéro")
        for i, marque in enumerate(["s", "nd", "c", "<5", "< 11", "_Z", "XX", "***", "n.d."])
    },
    "tiret_pour_vide": (table("01001;X;-;21;"), "normalise", "cases vides"),
    # Dates d'une colonne libre.
    "date_impossible": (
        table("01001;12;31/02/2019", "01004;3;01/09/2019", entete="code;places;ouverture"),
        "refuse",
        "Ligne 2, colonne « ouverture » : ce n'est pas une date",
    ),
    # Natures.
    "zero_octet": (b"", "refuse", "Le fichier est vide"),
    "que_des_nuls": (b"\x00" * 40, "refuse", "Le fichier est vide"),
    "html": (b"<!DOCTYPE html><html><table>", "refuse", "page web"),
    "html_de_tableur": (b"<html xmlns:x='urn'><head>", "refuse", "page web"),
    "xml": (b"<?xml version='1.0'?><kml/>", "refuse", "XML"),
    "pdf": (b"%PDF-1.4\n%\xe2\xe3", "refuse", "document PDF"),
    "json": (b'[{"code": "01001"}]', "refuse", "fichier JSON"),
    "gzip": (b"\x1f\x8b\x08\x00aaaa", "refuse", "décompressez-le d'abord"),
    "sept_zip": (b"7z\xbc\xaf\x27\x1c", "refuse", "décompressez-le"),
    "programme": (b"MZ\x90\x00\x03", "refuse", "programme"),
    "cent_mille_colonnes": (b";".join([b"c"] * 100_000) + b"\n", "refuse", "100 000 colonnes"),
    "cellule_geante": (table("01001;" + "A" * 40_000 + ";1;2;"), "refuse", "32 767 caractères"),
    "cellule_de_dix_mo": (table("01001;" + "A" * 10_000_000 + ";1;2;"), "refuse", "Ligne 2"),
}


@pytest.mark.parametrize("faute", TEXTES)
def test_un_texte_abime(faute: str) -> None:
    octets, verdict, dit = TEXTES[faute]
    controle = controler(octets, f"{faute}.csv")
    assert controle.verdict == verdict and dit.lower() in phrases(controle).lower()
    assert bool(controle.tables) == (verdict != "refuse")


@pytest.mark.parametrize("faute", [f for f in TEXTES if "utf" in f or "windows" in f])
def test_un_autre_encodage_ne_change_aucune_valeur(faute: str) -> None:
    attendue = synthese(controler(BASE.encode(), "base.csv"))
    lue = synthese(controler(TEXTES[faute][0], "autre.csv"))
    noms = lue["commune"].str.replace("’", "'")
    pd.testing.assert_frame_equal(lue.assign(commune=noms), attendue)


def test_une_valeur_secrete_n_est_jamais_zero() -> None:
    controle = controler(table("01001;X;<5;0;s", AMBERIEU), "secret.csv")
    premiere = synthese(controle).iloc[0]
    assert pd.isna(premiere["places"]) and pd.isna(premiere["taux_couverture"])
    assert premiere["enfants_0_2"] == 0
    assert controle.valeurs_secretes == 2


def test_l_extension_qui_ment_est_dite() -> None:
    for extension in ("xlsx", "xls", "ods", "parquet", "gpkg", "geojson", "zip"):
        controle = controler(BASE.encode(), f"table.{extension}")
        assert controle.verdict == "refuse"
        assert len([a for a in controle.anomalies if a.correction]) == 1


def test_une_extension_inconnue_laisse_parler_les_octets() -> None:
    assert controler(BASE.encode(), "table.dat").verdict == "accepte"
    assert controler(BASE.encode(), "sans_extension").verdict == "accepte"


def test_mille_fautes_sont_comptees_pas_toutes_ecrites() -> None:
    lignes = [f"{code};X;-1;-1;-1" for code in referentiel.communes().index[:500]]
    controle = controler(table(*lignes), "fautes.csv")
    assert len(controle.anomalies) == ANOMALIES_MAX + 1
    assert controle.anomalies[-1].regle == "et 500\u00a0autres anomalies"


def test_une_faute_imprevue_se_dit_sans_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def casser(*_: object) -> None:
        raise RuntimeError("boum")

    monkeypatch.setattr("ctg_data.controle.reconnaitre_table", casser)
    fichier = tmp_path / "a.csv"
    fichier.write_text(BASE, "utf-8")
    assert main(["controler", str(fichier)]) == 1
    sortie = capsys.readouterr()
    assert IMPREVUE[1:] in sortie.out and "boum" not in sortie.out + sortie.err


def test_le_territoire_refuse_une_commune_qui_n_est_pas_la_sienne() -> None:
    communes = frozenset({"01001", "01004"})
    dedans = controler(table("1001;X;12;21;", AMBERIEU), "a.csv", communes=communes)
    assert (dedans.verdict, dedans.communes) == ("normalise", 2)
    dehors = controler(table(VALSERHONE), "a.csv", communes=communes)
    assert dehors.verdict == "refuse"
    assert "Ligne 2, colonne « code_commune » : commune inconnue du territoire" in phrases(dehors)


# --- Classeurs ------------------------------------------------------------------------------------

Retouche = Callable[[Any, Any], object]


def classeur(retouche: Retouche | None = None, lignes: list[list[Any]] | None = None) -> bytes:
    document = openpyxl.Workbook()
    feuille = document.active
    feuille.title = "Offre"
    communes = [
        ["01001", "L'Abergement-Clémenciat", 12, 21, 57.1],
        ["01004", "Ambérieu-en-Bugey", 310, 498, 62.2],
    ]
    for ligne in [ENTETE.split(";"), *(communes if lignes is None else lignes)]:
        feuille.append(ligne)
    if retouche is not None:
        retouche(document, feuille)
    sortie = io.BytesIO()
    document.save(sortie)
    return sortie.getvalue()


def recoudre(octets: bytes, partie: str, changer: Callable[[bytes], bytes]) -> bytes:
    """Récrire une partie d'un classeur : ce qu'openpyxl ne sait pas fabriquer."""
    sortie = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(octets)) as avant, zipfile.ZipFile(sortie, "w") as apres:
        for nom in avant.namelist():
            apres.writestr(nom, changer(avant.read(nom)) if nom == partie else avant.read(nom))
    return sortie.getvalue()


def ajouter(octets: bytes, partie: str, contenu: bytes) -> bytes:
    sortie = io.BytesIO(octets)
    with zipfile.ZipFile(sortie, "a") as archive:
        archive.writestr(partie, contenu)
    return sortie.getvalue()


def titre_fusionne(_: Any, feuille: Any) -> None:
    feuille.insert_rows(1, 2)
    feuille["A1"] = "Offre d'accueil"
    feuille.merge_cells("A1:E1")


def deuxieme_feuille(lignes: list[list[Any]], etat: str = "visible") -> Retouche:
    def ecrire(document: Any, _: Any) -> None:
        feuille = document.create_sheet("Suite")
        feuille.sheet_state = etat
        for ligne in lignes:
            feuille.append(ligne)

    return ecrire


def barrer(_: Any, feuille: Any) -> None:
    for cellule in feuille[3]:
        cellule.font = Font(strike=True)


FEUILLE = "xl/worksheets/sheet1.xml"
AJACCIO = [ENTETE.split(";"), ["2A004", "Ajaccio", 911, 1630, 55.9]]
CONTRAIRE = [ENTETE.split(";"), ["01001", "L'Abergement-Clémenciat", 15, 21, 71.4]]
ENTITE = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
CLASSEURS: dict[str, Callable[[], Cas]] = {
    "rien": lambda: (classeur(), "accepte", ""),
    "titre_fusionne": lambda: (classeur(titre_fusionne), "normalise", "En-tête trouvé en ligne 3"),
    "fusion_en_hauteur": lambda: (
        classeur(lambda _, f: f.merge_cells("C2:C3")),
        "refuse",
        "Ligne 3, colonne « places » : cellule C3 : cellules C2:C3 fusionnées",
    ),
    "fusion_en_largeur": lambda: (
        classeur(lambda _, f: f.merge_cells("C2:D2")),
        "refuse",
        "cellules C2:D2 fusionnées",
    ),
    "feuille_de_notes": lambda: (
        classeur(deuxieme_feuille([["Source : Caf"]])),
        "normalise",
        "« Offre » ; sans tableau, ignorées : « Suite »",
    ),
    "deux_feuilles": lambda: (classeur(deuxieme_feuille(AJACCIO)), "normalise", "2 feuilles lues"),
    "deux_feuilles_contraires": lambda: (
        classeur(deuxieme_feuille(CONTRAIRE)),
        "refuse",
        "même clé dans une autre feuille",
    ),
    "feuille_masquee": lambda: (
        classeur(deuxieme_feuille(AJACCIO, "hidden")),
        "normalise",
        "Feuille masquée « Suite » ignorée",
    ),
    "feuille_graphique": lambda: (
        classeur(lambda d, _: d.create_chartsheet("Graphique")),
        "accepte",
        "",
    ),
    "ligne_masquee": lambda: (
        classeur(lambda _, f: setattr(f.row_dimensions[3], "hidden", True)),
        "normalise",
        "Ligne 3 : 1 ligne masquée dans Excel, lue quand même",
    ),
    "colonne_masquee": lambda: (
        classeur(lambda _, f: setattr(f.column_dimensions["C"], "hidden", True)),
        "normalise",
        "1 colonne masquée dans Excel, lue quand même (C)",
    ),
    "ligne_barree": lambda: (classeur(barrer), "normalise", "Ligne 3 : barrée dans Excel"),
    "macros": lambda: (ajouter(classeur(), "xl/vbaProject.bin", b"x"), "normalise", "Macros"),
    "liens_externes": lambda: (
        ajouter(classeur(), "xl/externalLinks/externalLink1.xml", b"<externalLink/>"),
        "normalise",
        "Liens vers d'autres classeurs ignorés",
    ),
    "code_numerique": lambda: (
        classeur(lignes=[[1001.0, "X", 12, 21, 57.1]]),
        "normalise",
        "1001 → 01001",
    ),
    "nombres_en_texte": lambda: (
        classeur(lignes=[["01001", "X", "12", "21", "57,1"]]),
        "normalise",
        "nombres stockés en texte",
    ),
    "date_dans_un_nombre": lambda: (
        classeur(lignes=[["01001", "X", dt.datetime(2024, 1, 12), 21, None]]),
        "refuse",
        "2024-01-12",
    ),
    "remarque_a_cote": lambda: (
        classeur(lambda _, f: f.cell(2, 7, "à revoir")),
        "normalise",
        "cellule hors du tableau",
    ),
    "colonne_sans_nom": lambda: (
        classeur(lambda _, f: [f.cell(r, 6, "x") for r in (2, 3)]),
        "refuse",
        "Colonne 6 : pas de nom",
    ),
    "colonne_en_double": lambda: (
        classeur(lambda _, f: f.cell(1, 6, "places")),
        "refuse",
        "présente 2 fois (colonnes 3 et 6)",
    ),
    "cellule_en_xfd1": lambda: (
        classeur(lambda _, f: f.cell(1, 16_384, "x")),
        "refuse",
        "colonnes",
    ),
    "total_et_note": lambda: (
        classeur(lambda _, f: [f.append(["Total", None, 322]), f.append([]), f.append(["Note"])]),
        "normalise",
        "Ligne 4 : total (« Total ») ignoré",
    ),
    "formule_calculee": lambda: (
        recoudre(
            classeur(), FEUILLE, lambda x: x.replace(b"<v>57.1</v>", b"<f>C2/D2</f><v>57.1</v>")
        ),
        "accepte",
        "",
    ),
    "nombre_infini": lambda: (
        recoudre(classeur(), FEUILLE, lambda x: x.replace(b"<v>57.1</v>", b"<v>1e400</v>")),
        "refuse",
        "ce n'est pas un nombre",
    ),
    "entite_externe": lambda: (
        recoudre(classeur(), "xl/workbook.xml", lambda x: ENTITE + x),
        "refuse",
        "déclaration XML interdite",
    ),
    "xml_casse": lambda: (recoudre(classeur(), FEUILLE, lambda x: x[:-200]), "refuse", "abîmé"),
    "coupe": lambda: (classeur()[:2000], "refuse", "Fichier Excel abîmé"),
    "chemin_qui_sort": lambda: (
        ajouter(classeur(), "../../x.xml", b"x"),
        "refuse",
        "Classeur refusé : chemin « ../../x.xml »",
    ),
    "bombe": lambda: (
        ajouter_comprime(classeur(), "xl/media/a.xml", b" " * 60_000_000),
        "refuse",
        "une fois décompressé (limite 50 Mo)",
    ),
    "image": lambda: (b"\x89PNG\r\n\x1a\n", "refuse", "image PNG"),
    "archive_quelconque": lambda: (archive(("a.csv", BASE)), "refuse", "Fichier Excel abîmé"),
    "chiffre": lambda: (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage\0".encode("utf-16-le"),
        "refuse",
        "protégé par mot de passe",
    ),
}


def ajouter_comprime(octets: bytes, partie: str, contenu: bytes) -> bytes:
    sortie = io.BytesIO(octets)
    with zipfile.ZipFile(sortie, "a", zipfile.ZIP_DEFLATED) as archive_ouverte:
        archive_ouverte.writestr(partie, contenu)
    return sortie.getvalue()


@pytest.mark.parametrize("faute", CLASSEURS)
def test_un_classeur_abime(faute: str) -> None:
    octets, verdict, dit = CLASSEURS[faute]()
    controle = controler(octets, f"{faute}.xlsx")
    assert controle.verdict == verdict and dit.lower() in phrases(controle).lower()


def test_une_ligne_tres_loin_n_est_pas_perdue() -> None:
    octets = classeur(lambda _, f: [f.cell(900_000, i + 1, v) for i, v in enumerate(AJACCIO[1])])
    controle = controler(octets, "loin.xlsx")
    assert list(synthese(controle)["code_commune"]) == ["01001", "01004", "2A004"]


def test_un_ancien_classeur_est_lu_sous_son_nom() -> None:
    octets = (Path(__file__).parent / "classeurs" / "ancien_format.xls").read_bytes()
    controle = controler(octets, "ancien_format.xls")
    assert controle.verdict == "normalise"
    assert list(synthese(controle)["code_commune"]) == ["01001", "2A004"]
    assert lire(octets, "ancien_format.xls").tableaux[0].lignes[0][-1] == "2012-09-03"
    assert controler(octets, "ancien_format.xlsx").verdict == "refuse"


ODS = (
    '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="Offre">{}</table:table>'
    "</office:spreadsheet></office:body></office:document-content>"
)


MANIFESTE = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    "</manifest:manifest>"
)


def ods(*lignes: list[Any], tete: str = "") -> bytes:
    rangees = ""
    for ligne in lignes:
        cellules = ""
        for valeur in ligne:
            chiffre = isinstance(valeur, int | float)
            genre = f'"float" office:value="{valeur}"' if chiffre else '"string"'
            cellules += (
                f"<table:table-cell office:value-type={genre}><text:p>{valeur}</text:p>"
                "</table:table-cell>"
            )
        rangees += f"<table:table-row>{cellules}</table:table-row>"
    return archive(
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", tete + ODS.format(rangees)),
        ("META-INF/manifest.xml", MANIFESTE),
    )


def test_un_classeur_libreoffice_est_lu() -> None:
    octets = ods(ENTETE.split(";"), ["01001", "L'Abergement-Clémenciat", 12, 21, 57.1])
    controle = controler(octets, "offre.ods")
    assert (controle.verdict, synthese(controle).at[0, "taux_couverture"]) == ("accepte", 57.1)
    assert "enregistrez en .xlsx" in phrases(controler(octets, "offre.xlsx"))
    assert "XML interdite" in phrases(controler(ods(tete=ENTITE.decode()), "entite.ods"))


def test_un_parquet_est_lu() -> None:
    cadre = pd.DataFrame({"code_commune": ["01001"], "places": [12], "ouverture": [dt.date.min]})
    controle = controler(cadre.to_parquet(), "offre.parquet")
    assert synthese(controle)["places"].tolist() == [12]
    assert "abîmé" in phrases(controler(cadre.to_parquet()[:60], "coupe.parquet"))
    emboite = pd.DataFrame({"code_commune": ["01001"], "places": [[1, 2]]})
    assert "listes" in phrases(controler(emboite.to_parquet(), "emboite.parquet"))


# --- Archives -------------------------------------------------------------------------------------


def archive(*membres: tuple[str, str | bytes]) -> bytes:
    sortie = io.BytesIO()
    with zipfile.ZipFile(sortie, "w", zipfile.ZIP_DEFLATED) as ouverte:
        for nom, contenu in membres:
            # Le type d'un document LibreOffice se lit à l'octet 38 : jamais comprimé.
            mode = zipfile.ZIP_STORED if nom == "mimetype" else zipfile.ZIP_DEFLATED
            ouverte.writestr(nom, contenu, mode)
    return sortie.getvalue()


def lien_symbolique() -> bytes:
    sortie = io.BytesIO()
    lien = zipfile.ZipInfo("communes.csv")
    lien.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(sortie, "w") as ouverte:
        ouverte.writestr(lien, "/etc/passwd")
    return sortie.getvalue()


def chiffree() -> bytes:
    octets = bytearray(archive(("a.csv", BASE)))
    octets[6] |= 1
    octets[octets.find(b"PK\x01\x02") + 8] |= 1
    return bytes(octets)


ARCHIVES: dict[str, Callable[[], Cas]] = {
    "un_tableau": lambda: (archive(("d/a.csv", BASE), ("__MACOSX/d/._a.csv", "x")), "accepte", ""),
    "avec_sa_notice": lambda: (
        archive(("base.csv", BASE), ("meta_base.csv", "COD_VAR;LIB_VAR\nx;y\n")),
        "accepte",
        "",
    ),
    "deux_tableaux": lambda: (
        archive(("a.csv", BASE), ("b.csv", table("2A004;Ajaccio;911;1630;55,9"))),
        "accepte",
        "",
    ),
    "sans_tableau": lambda: (archive(("a.pdf", "%PDF")), "refuse", "sans fichier lisible"),
    "vide": lambda: (archive(), "refuse", "sans fichier lisible"),
    "archive_dedans": lambda: (
        archive(("a.zip", archive(("b.csv", BASE)))),
        "refuse",
        "Archive dans une archive",
    ),
    "bombe": lambda: (archive(("a.csv", b"0" * 120_000_000)), "refuse", "limite 100 Mo"),
    "chiffree": lambda: (chiffree(), "refuse", "Archive protégée par mot de passe"),
    "lien_symbolique": lambda: (lien_symbolique(), "refuse", "lien symbolique"),
    "chemin_absolu": lambda: (archive(("/etc/a.csv", BASE)), "refuse", "« /etc/a.csv »"),
    "chemin_windows": lambda: (archive(("C:\\a.csv", BASE)), "refuse", "Archive refusée : chemin"),
    "chemin_remontant": lambda: (archive(("..\\..\\a.csv", BASE)), "refuse", "chemin"),
    "coupee": lambda: (archive(("a.csv", BASE))[:80], "refuse", "Archive abîmée"),
    "shapefile": lambda: (archive(("a.shp", "x"), ("a.dbf", "x")), "refuse", "shapefile"),
    "mille_fichiers": lambda: (
        archive(*((f"{i}.csv", "") for i in range(1_001))),
        "refuse",
        "Archive refusée, 1 001 fichiers",
    ),
}


@pytest.mark.parametrize("faute", ARCHIVES)
def test_une_archive_abimee(faute: str) -> None:
    octets, verdict, dit = ARCHIVES[faute]()
    controle = controler(octets, f"{faute}.zip")
    assert controle.verdict == verdict and dit.lower() in phrases(controle).lower()


# --- Contours -------------------------------------------------------------------------------------

Anneau = list[list[float]]


def carre(x: float, y: float, cote: float = 0.1) -> Anneau:
    return [[x, y], [x + cote, y], [x + cote, y + cote], [x, y + cote], [x, y]]


def projete(epsg: int, x: float, y: float) -> Anneau:
    vers = Transformer.from_crs(4326, epsg, always_xy=True)
    return [list(vers.transform(*point)) for point in carre(x, y)]


def commune(code: Any = "01001", *anneaux: Any, **plus: Any) -> dict[str, Any]:
    geometrie = {"type": "Polygon", "coordinates": list(anneaux) or [carre(5, 46)]}
    return {"type": "Feature", "properties": {"code": code}, "geometry": geometrie, **plus}


def collection(*objets: Any, **plus: Any) -> bytes:
    lue = {"type": "FeatureCollection", "features": list(objets), **plus}
    return json.dumps(lue).encode()


L93 = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
CONTOURS: dict[str, Cas] = {
    "rien": (collection(commune()), "accepte", ""),
    "un_seul_objet": (json.dumps(commune()).encode(), "accepte", ""),
    "perimetre_nu": (json.dumps(commune()["geometry"]).encode(), "accepte", ""),
    "lambert_93_declare": (
        collection(commune("01001", projete(2154, 5, 46)), crs=L93),
        "normalise",
        "converties en degrés",
    ),
    "lambert_93_tu": (
        collection(commune("01001", projete(2154, 5, 46))),
        "normalise",
        "Lambert-93 reconnues aux mairies",
    ),
    "cc44_tu": (collection(commune("30258", projete(3944, 4.4, 43.6))), "normalise", "CC44"),
    "metres_inconnus": (collection(commune("01001", carre(1e7, 1e7))), "refuse", "en mètres"),
    "axes_inverses": (
        collection(commune("01001", [[y, x] for x, y in carre(5, 46)])),
        "refuse",
        "Objet n° 1 (01001) : longitude et latitude inversées",
    ),
    "altitudes": (
        collection(commune("01001", [[*p, 120] for p in carre(5, 46)])),
        "normalise",
        "Altitudes ignorées",
    ),
    "sens_horaire": (collection(commune("01001", carre(5, 46)[::-1])), "normalise", "sens"),
    "croise": (
        collection(commune("01001", [[5, 46], [5.1, 46.1], [5.1, 46], [5, 46.1], [5, 46]])),
        "normalise",
        "se croisait",
    ),
    "code_dans_id": (
        collection({**commune(id="01001"), "properties": None}),
        "normalise",
        "codes lus dans l'« id »",
    ),
    "code_ign": (
        collection({**commune(), "properties": {"INSEE_COM": "01001"}}),
        "normalise",
        "« INSEE_COM »",
    ),
    "code_en_double": (collection(commune(), commune()), "refuse", "Objet n° 2 (01001)"),
    "code_inconnu": (collection(commune("01999")), "refuse", "Objet n° 1 (01999)"),
    "ancien_code": (collection(commune("01091")), "normalise", "devenue 01033"),
    "cle_double": (
        collection(commune()).replace(b'"code": "01001"', b'"code": "1", "code": "2"'),
        "refuse",
        "clé écrite deux fois",
    ),
    "entier_geant": (
        collection(commune()).replace(b'"01001"', b"1" * 5_000),
        "refuse",
        "JSON invalide",
    ),
    "profond": (b'{"a": ' + b"[" * 100_000, "refuse", "niveaux emboîtés"),
    "coupe": (collection(commune())[:80], "refuse", "JSON invalide ligne 1"),
    "topojson": (b'{"type": "Topology"}', "refuse", "TopoJSON"),
    "texte": (b"bonjour", "refuse", "JSON invalide"),
    "gdal": (b'{"type": "gdal_streamed_alg", "command_line": "x"}', "refuse", "FeatureCollection"),
    "emprise_en_texte": (collection(commune(bbox="x")), "refuse", "emprise"),
    "identifiant_objet": (collection(commune(id={})), "refuse", "identifiant"),
}


@pytest.mark.parametrize("faute", CONTOURS)
def test_un_geojson_abime(faute: str) -> None:
    octets, verdict, dit = CONTOURS[faute]
    controle = controler(octets, f"{faute}.geojson")
    assert controle.verdict == verdict and dit.lower() in phrases(controle).lower()


def geopackage(geometrie: shapely.Geometry, epsg: int = 4326, nom: str = "commune") -> bytes:
    """Fabriquer un GeoPackage d'une commune : un en-tête de 8 octets, puis le WKB."""
    base = sqlite3.connect(":memory:")
    base.executescript(
        "CREATE TABLE gpkg_spatial_ref_sys (srs_id, organization, organization_coordsys_id);"
        "CREATE TABLE gpkg_geometry_columns "
        "(table_name, column_name, geometry_type_name, srs_id);"
        f'CREATE TABLE "{nom}" (fid INTEGER PRIMARY KEY, geom BLOB, code_insee, nom_officiel);'
    )
    base.execute("INSERT INTO gpkg_spatial_ref_sys VALUES (1, 'EPSG', ?)", (epsg,))
    base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'POLYGON', 1)", (nom,))
    tete = b"GP\x00\x01" + struct.pack("<i", 1)
    valeurs = (tete + shapely.to_wkb(geometrie), "01001", "L'Abergement-Clémenciat")
    base.execute(f'INSERT INTO "{nom}" (geom, code_insee, nom_officiel) VALUES (?, ?, ?)', valeurs)
    base.commit()
    octets = base.serialize()
    base.close()
    return octets


def test_un_geopackage_est_lu_sans_gdal() -> None:
    controle = controler(geopackage(shapely.Polygon(carre(5, 46))), "communes.gpkg")
    assert controle.verdict == "normalise" and controle.contours is not None
    assert controle.contours[["code", "nom"]].to_numpy().tolist() == [
        ["01001", "L'Abergement-Clémenciat"]
    ]
    metres = controler(geopackage(shapely.Polygon(projete(2154, 5, 46)), 2154), "l93.gpkg")
    assert metres.contours is not None
    assert shapely.box(4.9, 45.9, 5.2, 46.2).contains(metres.contours.geometry.iloc[0])


def test_un_geopackage_douteux_est_refuse() -> None:
    bon = geopackage(shapely.Polygon(carre(5, 46)))
    assert "abîmé" in phrases(controler(bon[:3_000], "coupe.gpkg"))
    assert "extension" in phrases(controler(b"/vsicurl/http://exemple/x.gpkg", "loin.gpkg"))
    assert "Point" in phrases(controler(geopackage(shapely.Point(5, 46)), "point.gpkg"))
    assert "EPSG:999" in phrases(controler(geopackage(shapely.box(0, 0, 1, 1), 999), "crs.gpkg"))
    base = sqlite3.connect(":memory:")
    base.executescript(
        "CREATE TABLE gpkg_geometry_columns "
        "(table_name, column_name, geometry_type_name, srs_id);"
        "INSERT INTO gpkg_geometry_columns VALUES ('v', 'x', 'POLYGON', 1);"
        "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
        "SELECT x FROM c;"
    )
    assert "pas une vraie table" in phrases(controler(base.serialize(), "vue_sans_fin.gpkg"))


# --- Ligne de commande ----------------------------------------------------------------------------


def test_la_commande_rend_un_objet_par_fichier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bon, mauvais = tmp_path / "bon.csv", tmp_path / "mauvais.csv"
    bon.write_text(BASE, "utf-8")
    mauvais.write_bytes(table("01001;X;-3;21;"))
    assert main(["controler", str(bon), "--format", "json"]) == 0
    objet = json.loads(capsys.readouterr().out)
    assert objet == {
        "fichier": "bon.csv",
        "verdict": "accepte",
        "reconnu": "synthese_communale",
        "producteur": None,
        "millesime": None,
        "lignes": 3,
        "communes": 3,
        "valeurs_secretes": 0,
        "anomalies": [],
    }
    assert main(["controler", str(bon), str(mauvais), "--format", "json"]) == 1
    _, second = map(json.loads, capsys.readouterr().out.splitlines())
    (anomalie,) = second["anomalies"]
    assert (anomalie["gravite"], anomalie["ligne"], anomalie["colonne"]) == ("erreur", 2, "places")
    assert anomalie["titre"] == "Nombre négatif"
    assert anomalie["message"].startswith(
        "Ligne\u00a02, colonne «\u00a0places\u00a0»\u00a0: nombre"
    )


def test_la_commande_parle_aussi_en_clair(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fichier = tmp_path / "secret.csv"
    fichier.write_bytes(table("01001;X;s;21;"))
    assert main(["controler", str(fichier)]) == 0
    dit = capsys.readouterr().out.replace("\u00a0", " ")
    assert dit.startswith("secret.csv : accepté, avec remarques\n")
    assert "Reconnu : synthese_communale, 1 ligne, 1 commune, 1 valeur secrète" in dit


def test_un_mauvais_usage_rend_deux(tmp_path: Path) -> None:
    assert main(["controler", str(tmp_path / "absent.csv")]) == 2
    for arguments in ([], ["controler"], ["controler", "x", "--etape", "y"], ["autre"]):
        with pytest.raises(SystemExit) as sortie:
            main(arguments)
        assert sortie.value.code == 2


def test_le_territoire_se_choisit_par_son_nom(tmp_path: Path) -> None:
    fichier = tmp_path / "ailleurs.csv"
    fichier.write_text(BASE, "utf-8")
    assert main(["controler", str(fichier), "--territoire", "gard_rhodanien"]) == 1
    assert main(["controler", str(fichier)]) == 0


def test_le_module_s_execute_sans_geopandas_pour_un_tableau(tmp_path: Path) -> None:
    """Un tableau se contrôle sans charger la géométrie : une seconde de gagnée."""
    fichier = tmp_path / "offre.csv"
    fichier.write_text(BASE, "utf-8")
    code = (
        "import sys; from ctg_data.__main__ import main; "
        f"assert main(['controler', {str(fichier)!r}]) == 0; "
        "assert not {'geopandas', 'shapely', 'openpyxl'} & set(sys.modules)"
    )
    environnement = {**os.environ, "PYTHONPATH": str(RACINE)}
    subprocess.run([sys.executable, "-c", code], check=True, env=environnement, cwd=tmp_path)


# --- Propriétés -----------------------------------------------------------------------------------


@given(st.integers(1 - ENTIER_MAX, ENTIER_MAX - 1))
def test_un_entier_ecrit_a_la_francaise_se_relit(valeur: int) -> None:
    for ecrit in (str(valeur), nombre(valeur), nombre(valeur).replace("\u202f", " ")):
        assert lire_entier(ecrit).valeur == valeur


@given(st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=3))
def test_un_decimal_a_la_virgule_se_relit(valeur: Any) -> None:
    attendu = float(valeur)
    for ecrit in (str(valeur), str(valeur).replace(".", ","), nombre(attendu, 3)):
        assert lire_nombre(ecrit).valeur == attendu
    assert lire_nombre(str(valeur) + "\u00a0%").valeur == attendu


@given(st.text(max_size=12))
def test_un_texte_quelconque_est_un_nombre_fini_ou_une_faute(texte: str) -> None:
    try:
        valeur = lire_nombre(texte).valeur
    except ValueError as faute:
        assert str(faute) in ("ce n'est pas un nombre", "nombre trop grand")
    else:
        assert abs(valeur) <= ENTIER_MAX and any(c.isdigit() for c in texte)


@given(st.integers(1, 999), st.integers(0, 999))
def test_milliers_ou_decimales_ne_se_devine_jamais(avant: int, apres: int) -> None:
    with pytest.raises(ValueError, match="nombre ambigu"):
        lire_entier(f"{avant}.{apres:03}")


@given(st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)))
def test_une_date_se_relit_sous_toutes_ses_formes(jour: dt.date) -> None:
    mois = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
    long = mois.split()[jour.month - 1]
    rang = "1er" if jour.day == 1 else str(jour.day)
    formes = [
        jour.isoformat(),
        f"{jour:%d/%m/%Y}",
        f"{jour.day}/{jour.month}/{jour.year}",
        f"{jour:%d.%m.%Y}",
        f"{jour:%d-%m-%y}",
        f"{jour:%Y-%m-%dT00:00:00}",
        f"{rang} {long} {jour.year}",
        f"{rang} {long.upper()} {jour.year}",
    ]
    assert {lire_date(f).valeur for f in formes} == {jour}
    serie = (jour - dt.date(1899, 12, 30)).days
    assert lire_date(str(serie)).valeur == jour or serie < 10_000


@given(st.integers(13, 99), st.integers(1, 12))
def test_un_treizieme_mois_n_existe_pas(mois: int, jour: int) -> None:
    with pytest.raises(ValueError, match="ce n'est pas une date"):
        lire_date(f"{jour:02}/{mois}/2020")


CODES = sorted(referentiel.communes().index)


@settings(deadline=None)
@given(st.sampled_from(CODES))
def test_un_code_abime_par_un_tableur_se_retrouve(code: str) -> None:
    abimes = [code, f" {code} ", f'="{code}"', f"'{code}", f"COM-{code}", f"2025-COM-{code}"]
    abimes += [code.lower(), f"{code}.0"] if not code[1].isdigit() else [f"{int(code)}.0"]
    abimes += [str(int(code))] if code.isdigit() else []
    for abime in abimes:
        if abime != f"{code}.0":
            assert codes.normaliser(abime).code == code


@settings(deadline=None)
@given(st.text(alphabet="0123456789AB-. ", max_size=10))
def test_un_code_rendu_est_une_commune_actuelle_ou_rien(texte: str) -> None:
    lu = codes.normaliser(texte)
    assert not lu.code or codes.CODE_COMMUNE.fullmatch(lu.code)
    assert lu.code or lu.regle
    assert lu.correction or lu.gravite != "erreur"


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=400), st.sampled_from(["csv", "xlsx", "zip", "geojson", "gpkg", "ods"]))
def test_aucun_octet_ne_leve(octets: bytes, extension: str) -> None:
    controle = controler(octets, f"x.{extension}")
    assert controle.verdict != "accepte" or controle.lignes
    assert IMPREVUE not in [a.regle for a in controle.anomalies]


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_un_bon_fichier_retouche_au_hasard_ne_leve_jamais(donnees: st.DataObject) -> None:
    """Abîmer quelques octets d'un fichier sain : une lecture ou un refus, jamais une exception."""
    nom, octets = donnees.draw(st.sampled_from(SAINS))
    abime = bytearray(octets)
    for _ in range(donnees.draw(st.integers(1, 6))):
        abime[donnees.draw(st.integers(0, len(abime) - 1))] = donnees.draw(st.integers(0, 255))
    controle = controler(bytes(abime), nom)
    assert all(a.constat and (a.correction or not a.erreur) for a in controle.anomalies)
    assert IMPREVUE not in [a.regle for a in controle.anomalies]


SAINS = [
    ("a.csv", BASE.encode()),
    ("a.xlsx", classeur()),
    ("a.ods", ods(ENTETE.split(";"), ["01001", "X", 12, 21, 57.1])),
    ("a.zip", archive(("a.csv", BASE))),
    ("a.geojson", collection(commune(), commune("01004", carre(5.2, 46)))),
    ("a.gpkg", geopackage(shapely.Polygon(carre(5, 46)))),
    ("a.xls", (Path(__file__).parent / "classeurs" / "ancien_format.xls").read_bytes()),
    ("a.parquet", pd.DataFrame({"code_commune": ["01001"], "places": [12]}).to_parquet()),
]


# --- Fautes qui passaient en silence --------------------------------------------------------------

SANS_BRUIT = {
    "communes_fusionnees_valeurs_egales": (
        b"code_commune;places\n01091;12\n01205;12\n",
        "refuse",
        "Additionnez les deux lignes sous le code 01033",
    ),
    "communes_fusionnees_valeurs_differentes": (
        b"code_commune;places\n01091;12\n01205;5\n01033;1\n",
        "refuse",
        "Additionnez les deux lignes sous le code 01033",
    ),
    "taux_en_proportion_sans_effectifs": (
        b"code_commune;taux_couverture\n01001;0,571\n01004;0,622\n",
        "normalise",
        "0,571 → 57,1 (2 valeurs d'au plus 1)",
    ),
    "taux_en_proportion_parmi_d_autres": (
        b"code_commune;taux_couverture\n01001;57,1 %\n01004;0,622\n",
        "normalise",
        "0,622 → 62,2 (1 valeur d'au plus 1)",
    ),
    "total_sous_un_code_reel": (
        b"code_commune;commune;places\n01005;Total;4241\n",
        "normalise",
        "Retirez la ligne si c'est un total",
    ),
    "entier_au_dela_du_flottant": (
        b"code_commune;places\n01001;9007199254740993\n",
        "refuse",
        "nombre trop grand",
    ),
    "places_etonnantes_sans_taux": (
        b"code_commune;places;enfants_0_2\n01001;999999;21\n",
        "normalise",
        "999 999 pour 21",
    ),
    "places_sans_enfant": (
        b"code_commune;places;enfants_0_2\n01001;12;0\n",
        "normalise",
        "12 pour 0",
    ),
    "deux_colonnes_de_places_differentes": (
        b"code_commune;places;nb_places\n01001;12;13\n",
        "refuse",
        "même sens que « places », autres valeurs (la première en ligne 2)",
    ),
    "deux_colonnes_de_places_egales": (
        b"code_commune;places;Places\n01001;12;12,0\n",
        "normalise",
        "même sens que « places », mêmes valeurs, ignorée",
    ),
    "deux_colonnes_de_codes_differents": (
        b"code_commune;code_insee;places\n01001;01004;12\n",
        "refuse",
        "même sens que « code_commune », autres valeurs (la première en ligne 2)",
    ),
    "unite_entre_parentheses": (
        b"code_commune;Places (nb);Taux de couverture (%)\n01001;12;57,1\n",
        "normalise",
        "colonne « Places (nb) » : lue comme « places »",
    ),
    "total_sans_toutes_ses_cellules": (
        b"code_commune;commune;places\n01001;A;12\nTotal;12\n",
        "normalise",
        "total, ignoré",
    ),
    "legende_sous_le_tableau": (
        b"code_commune;places\n01001;nd\nn.d. : non disponible\n",
        "normalise",
        "note, ignorée",
    ),
    "phrase_libre_sous_le_tableau": (
        b"code_commune;places\n01001;12\n\nSource : x\nAutre phrase libre\n",
        "normalise",
        "Ligne 5 : note, ignorée",
    ),
    "ligne_coupee_n_est_pas_une_note": (
        b"code_commune;places\n01001;12\nAmb\n",
        "refuse",
        "1 colonne au lieu de 2",
    ),
    "erreur_de_tableur_francaise": (
        b"code_commune;places\n01001;#N/D\n",
        "refuse",
        "erreur de tableur",
    ),
    "erreur_de_tableur_anglaise": (
        b"code_commune;places\n01001;#N/A\n",
        "refuse",
        "Corrigez la formule, ou videz la cellule",
    ),
    "erreur_de_tableur_hors_des_mesures": (
        b"code_commune;places;remarque\n01001;12;#REF!\n",
        "normalise",
        "colonne « remarque » : erreur de tableur",
    ),
    "nombre_sous_formule": (
        b'code_commune;places\n01001;"=""2101"""\n',
        "normalise",
        "nombres protégés comme des textes",
    ),
    "conseil_pour_un_millier_ambigu": (
        b"code_commune;places\n01001;2.101\n",
        "refuse",
        "Écrivez « 2101 » si ce sont des milliers",
    ),
    "conseil_pour_une_colonne_trop_etroite": (
        b"code_commune;places\n01001;#####\n",
        "refuse",
        "Élargissez la colonne",
    ),
    "conseil_pour_un_nombre_change_en_date": (
        b"code_commune;places\n01001;12-mai\n",
        "refuse",
        "Le tableur a pris la valeur pour une date",
    ),
    "conseil_avec_une_virgule": (
        b"code_commune;taux_couverture\n01001;beaucoup\n",
        "refuse",
        "Écrivez par exemple « 57,1 »",
    ),
    "code_vide_et_nom_connu": (
        b"code_commune;commune;places\n;Ajaccio;12\n",
        "refuse",
        "Écrivez le code Insee de Ajaccio : 2A004",
    ),
}


@pytest.mark.parametrize("faute", SANS_BRUIT)
def test_une_faute_n_est_plus_tue(faute: str) -> None:
    octets, verdict, dit = SANS_BRUIT[faute]
    controle = controler(octets, f"{faute}.csv")
    assert controle.verdict == verdict and dit in phrases(controle)


@pytest.mark.parametrize("marque", ["s.o.", "N/D", "n.s", "non disponible", "/", "non communiqué"])
def test_une_marque_de_vide_n_est_ni_un_refus_ni_un_zero(marque: str) -> None:
    controle = controler(table(f"01001;A;{marque};21;"), "marques.csv")
    assert controle.verdict == "normalise" and pd.isna(synthese(controle)["places"][0])


def test_une_virgule_decimale_n_est_soupconnee_que_si_elle_separe() -> None:
    virgule = controler(b"code_commune,taux_couverture,places\n01001,57,1,12\n", "a.csv")
    point_virgule = controler(b"code_commune;taux_couverture;places\n01001;57;1;12\n", "b.csv")
    assert "virgule décimale" in phrases(virgule) and "01001,57,1,12" in phrases(virgule)
    assert "virgule décimale" not in phrases(point_virgule)


def _classeur(format_: str = "General", **styles: Any) -> bytes:
    """Fabriquer un classeur d'une table ; `format_` est celui de sa seule mesure."""
    classeur = openpyxl.Workbook()
    feuille = classeur.active
    feuille.append(["code_commune", "commune", styles.get("mesure", "places")])
    feuille.append(["01001", "A", styles.get("valeur", 12)])
    feuille.append(["01004", "B", 310])
    feuille["C2"].number_format = format_
    feuille["C2"].font = Font(strike=bool(styles.get("barree")))
    sortie = io.BytesIO()
    classeur.save(sortie)
    return sortie.getvalue()


def _retoucher(octets: bytes, avant: bytes, apres: bytes) -> bytes:
    """Remplacer un morceau du XML de la première feuille d'un classeur."""
    sortie = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(octets)) as lu, zipfile.ZipFile(sortie, "w") as ecrit:
        for nom in lu.namelist():
            contenu = lu.read(nom)
            if nom.endswith("sheet1.xml"):
                assert avant in contenu
                contenu = contenu.replace(avant, apres)
            ecrit.writestr(nom, contenu)
    return sortie.getvalue()


def test_un_index_de_texte_negatif_est_refuse() -> None:
    octets = _retoucher(_classeur(), b't="inlineStr"><is><t>A</t></is>', b't="s"><v>-1</v>')
    controle = controler(octets, "negatif.xlsx")
    assert controle.verdict == "refuse" and "texte introuvable" in phrases(controle)


@pytest.mark.parametrize("format_", ['0.0" %"', "0\\ \\%", "[$%]0", '0.0_%"%"'])
def test_un_pourcent_ecrit_dans_le_format_ne_multiplie_pas(format_: str) -> None:
    controle = controler(_classeur(format_, mesure="taux_couverture", valeur=57.1), "f.xlsx")
    assert synthese(controle)["taux_couverture"][0] == 57.1


def test_un_effectif_en_pourcentage_est_refuse() -> None:
    controle = controler(_classeur("0%", valeur=0.12), "effectif.xlsx")
    assert controle.verdict == "refuse"
    assert "cellule C2 : pourcentage dans une colonne d'effectifs" in phrases(controle)


def test_une_cellule_barree_isolee_est_dite() -> None:
    controle = controler(_classeur(barree=True), "barree.xlsx")
    assert "1 cellule barrée dans Excel, lue quand même (C2)" in phrases(controle)


def test_toutes_les_colonnes_masquees_d_un_groupe_sont_dites() -> None:
    colonnes = b'<cols><col min="2" max="9" width="9" hidden="1"/></cols><sheetData>'
    controle = controler(_retoucher(_classeur(), b"<sheetData>", colonnes), "masquees.xlsx")
    assert "2 colonnes masquées dans Excel, lues quand même (B et C)" in phrases(controle)


def test_deux_feuilles_contraires_sont_situees() -> None:
    classeur = openpyxl.load_workbook(io.BytesIO(_classeur()))
    feuille = classeur.create_sheet("Suite")
    for ligne in (["code_commune", "places"], ["01053", 7], ["01004", 311]):
        feuille.append(ligne)
    sortie = io.BytesIO()
    classeur.save(sortie)
    fautes = [a for a in controler(sortie.getvalue(), "deux.xlsx").anomalies if a.erreur]
    assert [a.ligne for a in fautes] == [3] and "310 et 311 pour" in fautes[0].regle


def test_une_colonne_de_nombres_ignoree_est_un_avertissement() -> None:
    octets = b"code_commune;places;2023;remarque\n01001;12;15;vu\n"
    gravites = {a.colonne: a.gravite for a in controler(octets, "annees.csv").anomalies}
    assert gravites == {"2023": "avertissement", "remarque": "information"}


def test_deux_lignes_contraires_ne_montrent_pas_une_valeur_confidentielle() -> None:
    secrete = next(
        (schema, colonne)
        for schema in schemas().values()
        for colonne in schema.colonnes
        if colonne.confidentialite != "publique" and colonne.nom not in schema.cle
    )
    avant, apres = (pd.Series({secrete[1].nom: valeur}) for valeur in (4.0, 7.0))
    dit = ecarts(avant, apres, secrete[0])
    assert secrete[1].nom in dit and not {"4", "7"} & set(dit.split())
