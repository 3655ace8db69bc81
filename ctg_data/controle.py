"""Contrôler un fichier déposé : le lire, le reconnaître, le valider, et dire quoi réparer."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from ctg_data import codes, referentiel
from ctg_data.anomalies import GRAVITES, Anomalie, abreger
from ctg_data.conversion import erreur_de_tableur, est_vide
from ctg_data.dates import PAS_UNE_DATE, a_la_forme_d_une_date, lire_date
from ctg_data.doublons import ecarts, ecrire
from ctg_data.lecture import Lecture, Tableau, familles, lire
from ctg_data.nombres import lire_nombre
from ctg_data.schema import COLONNE_COMMUNE, Schema
from ctg_data.textes import INSECABLE, compte, enumeration
from ctg_data.validation import correspondances, reconnaitre_table, table_approchante, valider

journal = logging.getLogger(__name__)
Verdict = Literal["accepte", "normalise", "refuse"]
Etape = Literal["lecture", "validation"]
ETAPES: tuple[Etape, ...] = ("lecture", "validation")
CONTOURS = "contours"
IMPREVUE = "faute imprévue, le fichier n'a pas pu être contrôlé"
ANOMALIES_MAX = 1_000
_COUPURE = re.compile(r"[\r\n]")


@dataclass(frozen=True)
class Controle:
    """Porter le contrôle d'un fichier : verdict, ce qu'il est, ce qu'il contient, quoi réparer.

    `reconnu` : code de la famille publique ou nom de la table, None si rien n'est reconnu ;
    `tables` : les tables typées prêtes à être déposées, par nom de schéma ; `contours` : la table
    géographique des contours lus (code, nom, role, geometry), s'il s'agit d'un fond de carte.
    """

    fichier: str
    verdict: Verdict
    reconnu: str | None = None
    producteur: str | None = None
    millesime: str | None = None
    lignes: int = 0
    communes: int = 0
    valeurs_secretes: int = 0
    anomalies: tuple[Anomalie, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=lambda: MappingProxyType({}))
    contours: pd.DataFrame | None = None

    def en_json(self) -> dict[str, Any]:
        """Rendre le contrôle en objet JSON, sans les tables."""
        return {
            "fichier": self.fichier,
            "verdict": self.verdict,
            "reconnu": self.reconnu,
            "producteur": self.producteur,
            "millesime": self.millesime,
            "lignes": self.lignes,
            "communes": self.communes,
            "valeurs_secretes": self.valeurs_secretes,
            "anomalies": [_anomalie_json(a) for a in self.anomalies],
        }


@dataclass
class _Bilan:
    """Accumuler ce qu'un fichier apporte, feuille après feuille."""

    anomalies: list[Anomalie]
    reconnu: str | None = None
    producteur: str | None = None
    millesime: str | None = None
    lignes: int = 0
    communes: set[str] = field(default_factory=set)
    secretes: int = 0
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    contours: pd.DataFrame | None = None


def controler(
    octets: bytes,
    fichier: str,
    *,
    communes: Collection[str] | None = None,
    etape: Etape = "validation",
) -> Controle:
    """Contrôler les octets d'un fichier ; ne lève jamais.

    `communes` : codes du territoire ; sans eux, les codes sont vérifiés contre toute la France.
    `etape` : « lecture » s'arrête à l'encodage et à la structure, « validation » va jusqu'aux
    colonnes, aux valeurs et aux communes.
    """
    bilan = _Bilan([])
    try:
        lecture = lire(octets, fichier)
        bilan.anomalies += lecture.anomalies
        _contours(lecture, bilan, etape)
        _tableaux(lecture, bilan, communes, etape)
    except Exception:  # Un fichier n'arrête jamais l'outil : la faute est la nôtre, on la dit.
        journal.debug("contrôle interrompu", exc_info=True)
        conseil = "Exportez-le dans un autre format (CSV ou XLSX), et signalez ce fichier."
        bilan.anomalies.append(Anomalie(fichier, IMPREVUE, conseil))
    return _conclure(fichier, bilan)


def _conclure(fichier: str, bilan: _Bilan) -> Controle:
    anomalies = _borner(list(dict.fromkeys(bilan.anomalies)), fichier)
    refuse = any(a.erreur for a in anomalies)
    verdict: Verdict = "refuse" if refuse else "normalise" if anomalies else "accepte"
    return Controle(
        fichier,
        verdict,
        bilan.reconnu,
        bilan.producteur,
        bilan.millesime,
        bilan.lignes,
        len(bilan.communes),
        bilan.secretes,
        anomalies,
        MappingProxyType({} if refuse else bilan.tables),
        None if refuse else bilan.contours,
    )


def _borner(anomalies: list[Anomalie], fichier: str) -> tuple[Anomalie, ...]:
    """Garder les premières anomalies d'un fichier qui en a des milliers, et compter les autres."""
    reste = anomalies[ANOMALIES_MAX:]
    if not reste:
        return tuple(anomalies)
    presentes = {a.gravite for a in reste}
    graves = [g for g in GRAVITES if g in presentes]
    regle = f"et {compte(len(reste), 'autre anomalie', 'autres anomalies')}"
    suite = Anomalie(fichier, regle, "Corrigez d'abord celles-ci.", gravite=graves[0])
    return (*anomalies[:ANOMALIES_MAX], suite)


def _anomalie_json(anomalie: Anomalie) -> dict[str, Any]:
    return {
        "gravite": anomalie.gravite,
        "ligne": anomalie.ligne,
        "colonne": anomalie.colonne,
        "objet": anomalie.objet,
        "titre": anomalie.regle[:1].upper() + anomalie.regle[1:],
        "message": anomalie.constat,
        "correction": anomalie.correction,
    }


# --- Les contours -------------------------------------------------------------------------------


def _contours(lecture: Lecture, bilan: _Bilan, etape: Etape) -> None:
    """Lire les contours ; geopandas n'est chargé que s'il y en a."""
    if not lecture.contours:
        return
    from ctg_data.lecture import contours as lecteur

    for nom, octets in lecture.contours:
        try:
            if etape == "lecture":
                bilan.anomalies += lecteur.verifier_structure(octets, nom).anomalies
                continue
            lus, releve = lecteur.contours_ou_perimetre(octets, nom)
        except lecteur.ErreurContours as faute:
            bilan.anomalies += faute.anomalies
            continue
        bilan.anomalies += releve.anomalies
        if lus is None:
            continue
        bilan.anomalies += _codes_de_contours(lus, nom)
        bilan.reconnu, bilan.contours = CONTOURS, lus
        bilan.communes |= set(lus["code"])
        bilan.lignes += len(lus)


def _codes_de_contours(contours: pd.DataFrame, fichier: str) -> list[Anomalie]:
    """Dire les contours qui ne sont pas ceux d'une commune actuelle de France."""
    connues = referentiel.communes().index
    fautes = []
    for rang, (code, nom) in enumerate(zip(contours["code"], contours["nom"], strict=True), 1):
        if code in connues:
            fautes += _nom_contraire(fichier, rang, code, nom)
            continue
        if code.startswith(("975", "977", "978", "98")):
            continue
        conseil = "Vérifiez le code Insee de ce contour."
        if code in referentiel.anciens():
            actuel, _ = referentiel.anciens()[code]
            regle = f"ancien code, la commune est devenue {actuel}"
        elif code in referentiel.arrondissements():
            regle = f"arrondissement de {referentiel.arrondissements()[code]}"
        else:
            regle = f"code commune «{INSECABLE}{code}{INSECABLE}» inconnu"
            fautes.append(
                Anomalie(fichier, regle, conseil, objet=rang, commune=code, valeur=abreger(nom))
            )
            continue
        fautes.append(
            Anomalie(fichier, regle, conseil, objet=rang, commune=code, gravite="avertissement")
        )
    return fautes


def _nom_contraire(fichier: str, rang: int, code: str, nom: str) -> list[Anomalie]:
    """Confronter un code au nom du contour : une autre commune, ou un code postal qui y ressemble.

    Un nom que ne porte aucune commune (un quartier, un libellé libre) ne prouve rien.
    """
    attendu = codes.noms_des_communes()[code]
    portees = [] if nom == attendu else referentiel.codes_du_nom(nom)
    if not portees or code in portees:
        return []
    postaux = referentiel.communes()["codes_postaux"]
    homonymes = [c for c in portees if code in str(postaux.get(c, "")).split("|")]
    if homonymes:
        refus = codes.refus_postal(code, homonymes)
        return [Anomalie(fichier, refus.regle, refus.correction, objet=rang, commune=code)]
    regle = f"le code est celui de «{INSECABLE}{attendu}{INSECABLE}», le nom en dit une autre"
    conseil = f"Vérifiez{INSECABLE}: cette commune-là a le code {portees[0]}."
    trouve = abreger(nom)
    return [
        Anomalie(fichier, regle, conseil, None, None, trouve, "avertissement", rang, code),
    ]


# --- Les tableaux -------------------------------------------------------------------------------


def _tableaux(
    lecture: Lecture, bilan: _Bilan, communes: Collection[str] | None, etape: Etape
) -> None:
    non_reconnus = []
    for tableau in lecture.tableaux:
        schema = reconnaitre_table(tableau.entete)
        if etape == "lecture":
            bilan.lignes += len(tableau.lignes)
            bilan.anomalies += _constats(tableau, schema)
        elif schema is not None:
            _table(tableau, schema, bilan, communes)
        elif not _famille(tableau, bilan, communes):
            non_reconnus.append(tableau)
    for tableau in non_reconnus:
        bilan.anomalies += _non_reconnu(tableau, bool(bilan.tables))


def _table(
    tableau: Tableau, schema: Schema, bilan: _Bilan, communes: Collection[str] | None
) -> None:
    """Valider un tableau contre l'une de nos tables et l'ajouter au bilan."""
    table, anomalies = valider(
        tableau, schema, communes, france=communes is None, ignorer_les_autres=True
    )
    bilan.anomalies += [*_constats(tableau, schema, valeurs=False), *anomalies]
    bilan.reconnu = bilan.reconnu or schema.nom
    bilan.lignes += len(table) if len(table.columns) else len(tableau.lignes)
    bilan.secretes += table.attrs.get("valeurs_secretes", 0)
    if COLONNE_COMMUNE in table:
        bilan.communes |= set(table[COLONNE_COMMUNE].dropna())
    if schema.nom in bilan.tables:
        _reunir(tableau, schema, table, bilan)
    else:
        bilan.tables[schema.nom] = table


def _reunir(tableau: Tableau, schema: Schema, table: pd.DataFrame, bilan: _Bilan) -> None:
    """Ajouter une feuille à la même table ; deux feuilles qui se contredisent sont refusées."""
    cles = list(schema.cle)
    ensemble = pd.concat([bilan.tables[schema.nom], table], ignore_index=True).drop_duplicates()
    doubles = ensemble[ensemble.duplicated(cles)]
    bilan.tables[schema.nom] = ensemble.reset_index(drop=True)
    for _, apres in doubles.iterrows():
        meme = (ensemble[cles] == apres[cles]).all(axis=1)
        avant = ensemble[meme].iloc[0]
        regle = (
            f"feuille «{INSECABLE}{tableau.feuille}{INSECABLE}» : même clé dans une autre feuille, "
            f"valeurs différentes ({ecarts(avant, apres, schema)})"
        )
        conseil = "Gardez une seule des deux lignes."
        trouve = abreger(" · ".join(ecrire(apres[nom]) for nom in cles))
        ligne = _ligne_de(apres, tableau, schema)
        bilan.anomalies.append(
            Anomalie(tableau.fichier, regle, conseil, ligne, schema.cle[0], trouve)
        )


def _ligne_de(valeurs: pd.Series, tableau: Tableau, schema: Schema) -> int:
    """Retrouver la ligne d'un tableau qui porte une clé ; celle de l'en-tête à défaut."""
    rangs = correspondances(tableau.entete, schema)
    attendue = [ecrire(valeurs[nom]) for nom in schema.cle]
    for ligne, numero in zip(tableau.lignes, tableau.numeros, strict=True):
        lue = [
            codes.normaliser(ligne[rangs[nom]]).code
            if nom == COLONNE_COMMUNE
            else ligne[rangs[nom]]
            for nom in schema.cle
        ]
        if lue == attendue:
            return numero
    return tableau.ligne_entete


def _famille(tableau: Tableau, bilan: _Bilan, communes: Collection[str] | None) -> bool:
    """Extraire les tables d'un fichier public reconnu à son en-tête."""
    reconnue = familles.reconnaitre(tableau.entete, tableau.fichier)
    if reconnue is None:
        return False
    extraction = familles.extraire_tableau(reconnue, tableau, communes)
    bilan.anomalies += extraction.anomalies
    bilan.reconnu = extraction.famille.code
    bilan.producteur = extraction.famille.producteur
    bilan.millesime = extraction.millesime
    bilan.lignes += extraction.lignes_lues
    bilan.communes |= set(extraction.communes_trouvees)
    bilan.secretes += extraction.valeurs_secretes
    bilan.tables.update(extraction.tables)
    return True


def _non_reconnu(tableau: Tableau, d_autres: bool) -> list[Anomalie]:
    """Dire pourquoi un tableau n'est aucun de ceux qu'on connaît, et ce qui lui manque."""
    fichier, ligne = tableau.fichier, tableau.ligne_entete
    noms = abreger(" ; ".join(tableau.entete))
    if d_autres:
        regle = f"feuille «{INSECABLE}{abreger(tableau.feuille)}{INSECABLE}» non reconnue, ignorée"
        return [Anomalie(fichier, regle, "", ligne, gravite="information")]
    proche = table_approchante(tableau.entete)
    if proche is not None:
        _, anomalies = valider(tableau, proche)
        return [a for a in anomalies if a.erreur] or anomalies
    regle = f"aucun nom de colonne reconnu en ligne{INSECABLE}{ligne}"
    conseil = "Partez d'un gabarit de la page Données, ou du fichier public tel que téléchargé."
    return [Anomalie(fichier, regle, conseil, ligne, valeur=noms)]


# --- Ce qui se dit d'un tableau avant tout schéma ------------------------------------------------


def _constats(tableau: Tableau, schema: Schema | None, *, valeurs: bool = True) -> list[Anomalie]:
    """Relever les marques de vide, les nombres ambigus, les dates fausses et les noms coupés.

    `valeurs` : à faux, les colonnes déclarées sont laissées à la validation, qui les lit mieux.
    """
    declarees = correspondances(tableau.entete, schema) if schema else {}
    rangs = range(len(tableau.entete))
    if not valeurs:
        rangs = [r for r in rangs if r not in declarees.values()]  # type: ignore[assignment]
    vides: list[str] = []
    constats = []
    for rang in rangs:
        cellules = [ligne[rang].strip() for ligne in tableau.lignes]
        distinctes = dict.fromkeys(cellules)
        marques = {c for c in distinctes if (c.isalpha() is False and est_vide(c)) or _nulle(c)}
        vides += [c for c in cellules if c in marques]
        constats += _nombres_ambigus(tableau, rang, distinctes)
        constats += _dates_fausses(tableau, rang, cellules)
        constats += _erreurs_de_tableur(tableau, rang, cellules)
    autour = sum(c != c.strip() for ligne in tableau.lignes for c in ligne)
    if autour and schema is not None:
        regle = f"espaces ôtées autour de {compte(autour, 'cellule')}"
        constats.append(_information(tableau, regle))
    if vides:
        exemples = enumeration([f"«{INSECABLE}{v}{INSECABLE}»" for v in dict.fromkeys(vides)], 3)
        regle = compte(len(vides), "cellule vide reconnue", "cellules vides reconnues")
        constats.append(_information(tableau, f"{regle} ({exemples})"))
    if schema is not None and valeurs:
        constats += _noms_coupes(tableau, declarees)
    return constats


def _nulle(cellule: str) -> bool:
    return cellule.casefold() in ("na", "none", "null", "nan")


def _information(tableau: Tableau, regle: str, colonne: str | None = None) -> Anomalie:
    return Anomalie(tableau.fichier, regle, "", colonne=colonne, gravite="information")


def _nombres_ambigus(tableau: Tableau, rang: int, cellules: Mapping[str, None]) -> list[Anomalie]:
    for cellule in cellules:
        if len(cellule) > 30 or not cellule[:1].isdigit():
            continue
        try:
            forme = lire_nombre(cellule).forme
        except ValueError:
            continue
        if forme == "étranger":
            return [
                Anomalie(
                    tableau.fichier,
                    "format de nombre ambigu, vérifiez",
                    "Écrivez les nombres sans point de milliers, avec une virgule décimale.",
                    colonne=abreger(tableau.entete[rang]),
                    valeur=cellule,
                    gravite="avertissement",
                )
            ]
    return []


def _erreurs_de_tableur(tableau: Tableau, rang: int, cellules: Sequence[str]) -> list[Anomalie]:
    """Dire une fois par colonne qu'un calcul de tableur a échoué, là où aucune règle ne le dit."""
    if tableau.classeur:
        return []
    fautives = [i for i, c in enumerate(cellules) if erreur_de_tableur(c)]
    if not fautives:
        return []
    ligne, nom = tableau.numeros[fautives[0]], abreger(tableau.entete[rang])
    conseil, trouve = "Corrigez la formule, ou videz la cellule.", cellules[fautives[0]]
    regle = "erreur de tableur"
    return [Anomalie(tableau.fichier, regle, conseil, ligne, nom, trouve, "avertissement")]


def _dates_fausses(tableau: Tableau, rang: int, cellules: Sequence[str]) -> list[Anomalie]:
    """Refuser une date impossible dans une colonne de dates, même sans savoir ce qu'elle dit."""
    suspectes = [i for i, c in enumerate(cellules) if a_la_forme_d_une_date(c)]
    if not suspectes or len(suspectes) * 2 < sum(map(bool, cellules)):
        return []
    fautes = []
    for ligne in suspectes:
        try:
            lire_date(cellules[ligne])
        except ValueError:
            conseil = "Écrivez une date qui existe, jour d'abord (JJ/MM/AAAA)."
            fautes.append(
                Anomalie(
                    tableau.fichier,
                    PAS_UNE_DATE,
                    conseil,
                    tableau.numeros[ligne],
                    abreger(tableau.entete[rang]),
                    cellules[ligne],
                )
            )
    return fautes


def _noms_coupes(tableau: Tableau, declarees: Mapping[str, int]) -> list[Anomalie]:
    """Dire, dans une de nos tables, les cellules qui portent un saut de ligne."""
    return [
        Anomalie(
            tableau.fichier,
            "saut de ligne dans une cellule, remplacé par une espace",
            "",
            numero,
            nom,
            gravite="information",
        )
        for nom, rang in declarees.items()
        if nom in ("commune", "nom_commune")
        for ligne, numero in zip(tableau.lignes, tableau.numeros, strict=True)
        if _COUPURE.search(ligne[rang])
    ]
